"""Runs the recogniser in a process of its own, because pocketsphinx holds Python's global lock for 80 ms per sentence:
in the device's process that would delay the sound card's callbacks.

The messages on the pipes are msgpack, each after its length in 4 bytes. Requests are phrases to learn, or a sound; the
answers are an error text (empty without an error), or what was understood.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

import device
from device.errors import ConfigError, HearthsideError, SpeechError
from device.ports.tools import ToolSpec
from device.sim.person.phrases import NotUnderstood, Phrasebook, Understood
from device.sim.person.understanding import TALK, Understanding

_LENGTH_BYTES = 4
_START_S = 30.0
_END_S = 2.0


class _Phrases(msgspec.Struct):
    tools: list[ToolSpec]
    talk: list[str]


class _Recognition(msgspec.Struct):
    text: str
    understood: bool
    tool: str | None
    arguments: Mapping[str, Any]


class Recogniser:
    """Does what Understanding does, without blocking this process. Start it before use, close it afterwards."""

    def __init__(self, tools: Iterable[ToolSpec], talk: Iterable[str] = TALK) -> None:
        """Raise ConfigError for a phrase that cannot be spoken."""
        self._phrases = _Phrases(list(tools), list(talk))
        self._book = Phrasebook(self._phrases.tools, self._phrases.talk)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._taught: asyncio.Task[None] | None = None

    def learn(self, tools: Iterable[ToolSpec]) -> None:
        """Understand the phrases of other tools from now on. Raise ConfigError."""
        self._phrases = _Phrases(list(tools), self._phrases.talk)
        self._book = Phrasebook(self._phrases.tools, self._phrases.talk)
        if self._process is not None:
            self._taught = asyncio.create_task(self._teach())

    async def start(self) -> None:
        """Start the process and load the model (about half a second). Raise ConfigError or SpeechError."""
        pipe = asyncio.subprocess.PIPE
        root = str(Path(device.__file__).parent.parent)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
        command = (sys.executable, "-m", "device.sim.person.recogniser")
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=env)
        try:
            async with asyncio.timeout(_START_S):
                await self._teach()
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the process. Harmless when there is none."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def recognise(self, pcm: bytes) -> Understood | NotUnderstood:
        """Return what was said in `pcm` (s16le mono at 16 kHz).

        Raise SpeechError when the process has ended, ConfigError when a phrase it was to learn has no pronunciation.
        """
        if self._taught is not None:
            await asyncio.shield(self._taught)
        # Shielded: even if the caller is cancelled, the answer must be read from the pipe.
        answer = await asyncio.shield(asyncio.ensure_future(self._exchange(msgspec.msgpack.encode(pcm))))
        found = msgspec.msgpack.decode(answer, type=_Recognition)
        return Understood(found.text, found.tool, found.arguments) if found.understood else NotUnderstood(found.text)

    def read(self, text: str) -> Understood | NotUnderstood:
        """Return what a written sentence asks for."""
        return self._book.read(text)

    async def _teach(self) -> None:
        answer = await self._exchange(msgspec.msgpack.encode(self._phrases))
        if error := msgspec.msgpack.decode(answer, type=str):
            raise ConfigError(error)

    async def _exchange(self, message: bytes) -> bytes:
        async with self._turn:
            process = self._process
            if process is None or process.stdin is None or process.stdout is None:
                raise SpeechError("the simulated recogniser is not running")
            try:
                process.stdin.write(_framed(message))
                await process.stdin.drain()
                length = int.from_bytes(await process.stdout.readexactly(_LENGTH_BYTES), "big")
                return await process.stdout.readexactly(length)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                raise SpeechError("the simulated recogniser has ended; see its message above") from error


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(_LENGTH_BYTES, "big") + message


def _messages(source: IO[bytes]) -> Iterable[bytes]:
    while len(length := source.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
        yield source.read(int.from_bytes(length, "big"))


def _answer(said: Understood | NotUnderstood) -> _Recognition:
    if isinstance(said, Understood):
        return _Recognition(said.text, True, said.tool, said.arguments)
    return _Recognition(said.text, False, None, {})


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    def say(message: object) -> None:
        sink.write(_framed(msgspec.msgpack.encode(message)))
        sink.flush()

    understanding: Understanding | None = None
    for message in _messages(source):
        wanted = msgspec.msgpack.decode(message, type=_Phrases | bytes)
        if isinstance(wanted, _Phrases):
            try:
                understanding = Understanding(wanted.tools, wanted.talk)
                say("")
            except HearthsideError as error:
                say(str(error))
        else:
            say(_answer(understanding.recognise_blocking(wanted) if understanding else NotUnderstood()))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end closes the pipe
    _serve(sys.stdin.buffer, sys.stdout.buffer)
