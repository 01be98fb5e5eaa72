"""Chooses how features are computed: as a stream, a fifth of the work, where the wheel's models can be."""

from __future__ import annotations

import logging

from device.errors import ConfigError
from device.wake import onnxfile
from device.wake.embedding import Embedding, StreamingEmbedding, WindowedEmbedding
from device.wake.layers import NotStreamableError
from device.wake.mel import Mel, ModelMel, fourier_mel
from device.wake.models import feature_model
from device.wake.network import FloatArray, Network
from device.wake.protobuf import MalformedError

_log = logging.getLogger(__name__)


def open_front_end(sound: FloatArray) -> tuple[Mel, Embedding]:
    """Load what computes features of `sound` (1760 samples that keep their place): the faster way if there is one.

    It takes 5 ms, so nothing of it is kept for the next start. Raise ConfigError when the models of the openwakeword
    wheel are missing or broken.
    """
    mel, embedding = feature_model("melspectrogram"), feature_model("embedding_model")
    try:
        graphs = [onnxfile.read_model(path.read_bytes()) for path in (mel, embedding)]
        return fourier_mel(graphs[0], sound), StreamingEmbedding(graphs[1])
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read ({error.strerror}); run scripts/setup again") from error
    except (NotStreamableError, MalformedError) as error:
        _log.warning("the wake words cost four times the CPU: %s cannot run as a stream: %s", embedding, error)
    return ModelMel(sound, Network(mel)), WindowedEmbedding(Network(embedding))
