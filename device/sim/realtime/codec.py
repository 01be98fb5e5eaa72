"""Converts between s16le and the audio formats on the wire: PCM, and G.711 (ITU-T)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import soxr

from device.units import Hz

_Int16 = np.ndarray[Any, np.dtype[np.int16]]
_ULAW_BIAS = 0x84


def decode(data: bytes, audio_format: Mapping[str, Any]) -> bytes:
    """Return sound from the wire as s16le; an incomplete last sample is dropped."""
    if audio_format["type"] == "audio/pcm":
        return data[: len(data) // 2 * 2]
    table = _ULAW if audio_format["type"] == "audio/pcmu" else _ALAW
    return table[np.frombuffer(data, np.uint8)].astype("<i2").tobytes()


def encode(pcm: bytes, audio_format: Mapping[str, Any]) -> bytes:
    """Return s16le (at the format's rate) in the format of the wire."""
    if audio_format["type"] == "audio/pcm":
        return pcm
    table = _ULAW if audio_format["type"] == "audio/pcmu" else _ALAW
    order = np.argsort(table, kind="stable")
    levels = table[order].astype(np.int32)
    middles = (levels[1:] + levels[:-1] + 1) // 2
    return order[np.searchsorted(middles, np.frombuffer(pcm, "<i2"), side="right")].astype(np.uint8).tobytes()


def resample(pcm: bytes, source: Hz, target: Hz) -> bytes:
    """Resample a whole sound (s16le mono)."""
    if source == target or not pcm:
        return pcm
    samples: _Int16 = np.frombuffer(pcm, "<i2")
    return bytes(soxr.resample(samples, source, target).astype("<i2").tobytes())


def _ulaw_table() -> _Int16:
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 0x0F).astype(np.int32)
    level = (((mantissa << 3) + _ULAW_BIAS) << exponent) - _ULAW_BIAS
    return np.where(code & 0x80, -level, level).astype(np.int16)


def _alaw_table() -> _Int16:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 0x0F).astype(np.int32)
    steps = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, steps, -steps).astype(np.int16)


_ULAW = _ulaw_table()
_ALAW = _alaw_table()
