"""WebRTC's audio processing module, asked without the package that brings it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc

from device.audio.echo import apm
from device.audio.echo.apm import AudioProcessing
from device.errors import AudioError
from device.kit import protobuf
from device.units import CAPTURE_RATE, Hz

PLAYED_RATE = Hz(24_000)
BLOCKS = 300


def noise(seed: int, rate: Hz) -> list[bytes]:
    """Return blocks of 10 ms."""
    random = np.random.default_rng(seed)
    return [random.integers(-9_000, 9_000, rate // 100).astype("<i2").tobytes() for _ in range(BLOCKS)]


@pytest.fixture
def fresh() -> Iterator[None]:
    """The library is not loaded yet, and what a test loads instead is forgotten."""
    apm._load.cache_clear()
    yield
    apm._load.cache_clear()


def test_while_the_library_is_read_other_threads_go_on(tmp_path: Path) -> None:
    """A pipe is a file that is read very slowly: until another thread opens its other end."""
    pipe = tmp_path / "slow.so"
    os.mkfifo(pipe)
    program = f"""
import threading
from pathlib import Path
from device.audio.echo.apm import open_library

def load():
    try:
        open_library(Path({str(pipe)!r}))
    except OSError as error:
        print(error)

thread = threading.Thread(target=load)
thread.start()
open({str(pipe)!r}, "wb").close()
thread.join()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == f"{pipe}: file too short\n"


def test_it_does_what_the_package_does_to_the_bit() -> None:
    """Asked by its own classes: with a new version of livekit the messages may have other numbers."""
    module, theirs = AudioProcessing(), rtc.AudioProcessingModule(echo_cancellation=True)
    theirs.set_stream_delay_ms(0)
    for captured, played in zip(noise(1, CAPTURE_RATE), noise(2, PLAYED_RATE), strict=True):
        theirs.process_reverse_stream(rtc.AudioFrame(bytearray(played), PLAYED_RATE, 1, len(played) // 2))
        frame = rtc.AudioFrame(bytearray(captured), CAPTURE_RATE, 1, len(captured) // 2)
        theirs.process_stream(frame)
        assert module.process(captured, played, PLAYED_RATE) == bytes(frame.data)


def test_modules_do_not_disturb_each_other() -> None:
    """Neither while both are there, nor when one is gone."""
    blocks = list(zip(noise(1, CAPTURE_RATE), noise(2, PLAYED_RATE), strict=True))
    alone = AudioProcessing()
    expected = [alone.process(*pair, PLAYED_RATE) for pair in blocks]
    module, heard = AudioProcessing(), []
    for captured, played in blocks[: BLOCKS // 2]:
        alone.process(captured, bytes(len(played)), PLAYED_RATE)
        heard.append(module.process(captured, played, PLAYED_RATE))
    del alone
    heard += [module.process(*pair, PLAYED_RATE) for pair in blocks[BLOCKS // 2 :]]
    assert heard == expected


def test_loading_it_imports_neither_the_package_nor_protobuf() -> None:
    """They take 5 MB, and keep Python busy when the first session opens."""
    code = """
import sys
from device.audio.echo.apm import AudioProcessing
before = set(sys.modules)
AudioProcessing().process(bytes(320), bytes(480), 24_000)
print(*sorted(set(sys.modules) - before))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in shown.stdout.split() if name.startswith(("livekit", "google"))] == []


def test_a_process_that_has_used_it_ends_without_a_word() -> None:
    """The library has threads of its own."""
    code = "from device.audio.echo.apm import AudioProcessing; made = AudioProcessing()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(("captured", "played"), [(318, 480), (320, 482), (0, 480), (320, 0)])
def test_what_is_not_10_ms_is_refused(captured: int, played: int) -> None:
    """Before the library reads beyond its end."""
    with pytest.raises(AudioError, match="takes 10 ms"):
        AudioProcessing().process(bytes(captured), bytes(played), PLAYED_RATE)


def test_what_the_library_complains_of_is_raised() -> None:
    """Of a handle that has been dropped, it says nothing and answers with none."""
    module = AudioProcessing()
    [(_, handle)] = protobuf.read(module._handle)
    assert module._library.livekit_ffi_drop_handle(handle)
    with pytest.raises(AudioError, match="refuses a request"):
        module.process(bytes(320), bytes(480), PLAYED_RATE)


class Library:
    """Gives every request the same answer."""

    def __init__(self, answer: bytes) -> None:
        self._length = len(answer)
        self._answer = ctypes.create_string_buffer(answer)

    def livekit_ffi_request(self, message: bytes, length: int, where: object, size: object) -> int:
        """Answer."""
        where._obj.contents = ctypes.c_ubyte.from_buffer(self._answer)  # type: ignore[attr-defined]
        size._obj.value = self._length  # type: ignore[attr-defined]
        return 1

    def livekit_ffi_drop_handle(self, handle: int) -> bool:
        """Agree."""
        return True


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff",
        protobuf.piece(apm._NEW_ANSWER + 1, b""),
        protobuf.piece(apm._NEW_ANSWER, b""),
        protobuf.piece(apm._NEW_ANSWER, protobuf.piece(1, protobuf.piece(1, b""))),
        protobuf.integer(apm._NEW_ANSWER, 1),
    ],
)
def test_a_library_that_answers_otherwise_than_expected_is_not_used(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another version, perhaps."""
    monkeypatch.setattr(apm, "_load", lambda: Library(answer))
    with pytest.raises(AudioError, match=r"requirements\.txt"):
        AudioProcessing()


def test_an_error_in_an_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the library's words."""
    module = AudioProcessing()
    monkeypatch.setattr(module, "_library", Library(protobuf.piece(apm._PLAYED_ANSWER, protobuf.piece(1, b"no echo"))))
    with pytest.raises(AudioError, match="fails: no echo"):
        module.process(bytes(320), bytes(480), PLAYED_RATE)


def test_without_the_package_it_says_how_to_get_it(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is loaded; before that it only says no."""
    assert apm.is_installed()
    monkeypatch.setitem(sys.modules, "livekit", None)
    assert not apm.is_installed()
    with pytest.raises(AudioError, match="pip install livekit"):
        AudioProcessing()


@pytest.mark.parametrize("content", [b"", b"no library"])
def test_a_library_that_cannot_be_loaded_is_an_audio_error(
    content: bytes, fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As after a download that was cut off."""
    broken = tmp_path / "library.so"
    broken.write_bytes(content)
    monkeypatch.setattr(apm, "_path", lambda: broken)
    with pytest.raises(AudioError, match="install livekit again"):
        AudioProcessing()


def test_a_library_without_those_functions_is_an_audio_error(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other."""
    monkeypatch.setattr(apm, "_path", lambda: Path("libc.so.6"))
    with pytest.raises(AudioError, match="install livekit again"):
        AudioProcessing()
