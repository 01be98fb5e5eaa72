"""The whole house with `hardware.profile = "auto"`: what is plugged in is listened to, and nobody has named it."""

from __future__ import annotations

import asyncio
import functools
import os
import tomllib
from pathlib import Path

import pytest

from device.boards import finding
from device.foreign.gpio import MockBoard
from device.house import app, configuration, latecomer
from device.house.app import open_app
from device.house.latecomer import BoardAppearedError
from device.house.layers import Layer
from device.secrets import Secret
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime
from device.sim.stage.timeline import Timeline
from tests.boards.boards import LISTINGS, plug_in_usb
from tests.scenarios.house import RELAY, House, config_text
from tests.waiting import LIMIT_S, until

_LOOK = finding.look
# Where the virtual card is the board's: under the id by which the board's own card is found.
ALIAS = """
pcm.Lite {
    type asym
    playback.pcm "hearthside_speaker"
    capture.pcm "hearthside_mic"
    hint { show on description "The board's card" }
}
"""


@pytest.fixture
def lite(virtual_card: VirtualSoundCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ReSpeaker Lite is plugged in; what its card does, the virtual one does."""
    listing = next(listing for listing in LISTINGS if listing.profile == "respeaker_lite")
    monkeypatch.setattr(finding, "look", functools.partial(_LOOK, listing.plug_in(tmp_path / "machine")))
    alias = tmp_path / "asound.conf"
    alias.write_text(ALIAS, encoding="utf-8")
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"{os.environ['ALSA_CONFIG_PATH']}:{alias}")


@pytest.mark.usefixtures("lite")
async def test_the_board_that_is_plugged_in_hears_and_answers(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, board: MockBoard, tmp_path: Path
) -> None:
    """By its card, with the echo canceller left out, for the board does that."""
    lines = config_text(server.url, tmp_path / "state").splitlines()
    own = [line for line in lines if not line.startswith(("input =", "output =", "profile ="))]
    file = tmp_path / "config.toml"
    file.write_text("\n".join(own), encoding="utf-8")
    effective = configuration.read(file)
    assert (effective.board.names, effective.config.hardware.profile) == (("respeaker_lite",), "auto")
    timeline = Timeline()
    with virtual_card.record_speaker() as speaker:
        async with open_app(effective.config, {"OPENAI_API_KEY": Secret(server.key)}) as living:
            living.controller.observers.append(timeline.observe)
            house = House(living, server, virtual_card, board, Person(virtual_card.play_into_room), timeline, speaker)
            assert (living.settings.audio.input, living.settings.conversation.barge_in) == ("Lite", "voice")
            began = await house.converse()
            assert house.heard_ms(began) > 300


async def test_a_board_that_is_plugged_in_later_is_taken_by_a_new_start(
    virtual_card: VirtualSoundCard, board: MockBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service ends in order, with what systemd starts again; whoever starts it finds the board then."""
    monkeypatch.setattr(latecomer, "is_service", lambda: True)
    monkeypatch.setattr(latecomer, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(finding, "look", functools.partial(_LOOK, tmp_path))
    lines = config_text("ws://127.0.0.1:9/v1/realtime", tmp_path / "state").replace('profile = "virtual"', "")
    effective = configuration.effective([Layer("here", tomllib.loads(lines))])
    assert not effective.board.profile.found_by
    serving = asyncio.create_task(app.serve(effective, {"OPENAI_API_KEY": Secret("sk-of-nobody")}))
    await until(lambda: board.is_output(RELAY), "a house that has its relay")
    plug_in_usb(tmp_path, "2886:0019")
    with pytest.raises(BoardAppearedError, match="respeaker_lite"):
        await asyncio.wait_for(serving, LIMIT_S)
    assert not board.is_output(RELAY)
    assert finding.find_board("auto").names == ("respeaker_lite",)
