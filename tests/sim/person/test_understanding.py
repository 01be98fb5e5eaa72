"""Speech to tool calls: what people say is understood, what is not a phrase is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
import soxr

from device.errors import ConfigError
from device.foreign.espeak import EspeakVoice, VoiceStyle
from device.ports.tools import Phrase, ToolSpec
from device.sim.person.phrases import NotUnderstood, Phrasebook, Understood
from device.sim.person.pronunciation import arpabet
from device.sim.person.understanding import TALK, Understanding
from device.sim.person.voice import without_silence
from device.tools.clock import PHRASES
from device.tools.pins.switches import OFF_PHRASES, ON_PHRASES
from tests.sim.realtime.realtime_client import TOOLS

SLOTS = {"name": {"light": "light", "fan": "fan", "heating": "heating", "desk lamp": "desk_lamp"}}
LEVELS = {"percent": {"ten": 10, "twenty": 20, "forty": 40, "fifty": 50, "seventy": 70, "one hundred": 100}}
HOUSE = (
    ToolSpec("set_switch", "", {}, tuple(Phrase(text, SLOTS) for text in (*ON_PHRASES, *OFF_PHRASES))),
    ToolSpec("get_time", "", {}, PHRASES),
    ToolSpec("set_volume", "", {}, (Phrase("set the volume to {percent}", LEVELS), Phrase("volume up"))),
)
OUTSIDE = (
    "what is the capital of france",
    "my brother bought a new bicycle yesterday",
    "how much is the fish",
    "please order a pizza with mushrooms",
    "the quick brown fox jumps over the lazy dog",
    "who won the football game",
    "add milk to the shopping list",
    "when does the train leave",
)


def sentences() -> list[str]:
    """Return every sentence of the house."""
    return [said for spec in HOUSE for phrase in spec.phrases for said in spoken_forms(phrase)]


def spoken_forms(phrase: Phrase) -> Iterator[str]:
    """Yield a phrase with each of its slot's forms."""
    forms = [(slot, form) for slot, values in phrase.slots.items() for form in values]
    yield from (phrase.text.replace(f"{{{slot}}}", form) for slot, form in forms)
    if not forms:
        yield phrase.text


async def by_espeak(text: str, voice: str = "en-us", speed: int = 150) -> np.ndarray:
    """Return a sentence at 16 kHz, -1 to 1."""
    speaker = EspeakVoice(VoiceStyle(voice, speed))
    pcm = np.frombuffer(without_silence(await speaker.speak(text), speaker.rate), "<i2")
    return soxr.resample(pcm / 32768.0, speaker.rate, 16000)


def in_a_room(sound: np.ndarray, gain: float = 1.0, noise: float = 0.0005) -> bytes:
    """Return the sound as a microphone gives it: quiet round it, a little noise."""
    padded = np.concatenate([np.zeros(4800), sound * gain, np.zeros(4800)])
    heard = padded + np.random.default_rng(7).normal(0, noise, len(padded))
    return (np.clip(heard, -1, 1) * 32767).astype("<i2").tobytes()


def meant_the_same(house: Understanding, said: Understood | NotUnderstood, text: str) -> bool:
    """Say whether the same tool with the same arguments was understood ("what is" for "what's" is no mistake)."""
    meant = house.read(text)
    assert isinstance(meant, Understood)
    return isinstance(said, Understood) and (said.tool, said.arguments) == (meant.tool, meant.arguments)


@pytest.fixture(scope="module")
def house() -> Understanding:
    """A recogniser with the phrases of the real tools."""
    return Understanding(HOUSE)


async def test_nearly_every_sentence_of_the_house_is_understood(house: Understanding) -> None:
    """At 150 words a minute: 95 % or more."""
    wrong = []
    for text in sentences():
        said = await house.recognise(in_a_room(await by_espeak(text)))
        if not meant_the_same(house, said, text):
            wrong.append((text, said))
    assert len(wrong) <= 0.05 * len(sentences()), wrong


