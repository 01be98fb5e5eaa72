"""The JSON file beside a model: it is used, or an error says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import ConfigError
from device.wake.manifests import MicroWordModel, read_manifest
from device.wake.microwakeword.models import find_word as find_micro
from device.wake.openwakeword.models import find_word as find_open

VERSION_2 = {
    "type": "micro",
    "wake_word": "Computer",
    "model": "computer.tflite",
    "version": 2,
    "micro": {"probability_cutoff": 0.9, "sliding_window_size": 5},
}
# As esphome/micro-wake-word-models had them at first.
VERSION_1 = {
    "type": "micro",
    "wake_word": "Computer",
    "model": "./computer.tflite",
    "version": 1,
    "micro": {"probability_cutoff": 0.5, "sliding_window_average_size": 10},
}
# As linux-voice-assistant's README says to write it.
FOR_OPENWAKEWORD = {"type": "openWakeWord", "wake_word": "Computer", "model": "computer_v2.tflite"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*VERSION_1, "x"]), inner, max_size=3),
    max_leaves=6,
)


def manifest(folder: Path, content: object, encoding: str = "utf-8") -> Path:
    """Write one."""
    path = folder / "computer.json"
    path.write_bytes(json.dumps(content).encode(encoding))
    return path


def refusal(path: Path, find: Any = find_micro) -> str:
    """Return the message with which it is refused."""
    with pytest.raises(ConfigError) as caught:
        find(str(path))
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_one_of_version_2_is_read_from_any_editor(tmp_path: Path, encoding: str) -> None:
    """With a byte order mark, too."""
    path = manifest(tmp_path, VERSION_2, encoding)
    assert read_manifest(path) == MicroWordModel("computer", tmp_path / "computer.tflite", 0.9, 5)


@pytest.mark.parametrize("lost", ["version", "sliding_window_average_size"])
def test_one_of_version_1_is_named(tmp_path: Path, lost: str) -> None:
    """By its version or by its keys."""
    content = {key: value for key, value in VERSION_1.items() if key != lost}
    said = refusal(manifest(tmp_path, content))
    assert "microWakeWord model of version 1" in said
    assert "give one of version 2" in said


def test_one_of_an_openwakeword_model_is_named_with_the_model(tmp_path: Path) -> None:
    """Linux-voice-assistant has them; either engine says what to write instead."""
    path = manifest(tmp_path, FOR_OPENWAKEWORD)
    said = refusal(path)
    assert 'belongs to an openWakeWord model; set wake.engine = "openwakeword"' in said
    assert str(tmp_path / "computer_v2.tflite") in said
    assert f"name the model itself, {tmp_path / 'computer_v2.tflite'}" in refusal(path, find_open)


@pytest.mark.parametrize("content", [VERSION_1, VERSION_2])
def test_the_other_engine_says_whose_it_is(tmp_path: Path, content: object) -> None:
    """And which setting takes it."""
    assert 'set wake.engine = "microwakeword"' in refusal(manifest(tmp_path, content), find_open)


@pytest.mark.parametrize(
    "data",
    [
        b'{"model": "\xe4.tflite"}',
        b"[" * 100_000,
        b"",
        b"[]",
        b"\xff\xfe\x00\xd8",
        b'{"version": ' + b"9" * 5000 + b"}",
    ],
    ids=["latin-1", "deep", "empty", "a list", "half a letter", "a long number"],
)
def test_what_is_none_is_named_and_refused(tmp_path: Path, data: bytes) -> None:
    """Whatever bytes it has."""
    path = tmp_path / "computer.json"
    path.write_bytes(data)
    assert str(path) in refusal(path)
    assert str(path) in refusal(path, find_open)


@settings(deadline=None)
@given(JSON, st.sampled_from(["utf-8", "utf-16"]))
def test_whatever_the_json_it_is_used_or_refused(
    tmp_path_factory: pytest.TempPathFactory, made: Any, kind: str
) -> None:
    """No other error comes out."""
    path = manifest(tmp_path_factory.getbasetemp(), made, kind)
    for find in (find_micro, find_open):
        try:
            find(str(path))
        except ConfigError as error:
            message = str(error)
            assert str(path) in message


@pytest.mark.parametrize("suffix", [".onnx", ".tflite", ".json"])
@pytest.mark.parametrize("find", [find_micro, find_open])
def test_a_path_that_cannot_be_is_refused(find: Any, suffix: str) -> None:
    """Of an unknown user, too long for any file system, or with a zero byte in it."""
    for path in (f"~no-such-user/x{suffix}", f"/{'x' * 5000}{suffix}", f"/x\0{suffix}"):
        with pytest.raises(ConfigError, match=r"wake\.words"):
            find(path)
