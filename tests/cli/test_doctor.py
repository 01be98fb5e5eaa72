"""`hearthside doctor` as people and programs run it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from device.secrets import MASK
from device.sim.devices.soundcard import MICROPHONE, SPEAKER, VirtualSoundCard
from device.sim.realtime import SimulatedRealtime
from device.sim.room.acoustics import Room
from device.sim.room.echopath import EchoPath
from device.units import Ms
from tests.scenarios.process import daemon

COMMAND = Path(sys.executable).with_name("hearthside")
KEY = "sk-proj-planted-7461686c"
LIMIT_S = 90
NO_CARD = {"audio.input": "Banana", "audio.output": "Banana"}


class NoHearing:
    """Stands for the recogniser: nothing is said here."""

    def learn(self, tools: Any) -> None:
        """Learn nothing."""


async def doctor(
    folder: Path, settings: Mapping[str, str], *options: str, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run it; return its exit code and what it printed to both."""
    config = folder / "config.toml"
    config.touch()
    chosen = {"service.state_dir": str(folder), **settings}
    sets = [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "doctor", "--config", config, *options, *sets),
        env={**os.environ, "OPENAI_API_KEY": KEY, "no_proxy": "*", **(env or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def graded(out: str) -> dict[str, str]:
    """Return the grades by the names of the checks; of two the last."""
    return {found["check"]: found["grade"] for found in json.loads(out)["findings"]}


async def test_programs_read_what_is_wrong(tmp_path: Path) -> None:
    """A sound card that is not there is a wrong configuration; the key is tried, and shown nowhere."""
    async with SimulatedRealtime(key=KEY, understanding=NoHearing()) as server:  # type: ignore[arg-type]
        settings = {**NO_CARD, "conversation.openai.url": server.url}
        code, out, err = await doctor(tmp_path, settings, "--json")
    assert (code, err) == (os.EX_CONFIG, "")
    grades = graded(out)
    assert grades["sound cards"] == "wrong"
    assert grades["levels"] == "skipped"
    assert {grades[check] for check in ("configuration", "key", "provider", "wake words", "disk")} == {"well"}
    assert KEY not in out
    assert KEY[8:] not in out


async def test_people_read_lines_with_the_fix_under_what_is_wrong(tmp_path: Path) -> None:
    """Into a pipe without a letter of colour. A key that the server refuses is told, not shown."""
    async with SimulatedRealtime(understanding=NoHearing()) as server:  # type: ignore[arg-type]
        settings = {**NO_CARD, "conversation.openai.url": server.url}
        code, out, _ = await doctor(tmp_path, settings)
    assert code == os.EX_CONFIG
    assert "\x1b" not in out
    assert "WRONG  key            OPENAI_API_KEY from the environment is refused: HTTP 401" in out
    assert "-> check the key" in out
    assert out.endswith("not looked at.\n")
    assert KEY[8:] not in out.replace(MASK, "")


async def test_a_wrong_configuration_is_one_finding_among_others(tmp_path: Path) -> None:
    """The rest is looked at as if nothing were configured."""
    code, out, _ = await doctor(tmp_path, {**NO_CARD, "audio.inptu": "x"}, "--json", "--silent")
    assert code == os.EX_CONFIG
    first = json.loads(out)["findings"][0]
    assert (first["check"], first["grade"]) == ("configuration", "wrong")
    assert '"inptu"' in first["text"]
    assert "disk" in graded(out)


@pytest.mark.card
async def test_it_hears_itself_in_a_room(virtual_card: VirtualSoundCard, tmp_path: Path) -> None:
    """The wake word, said by the loudspeaker, comes back through the room: level, echo and self-test are well."""
    settings = {"audio.input": MICROPHONE, "audio.output": SPEAKER, "audio.volume": "1.0"}
    async with EchoPath(virtual_card, Room(Ms(60), noise_dbfs=-60.0)):
        _, out, _ = await doctor(tmp_path, settings, "--json", env=virtual_card.env())
    grades = graded(out)
    assert {check: grades[check] for check in ("microphone", "loudspeaker", "levels", "echo", "self-test")} == {
        "microphone": "well",
        "loudspeaker": "well",
        "levels": "well",
        "echo": "well",
        "self-test": "well",
    }, out


@pytest.mark.card
async def test_it_tells_a_room_without_a_loudspeaker(virtual_card: VirtualSoundCard, tmp_path: Path) -> None:
    """Two null sinks that know nothing of each other: digital silence, and nothing of what was said."""
    settings = {"audio.input": MICROPHONE, "audio.output": SPEAKER}
    code, out, _ = await doctor(tmp_path, settings, "--json", env=virtual_card.env())
    grades = graded(out)
    assert code != 0
    assert (grades["levels"], grades["echo"], grades["self-test"]) == ("wrong", "wrong", "wrong")


@pytest.mark.card
async def test_beside_a_running_house_it_asks_and_leaves_the_card_alone(
    virtual_card: VirtualSoundCard, tmp_path: Path
) -> None:
    """The house says how it is and what it hears; its sound never stops for it."""
    config = tmp_path / "config.toml"
    config.write_text(f'[audio]\ninput = "{MICROPHONE}"\noutput = "{SPEAKER}"\n[service]\nstate_dir = "{tmp_path}"\n')
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path)}
    async with daemon(virtual_card, KEY, config, env=runtime) as house:
        code, out, _ = await doctor(tmp_path, {}, "--json", env={**virtual_card.env(), **runtime})
        found = {one["check"]: one for one in json.loads(out)["findings"]}
        assert found["house"]["grade"] == "well", out
        assert "listening" in found["house"]["text"]
        # Two null sinks: the house hears digital silence, and says so itself.
        assert found["levels"]["grade"] == "wrong"
        assert "digital silence" in found["levels"]["text"]
        assert {found[check]["grade"] for check in ("rates", "self-test")} == {"skipped"}
        assert code != 0
        assert "failed" not in house.log
