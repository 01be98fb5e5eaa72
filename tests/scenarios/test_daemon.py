"""`hearthside run` as people run it: restarts, a disk that refuses, and what the log tells."""

from __future__ import annotations

import base64
import os
import re
import signal
import time
from pathlib import Path

import pytest

from device.core import failures
from device.core.events import ButtonReleased, Device
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script
from tests.scenarios.conftest import Open
from tests.scenarios.house import write_config
from tests.scenarios.process import daemon
from tests.waiting import until

pytestmark = pytest.mark.patient


async def test_killed_and_started_again_it_answers(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """SIGKILL in the middle of an answer leaves nothing behind that keeps it from starting."""
    server.script = Script(answer=lambda _: Reply("I am here, and this is a sentence."))
    config = write_config(tmp_path, server.url)
    person = Person(virtual_card.play_into_room)
    for number, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 0)):
        async with daemon(virtual_card, server.key, config) as running:
            await running.hear(person, "hello")
            await running.logged("PlaybackStarted")
            assert (await running.end(number))[0] == code


async def test_the_log_of_a_whole_conversation_tells_no_secret(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """At level info: no word that was said or answered, no key, no sound, no instructions."""
    secret = "the walrus whispered pamplemousse"
    server.script = Script(answer=lambda _: Reply(secret))
    config = write_config(tmp_path, server.url)
    overrides = ("conversation.openai.transcription_model=gpt-transcribe", "conversation.instructions=Be discreet.")
    async with daemon(virtual_card, server.key, config, overrides) as running:
        await running.hear(Person(virtual_card.play_into_room), "turn on the light")
        await running.logged("PlaybackFinished")
        assert (await running.end())[0] == 0
    assert server.journal.sent("conversation.item.input_audio_transcription.completed")
    for word in (server.key, *secret.split()[1:], "turn on", "discreet"):
        assert word not in running.log
    sound = base64.b64encode(server.journal.sent_audio()[4_800:4_860]).decode()
    assert sound not in running.log
    assert not re.search(r"[A-Za-z0-9+/]{80}", running.log), "something that looks like base64"
    assert max(map(len, running.lines)) < 500


async def test_mute_survives_a_restart(open_house: Open) -> None:
    """And so does its end."""
    async with open_house() as house:
        await house.long_press()
    async with open_house() as house:
        assert house.status.muted
        assert house.app.frontend.position == 0, "the microphone was never opened"
        await house.long_press()
        assert not house.status.muted
    async with open_house() as house:
        assert not house.status.muted


async def test_a_state_folder_that_cannot_be_written_does_not_keep_it_from_muting(
    open_house: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file stands where the folder should be (root may write anywhere else): it obeys, and logs why."""
    (tmp_path / "state").write_text("in the way")
    async with open_house() as house:
        await house.long_press()
        assert house.status.muted
        assert house.timeline.all(ButtonReleased)
        assert "will not survive a restart" in caplog.text
        await house.long_press()
        assert not house.status.muted


async def test_a_full_disk_does_not_keep_it_from_muting(open_house: Open, caplog: pytest.LogCaptureFixture) -> None:
    """/dev/full takes nothing, as a full disk does: who mutes is told so, each time."""
    async with open_house('service.state_dir="/dev/full"') as house:
        for _ in range(2):
            since = time.monotonic()
            await house.long_press()
            assert house.status.muted
            assert await house.announced(since) == failures.MUTE_NOT_KEPT
            assert "will not survive a restart" in caplog.text
            assert Device.DISK in house.status.faults
            await house.long_press()


async def test_no_child_inherits_the_key_and_no_core_would_hold_it(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """Seen in what the real process gives amixer and espeak-ng, and in what /proc shows of it."""
    programs, seen = tmp_path / "programs", tmp_path / "seen"
    programs.mkdir()
    seen.mkdir()
    for name in ("amixer", "espeak-ng"):
        script = programs / name
        script.write_text(f"#!/bin/sh\nenv >{seen}/{name}\ncat /proc/$$/environ >>{seen}/{name}\nexit 1\n")
        script.chmod(0o755)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "openai_api_key").write_text("sk-proj-refused-by-the-server")
    env = {"PATH": f"{programs}:{os.environ['PATH']}", "CREDENTIALS_DIRECTORY": str(credentials)}
    async with daemon(virtual_card, server.key, write_config(tmp_path, server.url), env=env) as running:
        # The wrong key is told by espeak-ng.
        await running.hear(Person(virtual_card.play_into_room), "hello")
        await until(lambda: len(list(seen.iterdir())) == 2, "amixer and espeak-ng")
        process = Path(f"/proc/{running.process.pid}")
        texts = [path.read_text() for path in (*seen.iterdir(), process / "environ")]
        priority = os.getpriority(os.PRIO_PROCESS, running.process.pid)
        limit = re.search(r"Max core file size +(\d+) +(\d+)", (process / "limits").read_text())
        dumped = int((process / "coredump_filter").read_text(), 16)
        assert (await running.end())[0] == 0
    for text in texts:
        assert "PATH=" in text
        assert server.key not in text
        assert str(credentials) not in text
    assert limit
    assert limit.groups() == ("0", "0")
    assert dumped == 0
    # The loudspeaker has sounded by then: its thread hurries, the program does not.
    assert priority == os.getpriority(os.PRIO_PROCESS, 0)
