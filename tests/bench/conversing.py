"""Whole conversations with the real command, for the benchmarks of memory: each with a tool and a spoken answer.

The connection is encrypted, and the device trusts every authority that this machine does, as with a real provider.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import common

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person, Utterance
from device.sim.realtime import Call, Entry, Reply, Script, SimulatedRealtime, tone
from device.sim.realtime.tls import make_certificate, server_context

WAKE_WORD, COMMAND = "hey jarvis", "what time is it"
ANSWER_MS = 2000
ANSWERED = "response.output_audio.done"
TRUSTED = "trusted.pem"
# On a busy machine the simulated person stutters at times, and is not understood.
PATIENCE = 8
LIMIT_S = 8.0
# Until the answer has been played and the session is closed.
CLOSED_S = ANSWER_MS / 1000 + 2.0


@dataclass(frozen=True)
class Room:
    """A card, a server, and what a person says."""

    card: VirtualSoundCard
    server: SimulatedRealtime
    said: Utterance
    folder: str

    def device(self, inside: Sequence[str] = ()) -> common.Program:
        """Start the device, with echo cancellation; `inside`: see common.hearthside."""
        settings = (
            *(
                "hardware.profile=generic",
                "audio.cues=false",
                'conversation.barge_in="voice"',
                "conversation.follow_up_s=0",
            ),
            *(f"conversation.openai.url={self.server.url}", 'wake.words=["hey_jarvis"]'),
        )
        trusting = {"SSL_CERT_FILE": str(Path(self.folder) / TRUSTED)}
        return common.hearthside(self.card, self.folder, settings, env=trusting, inside=inside)

    async def converse(self) -> Entry:
        """Say the wake word and a command as often as it takes; return the end of the answer, heard to its end."""
        for _ in range(PATIENCE):
            since = time.monotonic()
            await self.card.play_into_room(self.said.pcm, self.said.rate)
            with contextlib.suppress(TimeoutError):
                answered = await self.server.journal.wait(
                    lambda entry, since=since: entry.type == ANSWERED and entry.at > since, LIMIT_S
                )
                await asyncio.sleep(CLOSED_S)
                return answered
        raise RuntimeError("the device did not answer")


@contextlib.asynccontextmanager
async def room(folder: str) -> AsyncIterator[Room]:
    """Set everything up; the server's certificate is in `folder`."""
    tls = _certified(Path(folder))
    replies = itertools.cycle((Reply(calls=(Call("get_time"),)), Reply(audio=tone(ANSWER_MS))))
    script = Script(answer=lambda heard: next(replies))
    async with VirtualSoundCard() as card, SimulatedRealtime(script=script, tls=tls) as server:
        said = await Person(card.play_into_room).render(COMMAND, WAKE_WORD)
        yield Room(card, server, said, folder)


def _certified(folder: Path) -> ssl.SSLContext:
    """Make a certificate, and a file of all that the device trusts."""
    certificate = make_certificate(folder, "127.0.0.1")
    usual = ssl.get_default_verify_paths().cafile
    authorities = Path(usual).read_text(encoding="utf-8") if usual else ""
    (folder / TRUSTED).write_text(authorities + certificate.read_text(encoding="ascii"), encoding="utf-8")
    return server_context(certificate)
