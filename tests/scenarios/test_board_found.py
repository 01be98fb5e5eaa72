"""The whole house with `hardware.profile = "auto"`: what is plugged in hears, answers and lights up, unnamed."""

from __future__ import annotations

import asyncio
import functools
import os
import tomllib
from pathlib import Path

import pytest

from device.boards import finding
from device.core.status import Phase
from device.foreign import spidev
from device.foreign.gpio import MockBoard
from device.house import app, configuration, latecomer
from device.house.app import open_app
from device.house.latecomer import BoardAppearedError
from device.house.layers import Layer
from device.secrets import Secret
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.devices.spi import SimulatedSpi, seen_apa102
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime
from device.sim.stage.timeline import Timeline
from tests.boards.boards import LISTINGS, plug_in_usb
from tests.scenarios.house import RELAY, House, config_text
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

_LOOK = finding.look
# A ReSpeaker 2-Mics HAT v2: its card, its button and its lights, by their profile.
HAT, CARD, BUTTON, LIGHTS, PIXELS = "respeaker_2mic_v2", "seeed2micvoicec", 17, "spidev0.0", 3
# Where the virtual card is the board's: under the id by which the board's own card is found.
ALIAS = f"""
pcm.{CARD} {{
    type asym
    playback.pcm "hearthside_speaker"
    capture.pcm "hearthside_mic"
    hint {{ show on description "The board's card" }}
}}
"""
# Nothing of the hardware.
CONFIGURATION = """
[conversation]
follow_up_s = 0
barge_in = "wake_word"
[conversation.openai]
url = "{url}"
silence_duration_ms = 250
[service]
state_dir = "{state}"
"""


@pytest.fixture
def hat(virtual_card: VirtualSoundCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedSpi:
    """The HAT is plugged in; what its card does, the virtual one does. Return the bus of its lights."""
    listing = next(listing for listing in LISTINGS if listing.profile == HAT)
    monkeypatch.setattr(finding, "look", functools.partial(_LOOK, listing.plug_in(tmp_path / "machine")))
    alias = tmp_path / "asound.conf"
    alias.write_text(ALIAS, encoding="utf-8")
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"{os.environ['ALSA_CONFIG_PATH']}:{alias}")
    bus = SimulatedSpi(tmp_path)
    monkeypatch.setattr(spidev, "SYSTEM", bus)
    return bus


def is_lit(bus: SimulatedSpi) -> bool:
    """Whether the last that went to the lights was no darkness."""
    device, sent = bus.transfers[-1]
    assert device == LIGHTS
    return any(map(any, seen_apa102(sent, PIXELS)))


async def test_a_hat_that_nobody_named_hears_answers_and_lights_up(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, board: MockBoard, hat: SimulatedSpi, tmp_path: Path
) -> None:
    """By its card; its button makes it listen, with its lights on, and they go out in the end."""
    file = tmp_path / "config.toml"
    file.write_text(CONFIGURATION.format(url=server.url, state=tmp_path / "state"), encoding="utf-8")
    effective = configuration.read(file)
    assert (effective.board.names, effective.config.hardware.profile) == ((HAT,), "auto")
    timeline = Timeline()
    with virtual_card.record_speaker() as speaker:
        async with open_app(effective.config, {"OPENAI_API_KEY": Secret(server.key)}) as living:
            living.controller.observers.append(timeline.observe)
            house = House(living, server, virtual_card, board, Person(virtual_card.play_into_room), timeline, speaker)
            began = await house.converse()
            assert house.heard_ms(began) > 300
            await house.phase(Phase.IDLE)
            await until(lambda: not is_lit(hat), "the dark")
            board.press(BUTTON)
            await asyncio.sleep(0.06)  # longer than bounces, shorter than a hold: a finger
            board.release(BUTTON)
            await house.phase(Phase.LISTENING)
            await until(lambda: is_lit(hat), "light")
    assert not is_lit(hat)


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
