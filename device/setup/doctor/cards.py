"""The sound cards: those that are there, the two that are configured, the rates that they take, and who has them."""

from __future__ import annotations

from dataclasses import dataclass

from device.audio.cards.devices import Direction
from device.audio.cards.portaudio import SoundCards
from device.errors import AudioError, ConfigError
from device.foreign.asound import CardPcm, Holder, read_holders, read_pcms
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import Finding, hint, skipped, well, wrong
from device.setup.doctor.patient import Patient
from device.units import Hz

# With one of these nothing is lost: the wake word's rate, or a multiple of it.
_GOOD = {Hz(16_000), Hz(32_000), Hz(48_000), Hz(96_000)}
_NOUNS = {Direction.INPUT: "microphone", Direction.OUTPUT: "loudspeaker"}


@dataclass(frozen=True, slots=True)
class Line:
    """A configured device: as it is listed, and the rates at which it could be opened now; or why not."""

    direction: Direction
    name: str = ""
    rates: tuple[Hz, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Cards:
    """What the kernel knows, and what of it is configured; without `lines` where a house has them."""

    pcms: tuple[CardPcm, ...]
    holders: tuple[Holder, ...]
    lines: tuple[Line, ...]
    house_runs: bool


async def look_at_cards(patient: Patient) -> Cards:
    """List them; those of a house that runs are left alone. Raise ConfigError."""
    pcms, holders = read_pcms(), read_holders()
    if patient.running is not None:
        return Cards(pcms, holders, (), house_runs=True)
    cards = SoundCards(patient.settings.audio, lambda fact: None)
    try:
        lines = tuple([await _look_at(cards, direction) for direction in Direction])
    finally:
        await cards.close()
    return Cards(pcms, holders, lines, house_runs=False)


def judge_cards(cards: Cards) -> Findings:
    """Say what is there and what can be used of it."""
    names = dict.fromkeys(pcm.card.name for pcm in cards.pcms)
    there = well("sound cards", ", ".join(names)) if names else skipped("sound cards", "the kernel knows none")
    if cards.house_runs:
        return [there, skipped("rates", "the service has its cards open")]
    return [there, *(_judge_line(line, cards.holders) for line in cards.lines)]


def _judge_line(line: Line, holders: tuple[Holder, ...]) -> Finding:
    noun = _NOUNS[line.direction]
    if line.rates:
        rates = ", ".join(f"{rate / 1000:g}" for rate in line.rates)
        text = f'"{line.name}" takes {rates} kHz'
        return well(noun, text) if _GOOD & {*line.rates} else hint(noun, text, "nothing: it is converted, at some cost")
    has_it = [holder for holder in holders if holder.captures is (line.direction is Direction.INPUT)]
    if has_it:
        others = ", ".join(f"{holder.program} (process {holder.pid})" for holder in has_it)
        return skipped(noun, f"it is in use by {others}: that is where to look, or stop it and run the doctor again")
    problem, _, fix = (line.problem or f'"{line.name}" cannot be opened at any rate').partition("; ")
    return wrong(noun, problem, fix or "plug it in again; then look at `dmesg`")


async def _look_at(cards: SoundCards, direction: Direction) -> Line:
    try:
        name, rates = await cards.call(cards.rates, direction)
    except AudioError as error:
        if isinstance(error, ConfigError):
            raise
        return Line(direction, problem=str(error))
    return Line(direction, name, rates)


CARDS = Check("sound cards", look_at_cards, judge_cards, 40, "pull the sound card out and plug it in again")