@pytest.mark.parametrize("voice", ["en-gb", "en-us+f3", "en-us+m7"])
async def test_other_voices_are_understood_too(house: Understanding, voice: str) -> None:
    """The limits were not made for one of them."""
    wrong = []
    for text in sentences()[::4]:
        said = await house.recognise(in_a_room(await by_espeak(text, voice, 165)))
        if not meant_the_same(house, said, text):
            wrong.append((text, said))
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize("cut_ms", [0, 100, 200, 300])
async def test_what_is_left_of_the_wake_word_does_no_harm(house: Understanding, cut_ms: int) -> None:
    """Wherever it was trimmed."""
    sound = (await by_espeak("hey jarvis, switch on the heating"))[cut_ms * 16 :]
    said = await house.recognise(in_a_room(sound))
    assert isinstance(said, Understood)
    assert (said.text, said.tool) == ("switch on the heating", "set_switch")


@pytest.mark.parametrize("gain", [0.05, 0.3, 2.0])
async def test_loudness_does_not_matter(house: Understanding, gain: float) -> None:
    """Far away, near, too near."""
    said = await house.recognise(in_a_room(await by_espeak("turn off the fan"), gain, 0.0003))
    assert said.text == "turn off the fan"


async def test_other_sentences_are_not_understood(house: Understanding) -> None:
    """At most one of eight is taken for a phrase."""
    taken = []
    for text in OUTSIDE:
        said = await house.recognise(in_a_room(await by_espeak(text)))
        taken += [(text, said)] if isinstance(said, Understood) else []
    assert len(taken) <= 1, taken


@pytest.mark.parametrize("level", [0.0, 0.001, 0.01, 0.1])
async def test_noise_is_not_understood(house: Understanding, level: float) -> None:
    """Neither silence nor a roar."""
    assert await house.recognise(in_a_room(np.zeros(32000), noise=level)) == NotUnderstood("")


@pytest.mark.parametrize("pcm", [b"", b"\x00", b"\x00" * 100])
async def test_next_to_nothing_is_not_understood(house: Understanding, pcm: bytes) -> None:
    """A click, an odd byte."""
    assert await house.recognise(pcm) == NotUnderstood("")


async def test_a_word_that_no_dictionary_has_is_understood() -> None:
    """Its pronunciation comes from espeak-ng."""
    spec = ToolSpec("set_switch", "", {}, (Phrase("turn on the {name}", {"name": {"gizmotron": "g", "light": "l"}}),))
    said = await Understanding((spec,)).recognise(in_a_room(await by_espeak("turn on the gizmotron")))
    assert said == Understood("turn on the gizmotron", "set_switch", {"name": "g"})


async def test_the_same_sound_is_understood_the_same_way_again(house: Understanding) -> None:
    """The recogniser keeps nothing between sentences; calls at the same time do not mix."""
    sounds = [in_a_room(await by_espeak(text)) for text in ("turn on the light", "what time is it")]
    said = await asyncio.gather(*(house.recognise(sound) for sound in sounds * 3))
    assert [one.text for one in said] == ["turn on the light", "what time is it"] * 3


def test_text_is_read_like_speech() -> None:
    """Case and punctuation do not matter; fixed arguments and slots come together."""
    book = Phrasebook(TOOLS, TALK)
    assert book.read("Turn on the DESK lamp!") == Understood(
        "turn on the desk lamp", "set_switch", {"on": True, "name": "desk_lamp"}
    )
    assert book.read("Hello.") == Understood("hello")
    assert book.read("open the door") == NotUnderstood("open the door")


def test_digits_in_a_name_are_spoken() -> None:
    """A relay may be called lamp_2."""
    book = Phrasebook([ToolSpec("t", "", {}, (Phrase("turn on {name}", {"name": {"lamp 2": "lamp_2"}}),))])
    assert book.read("turn on lamp two") == Understood("turn on lamp two", "t", {"name": "lamp_2"})


def test_a_slot_without_forms_is_an_error() -> None:
    """It names the phrase and the slot."""
    with pytest.raises(ConfigError, match=r'"turn on \{what\}".*\{what\}'):
        Phrasebook([ToolSpec("t", "", {}, (Phrase("turn on {what}"),))])


def test_pronunciations_are_translated() -> None:
    """From espeak-ng's names to ARPAbet."""
    assert arpabet("jarvis", "dZ_'A@_v_I_s") == "JH AA R V IH S"


def test_a_word_that_cannot_be_pronounced_is_named() -> None:
    """Instead of a recogniser that fails later."""
    with pytest.raises(ConfigError, match='"abc"'):
        arpabet("abc", "a_Y:_x2")
