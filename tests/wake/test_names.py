"""Words by the names that people, files and detections give them."""

from __future__ import annotations

import pytest

from device.wake.names import detected_as
from device.wake.openwakeword.models import find_word


@pytest.mark.parametrize("name", ["hey_jarvis", "Hey Jarvis", " hey_jarvis_v0.1", "alexa"])
def test_a_word_that_ships_is_detected_as_the_engine_calls_it(name: str) -> None:
    """However it is written in the configuration."""
    assert detected_as(name) == find_word(name).word


@pytest.mark.parametrize("path", ["/etc/words/Computer_v2.onnx", "computer.tflite", "models/hey.you.json"])
def test_a_file_is_detected_by_its_name(path: str) -> None:
    """Without folder and suffix, and as it is written."""
    assert detected_as(path) == path.rpartition("/")[2].rpartition(".")[0]
