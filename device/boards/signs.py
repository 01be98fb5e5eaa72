"""By what a board is known, and which boards fit what is plugged in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from device.foreign.asound import CardPcm
from device.foreign.plugged import Hat
from device.foreign.usb import UsbId
from device.settings import Section


class Sign(Section, frozen=True):
    """Something that tells of a board: all of it that is given must be there. In any case; `*` stands for anything."""

    card: str = ""
    """The id or the name of its sound card."""
    pcm: str = ""
    """With `card`: the name of a device of that card, which tells codecs apart."""
    usb: str = ""
    """Its ids on the USB, as lsusb shows them: "2886:0018"."""
    hat: str = ""
    """The product that the HAT's EEPROM names."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is plugged in, as far as it can tell of a board."""

    pcms: tuple[CardPcm, ...] = ()
    usb: frozenset[UsbId] = frozenset()
    hat: Hat | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A board that fits what is plugged in."""

    name: str
    evidence: frozenset[str]
    """What speaks for it, in words: 'the sound card "Zero"'."""
    card: str = ""
    """The id of its sound card, where that speaks for it."""

    @property
    def why(self) -> str:
        """Return the evidence in a line."""
        return " and ".join(sorted(self.evidence))


def candidates(known: Mapping[str, Sequence[Sign]], machine: Machine) -> list[Candidate]:
    """Return the boards that fit; several are a question.

    Where all that speaks for a board also speaks for another one, and more does for that, it is the other one: a HAT
    that names itself is no other board with the same sound card.
    """
    found = [one for name, signs in known.items() if (one := _candidate(name, signs, machine)) is not None]
    return [one for one in found if not any(one.evidence < other.evidence for other in found)]


def _candidate(name: str, signs: Sequence[Sign], machine: Machine) -> Candidate | None:
    seen = [(evidence, card) for sign in signs for evidence, card in _seen(sign, machine)]
    if not seen:
        return None
    return Candidate(name, frozenset(text for text, _ in seen), next((card for _, card in seen if card), ""))


def _seen(sign: Sign, machine: Machine) -> Iterator[tuple[str, str]]:
    """Yield what there is of a sign, each with the id of a sound card or ""; nothing where a part of it is missing."""
    parts = [
        *([_seen_card(sign, machine.pcms)] if sign.card else []),
        *([_seen_usb(sign.usb, machine.usb)] if sign.usb else []),
        *([_seen_hat(sign.hat, machine.hat)] if sign.hat else []),
    ]
    if all(parts):
        yield from (part for part in parts if part is not None)


def _seen_card(sign: Sign, pcms: Sequence[CardPcm]) -> tuple[str, str] | None:
    for pcm in pcms:
        is_card = _fits(sign.card, pcm.card.id) or _fits(sign.card, pcm.card.name)
        if is_card and (not sign.pcm or _fits(sign.pcm, pcm.name)):
            return f'the sound card "{pcm.card.id}"', pcm.card.id
    return None


def _seen_usb(wanted: str, there: frozenset[UsbId]) -> tuple[str, str] | None:
    return (f"the USB device {wanted}", "") if wanted.lower() in map(str, there) else None


def _seen_hat(wanted: str, there: Hat | None) -> tuple[str, str] | None:
    return (f'the HAT "{there.product}"', "") if there and _fits(wanted, there.product) else None


def _fits(wanted: str, text: str) -> bool:
    return fnmatchcase(text.casefold(), wanted.casefold())
