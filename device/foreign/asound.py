"""The sound cards that the kernel knows, and every name by which a person may call one.

A card has an id ("seeed2micvoicec"), which `arecord -l` shows first and "plughw:CARD=" takes; a name
("seeed-2mic-voicecard"), which `arecord -l` shows in brackets and PortAudio lists; and a long name. All of them count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

PROC = Path("/proc/asound")
# Two lines a card, as sound/core/init.c of Linux prints them: " 1 [Device         ]: USB-Audio - USB PnP Sound Device",
# and the long name.
_CARD = re.compile(r"^ *(\d+) \[(.*?) *\]: .*? - (.*)\n +(.*)$", re.MULTILINE)
# "owner_pid   : 1234" in card1/pcm0c/sub0/status, as sound/core/pcm.c prints it while somebody has it open.
_OWNER = re.compile(r"^owner_pid *: *(\d+)$", re.MULTILINE)
# "01-00: USB Audio : USB Audio : playback 1 : capture 1", as sound/core/pcm.c prints it: numbers, id, name, abilities.
_PCM = re.compile(r"^(\d+)-(\d+): ([^:]*):([^:]*)(.*)$", re.MULTILINE)


class Likeness(IntEnum):
    """How well a card is meant by what a person wrote; the least is the best."""

    ID = 0
    NAME = 1
    PART = 2
    PART_OF_LONG_NAME = 3


@dataclass(frozen=True, slots=True)
class Card:
    """A sound card as /proc/asound/cards shows it."""

    number: int
    id: str
    name: str
    long_name: str = ""

    def likeness(self, wanted: str) -> Likeness | None:
        """Tell how `wanted`, in any case, means this card: by its id, its name or a part of one; None: not at all."""
        wanted = wanted.casefold()
        if wanted in (name := self.name.casefold(), card_id := self.id.casefold()):
            return Likeness.ID if wanted == card_id else Likeness.NAME
        if wanted and (wanted in name or wanted in card_id):
            return Likeness.PART
        return Likeness.PART_OF_LONG_NAME if wanted and wanted in self.long_name.casefold() else None


@dataclass(frozen=True, slots=True)
class CardPcm:
    """A device of a card as /proc/asound/pcm shows it: what "hw:1,0" opens."""

    card: Card
    number: int
    name: str
    captures: bool
    plays: bool

    @property
    def address(self) -> str:
        """ALSA's name of it."""
        return f"hw:{self.card.number},{self.number}"

    def likeness(self, wanted: str) -> Likeness | None:
        """See Card; a part of the device's own name counts as a part of the card's."""
        likeness = self.card.likeness(wanted)
        if likeness in (None, Likeness.PART_OF_LONG_NAME) and wanted and wanted.casefold() in self.name.casefold():
            return Likeness.PART
        return likeness


def read_cards(root: Path = PROC) -> dict[int, Card]:
    """Return the cards by their numbers; none where there is no ALSA."""
    found = (Card(int(number), *names) for number, *names in _CARD.findall(_read(root / "cards")))
    return {card.number: card for card in found}


def read_pcms(root: Path = PROC) -> tuple[CardPcm, ...]:
    """Return what the cards capture and play with, in use or not."""
    cards = read_cards(root)
    return tuple(
        CardPcm(
            cards.get(int(card), Card(int(card), "", "")),
            int(number),
            name.strip() or pcm_id.strip(),
            "capture" in abilities,
            "playback" in abilities,
        )
        for card, number, pcm_id, name, abilities in _PCM.findall(_read(root / "pcm"))
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a device of a card open."""

    card: int
    captures: bool
    pid: int
    program: str


def read_holders(root: Path = PROC, processes: Path = Path("/proc")) -> tuple[Holder, ...]:
    """Return who has devices open; of a process of somebody else's perhaps no more than its number."""
    found = []
    for status in sorted(root.glob("card[0-9]*/pcm*[cp]/sub*/status")):
        card, device = int(status.parts[-4].removeprefix("card")), status.parts[-3]
        if owner := _OWNER.search(_read(status)):
            program = _read(processes / owner[1] / "comm").strip() or "a program"
            found.append(Holder(card, device.endswith("c"), int(owner[1]), program))
    return tuple(found)


def find_player(wanted: str, root: Path = PROC) -> Card | None:
    """Return the card that plays and that `wanted` means best, the first of several; None where there is none."""
    found = [(likeness, pcm) for pcm in read_pcms(root) if pcm.plays and (likeness := pcm.likeness(wanted)) is not None]
    return min(found, key=lambda pair: pair[0])[1].card if found else None


def fingerprint(root: Path = PROC) -> str:
    """Return what changes when a card is plugged in or pulled out."""
    return _read(root / "cards") + _read(root / "pcm")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
