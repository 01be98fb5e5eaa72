"""Another player is quieter while the house listens or speaks: real commands, a conversation of statuses."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.others import NeighbourDucker
from device.audio.settings import Others
from device.core.events import StopRequested, WakeWordDetected
from device.core.others import ducks_others
from device.core.status import Phase, Status
from device.errors import ConfigError
from device.house import configuration
from tests.house.cardless import CardlessHouse, open_cardless
from tests.waiting import until

IDLE, TALKING = Status(), Status(phase=Phase.LISTENING)


class Player:
    """What the commands did, one line each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "log"
        self.mark = folder / "state" / "others-ducked"

    def command(self, name: str, then: str = "") -> str:
        script = self.folder / f"{name}.sh"
        script.write_text(f'#!/bin/sh\necho "{name} $# $1" >>"{self.file}"\nenv >"{self.folder}/{name}.env"\n{then}\n')
        script.chmod(0o755)
        return f"{script} 'a b;$(touch {self.folder}/shell)'"

    def ducker(
        self, then: str = "", environment: dict[str, str] | None = None, timeout_s: float = 20.0
    ) -> NeighbourDucker:
        settings = Others(duck=self.command("duck", then), restore=self.command("restore", then), timeout_s=timeout_s)
        return NeighbourDucker(settings, self.mark, environment or {"PATH": "/usr/bin:/bin"})

    @property
    def did(self) -> list[str]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [line.split()[0] for line in lines]


@pytest.fixture
def player(tmp_path: Path) -> Player:
    """One that plays."""
    return Player(tmp_path)


async def test_each_command_runs_once_a_conversation(player: Player) -> None:
    """Through all its phases, and without a shell."""
    ducker = player.ducker()
    ducker.start()
    for phase in (Phase.WAKING, Phase.LISTENING, Phase.THINKING, Phase.SPEAKING, Phase.LISTENING):
        ducker.observe(None, Status(phase=phase))
        await until(lambda: player.mark.exists() and player.did == ["duck"], "a duck")
    ducker.observe(None, IDLE)
    await until(lambda: player.did == ["duck", "restore"] and not player.mark.exists(), "a restore")
    await ducker.close()
    assert player.did == ["duck", "restore"]
    assert player.file.read_text().startswith("duck 1 a b;$(touch ")
    assert not (player.folder / "shell").exists()


async def test_no_secret_is_in_its_environment(player: Player) -> None:
    """Only what leads to players."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "OPENAI_API_KEY": "sk-secret",
        "CREDENTIALS_DIRECTORY": "/run/c",
        "TZ": "UTC",
    }
    ducker = player.ducker(environment=environment)
    ducker.observe(None, TALKING)
    await until(lambda: player.mark.exists() and player.did == ["duck"], "a duck")
    await ducker.close()
    for name in ("duck", "restore"):
        seen = (player.folder / f"{name}.env").read_text()
        assert "TZ=UTC" in seen
        assert "sk-secret" not in seen
        assert "CREDENTIALS" not in seen
        assert "API_KEY" not in seen


async def test_a_restart_after_a_crash_restores(player: Player) -> None:
    """And a second one does nothing."""
    crashed = player.ducker()
    crashed.observe(None, TALKING)
    assert crashed._working is not None
    await crashed._working
    assert player.did == ["duck"]
    ducker = player.ducker()
    ducker.start()
    await until(lambda: player.did == ["duck", "restore"] and not player.mark.exists(), "a restore")
    again = player.ducker()
    again.start()
    await again.close()
    assert player.did == ["duck", "restore"]


async def test_a_conversation_that_ends_while_the_command_runs_is_restored_after_it(player: Player) -> None:
    """Never both at once, and never only the first."""
    ducker = player.ducker("sleep 0.05")
    ducker.observe(None, TALKING)
    await asyncio.sleep(0.01)
    ducker.observe(None, IDLE)
    await until(lambda: player.did == ["duck", "restore"], "both")
    await ducker.close()


@pytest.mark.parametrize(("then", "timeout_s", "times"), [("exit 3", 20.0, 2), ("sleep 60", 5.0, 1)])
async def test_a_command_that_fails_is_told_once(
    player: Player, then: str, timeout_s: float, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    """And tried again each time; whoever restores in the end finds the mark."""
    ducker = player.ducker(then, timeout_s=timeout_s)
    with caplog.at_level(logging.WARNING):
        for count in range(1, times + 1):
            ducker.observe(None, TALKING)
            await until(lambda count=count: player.did.count("duck") == count, "a duck")  # type: ignore[misc]
            ducker.observe(None, IDLE)
            await until(lambda count=count: player.did.count("restore") == count, "a restore")  # type: ignore[misc]
            assert ducker._working is not None
            await ducker._working
    assert [record.message.split(":")[0] for record in caplog.records] == ["audio.others.duck", "audio.others.restore"]
    assert player.mark.exists()


async def test_a_command_that_is_not_there_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As one that fails."""
    ducker = NeighbourDucker(Others(duck="/no/such", restore="/no/such"), tmp_path / "mark", {})
    ducker.observe(None, TALKING)
    await until(lambda: caplog.records, "a complaint")
    await ducker.close()
    assert len(caplog.records) == 2


