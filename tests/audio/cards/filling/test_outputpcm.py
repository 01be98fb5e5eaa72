"""A PCM for playback, through libasound itself."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from device.audio.cards.filling.outputpcm import BUFFER_MS, PERIOD_MS, DryError, OutputPcm, alsa_name
from device.sim.devices.soundcard import ALSA_SYSTEM_CONFIG, SPEAKER
from device.units import Hz
from tests.waiting import block_until

RATE = Hz(24_000)
# A card with two channels and no fewer.
PAIR = """
pcm.pair {
  type multi
  slaves.a { pcm "null" channels 2 }
  bindings.0 { slave a channel 0 }
  bindings.1 { slave a channel 1 }
}
"""


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ("USB Audio Device: - (hw:2,0)", "hw:2,0"),
        ("wm8960-soundcard: bcm2835-i2s-wm8960-hifi wm8960-hifi-0 (hw:1,0)", "hw:1,0"),
        ("hearthside_speaker", "hearthside_speaker"),
        ("plughw:CARD=Device,DEV=0", "plughw:CARD=Device,DEV=0"),
        ("default", "default"),
    ],
)
def test_a_device_that_portaudio_lists_is_one_of_alsas(listed: str, name: str) -> None:
    """A card by its address, a PCM by its name."""
    assert alsa_name(listed) == name


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A PCM that takes stereo only, and keeps no time."""
    config = tmp_path / "asound.conf"
    config.write_text(f"<{ALSA_SYSTEM_CONFIG}>\n{PAIR}", encoding="utf-8")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    return "pair"


def test_a_card_without_mono_is_given_it_all_the_same(pair: str) -> None:
    """Every loudspeaker of a Pi is such a card."""
    pcm = OutputPcm(pair, RATE)
    assert pcm.write(bytes(2 * 240)) == 240
    pcm.close()


def test_a_pcm_that_does_not_exist_is_an_error(pair: str) -> None:
    """In ALSA's own words."""
    with pytest.raises(OSError, match="No such file or directory") as raised:
        OutputPcm(f"{pair}_of_nothing", RATE)
    assert raised.value.errno == errno.ENOENT


@pytest.mark.usefixtures("virtual_card")
def test_it_plays_when_told_and_says_how_full_it_is() -> None:
    """It has room for more than is ever kept ahead, runs dry, and begins again."""
    pcm = OutputPcm(SPEAKER, RATE)
    assert pcm.period == PERIOD_MS * RATE / 1000
    assert pcm.room == BUFFER_MS * RATE / 1000
    for _ in range(2):
        pcm.prepare()
        assert pcm.write(bytes(2 * 2400)) == 2400
        pcm.start()
        fill = pcm.fill()
        assert 0 < fill.queued <= min(2400, fill.delay)

        def is_dry() -> bool:
            try:
                pcm.fill()
            except DryError:
                return True
            return False

        block_until(is_dry)
    pcm.close()
    pcm.close()
