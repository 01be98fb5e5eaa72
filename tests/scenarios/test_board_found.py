"""The whole house with `hardware.profile = "auto"`: what is plugged in is listened to, and nobody has named it."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from device.boards import finding
from device.foreign.gpio import MockBoard
from device.house import configuration
from device.house.app import open_app
from device.secrets import Secret
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime
from device.sim.stage.timeline import Timeline
from tests.boards.boards import LISTINGS
from tests.scenarios.house import House, config_text

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
        async with open_app(effective.config, {"OPENAI_API_KEY": Secret(server.key)}) as app:
            app.controller.observers.append(timeline.observe)
            house = House(app, server, virtual_card, board, Person(virtual_card.play_into_room), timeline, speaker)
            assert (app.settings.audio.input, app.settings.conversation.barge_in) == ("Lite", "voice")
            began = await house.converse()
            assert house.heard_ms(began) > 300