@given(st.builds(Status, st.sampled_from(Phase), st.booleans()), st.booleans(), st.booleans())
def test_others_are_quieter_whenever_the_house_is_heard_or_hears(status: Status, ringing: bool, says: bool) -> None:
    """And never otherwise."""
    status = replace(status, ringing=ringing, announcing=says)
    assert ducks_others(status) is (status.phase is not Phase.IDLE or ringing or says)


@pytest.mark.parametrize(
    ("others", "complaint"),
    [
        ({"duck": "mpc pause"}, "audio.others.restore is empty"),
        ({"restore": "mpc play"}, "audio.others.duck is empty"),
        ({"duck": "mpc\npause", "restore": "mpc play"}, "a command on one line"),
    ],
)
def test_half_a_pair_of_commands_is_refused(others: dict[str, str], complaint: str) -> None:
    """A player that stays quiet is noticed late."""
    with pytest.raises(ConfigError, match=complaint):
        configuration.parse({"audio": {"others": others}})


def test_a_command_with_half_a_quotation_is_refused(tmp_path: Path) -> None:
    """At the start, and not in the first conversation."""
    with pytest.raises(ConfigError, match=r"audio.others.restore: No closing quotation in the command"):
        NeighbourDucker(Others(duck="mpc pause", restore="mpc 'play"), tmp_path / "mark")


async def test_in_a_whole_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quieter from the wake word on; as loud as before when the house shuts down in the middle of it."""
    player = Player(tmp_path)
    others = {"duck": player.command("duck"), "restore": player.command("restore")}
    # A provider that keeps everybody waiting.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/v1/realtime"
        async with open_cardless(tmp_path, monkeypatch, url, audio={"others": others}) as house:
            await talk_and_leave(house, player)
    assert player.did == ["duck", "restore"] * 2


async def talk_and_leave(house: CardlessHouse, player: Player) -> None:
    """Have a conversation, and begin another."""
    house.app.controller.post(WakeWordDetected("hey_jarvis", 1.0, house.app.frontend.position))
    await until(lambda: player.did == ["duck"], "a duck")
    house.app.controller.post(StopRequested())
    await until(lambda: player.did == ["duck", "restore"], "a restore")
    house.app.controller.post(WakeWordDetected("hey_jarvis", 1.0, house.app.frontend.position))
    await until(lambda: len(player.did) == 3, "another duck")


async def test_whoever_has_no_other_player_loads_nothing_of_it(tmp_path: Path) -> None:
    """The idle house is as small as before."""
    program = "import sys, device.house.app; print('device.audio.others' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=-1)
    out, _ = await process.communicate()
    assert out == b"False\n"
