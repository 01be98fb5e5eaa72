"""Chooses how features are computed: as a stream, four times faster, where that gives what the wheel's models give.

The streaming graph is made from the wheel's embedding model once, compared with it, and kept in the state directory.
It carries the digest of what it was made from in its name: another model, or another version of this code, makes
another file. Making it costs about 0.15 s, reading it nothing over reading the wheel's.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from device.errors import ConfigError
from device.wake.embedding import Embedding, StreamingEmbedding, WindowedEmbedding
from device.wake.mel import CHUNK_FRAMES, CHUNK_SAMPLES, OVERLAP_SAMPLES, Mel, ModelMel, fourier_mel
from device.wake.models import feature_model
from device.wake.network import FloatArray, Network
from device.wake.protobuf import MalformedError
from device.wake.streaming import NotStreamableError, make_streaming

_log = logging.getLogger(__name__)

_VERSION = 1
"""Of what `make_streaming` makes and `_compare` demands: a new number makes every installation build anew."""
_COMPARED_STEPS = 40
# Embeddings are of the order of 10, so this is what float32 leaves over; a frame in the wrong place differs by 1.
_CLOSE = 1e-3


def open_front_end(sound: FloatArray, cache: Path | None) -> tuple[Mel, Embedding]:
    """Load what computes features of `sound` (1760 samples that keep their place): the faster way if it is right.

    `cache`: the folder for the streaming graph; None: it is made anew by every process. Raise ConfigError when the
    models of the openwakeword wheel are missing or broken.
    """
    mel, embedding = feature_model("melspectrogram"), feature_model("embedding_model")
    try:
        return _open_streaming(mel, embedding, sound, cache)
    except (NotStreamableError, MalformedError) as error:
        _log.warning("the wake words cost four times the CPU: %s cannot run as a stream: %s", embedding, error)
    return ModelMel(sound, Network(mel)), WindowedEmbedding(Network(embedding))


def _open_streaming(mel: Path, embedding: Path, sound: FloatArray, cache: Path | None) -> tuple[Mel, Embedding]:
    sources = mel.read_bytes(), embedding.read_bytes()
    spectrum = fourier_mel(sources[0], sound)
    if cache is None:
        return spectrum, StreamingEmbedding(_build(mel, embedding), embedding)
    kept = cache / f"streaming-{_digest(*sources)}.onnx"
    # Whatever is wrong with what was kept: it can be made again.
    with suppress(ConfigError):
        if kept.is_file():
            return spectrum, StreamingEmbedding(kept, embedding)
    built = _build(mel, embedding)
    _keep(built, kept)
    return spectrum, StreamingEmbedding(built, embedding)


def _digest(*sources: bytes) -> str:
    digest = hashlib.sha256(str(_VERSION).encode())
    for source in sources:
        digest.update(hashlib.sha256(source).digest())
    return digest.hexdigest()[:32]


@lru_cache(1)
def _build(mel: Path, embedding: Path) -> bytes:
    """Make the streaming graph and hold it to the wheel's models. Raise NotStreamableError."""
    streaming = make_streaming(embedding.read_bytes())
    try:
        _compare(mel, embedding, streaming)
    except ConfigError as error:
        raise NotStreamableError(str(error)) from error
    return streaming


def _compare(mel: Path, embedding: Path, streaming: bytes) -> None:
    """Compute features of noise both ways. Raise NotStreamableError when they differ."""
    sound: FloatArray = np.zeros(OVERLAP_SAMPLES + CHUNK_SAMPLES, np.float32)
    ways: list[tuple[Mel, Embedding]] = [
        (ModelMel(sound, Network(mel)), WindowedEmbedding(Network(embedding))),
        (fourier_mel(mel.read_bytes(), sound), StreamingEmbedding(streaming, embedding)),
    ]
    noise = np.random.default_rng(1)
    for step in range(_COMPARED_STEPS):
        sound[:] = noise.standard_normal(len(sound)) * 10 ** (step % 5)
        for spectrum, vectors in ways:
            vectors.frames[:] = spectrum.newest(CHUNK_FRAMES)
            vectors.step()
        (_, expected), (_, got) = ways
        if not np.allclose(expected.vector, got.vector, rtol=_CLOSE, atol=_CLOSE):
            raise NotStreamableError("as a stream it gives other numbers")


def _keep(model: bytes, path: Path) -> None:
    """Write the file so that it is there as a whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(model)
        Path(file.name).replace(path)
    except OSError as error:
        _log.warning("cannot write %s (%s): the wake words' model is made anew at every start", path, error.strerror)
