"""How a table of the configuration is declared. Each room declares its Section beside its code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")

Key = tuple[str, ...]
"""A key in full: the names of the tables that it is in, and its own."""

Fraction = Annotated[float, Meta(ge=0.0, le=1.0, description="a number from 0 to 1 (0.8 and not 80)")]
Seconds = Annotated[float, Meta(ge=0.0, le=3600.0, description="seconds, from 0 to 3600")]
# BCM numbering; header pins of a Raspberry Pi are GPIO 2 to 27.
Pin = Annotated[
    int,
    Meta(ge=0, le=27, description="a GPIO number from 0 to 27 (not the position on the header)", examples=[17]),
]

PixelOrder = Literal["rgb", "rbg", "grb", "gbr", "brg", "bgr"]
"""In which order a pixel of a strip takes its colours."""
Pixels = Annotated[int, Meta(ge=1, le=300)]
SpiBus = Annotated[int, Meta(ge=0, le=10)]
SpiDevice = Annotated[int, Meta(ge=0, le=3)]

_SPI_PINS = {0: (10, 11), 1: (20, 21)}
"""By bus: data and clock of those whose pins are the same on every Raspberry Pi (raspberrypi/linux, overlays spi0-1cs
and spi1-1cs)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A pin, bus or port that nothing else may use."""

    key: str
    """The key that claims it: as its Section names it, or in full, with dots."""
    kind: str
    """What is claimed: "GPIO", "SPI bus", "I2C", "TCP port"."""
    which: int | str
    """Which of them."""

    @property
    def what(self) -> str:
        """Return its name: "GPIO 17"."""
        return f"{self.kind} {self.which}"


def spi_claims(bus: int) -> Iterator[Claim]:
    """Yield an SPI bus with pixels on it, and its pins. They heed no chip select: two strips would show the same."""
    yield Claim("device", "SPI bus", bus)
    for key, pin in zip(("bus", "bus_clock"), _SPI_PINS.get(bus, ()), strict=False):
        yield Claim(key, "GPIO", pin)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What the types of a Section's keys cannot refuse: a combination, or a text of the wrong form."""

    key: str
    """As the Section names it, with dots if it is in a table of a table; "" for the table itself."""
    text: str
    """What is wrong and what to do; it begins with the space or colon that parts it from the key."""


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration: immutable, and strict about its keys."""

    def mistakes(self) -> Iterator[Mistake]:
        """Yield what is wrong, in the order in which it should be told."""
        return iter(())

    def claims(self) -> Iterator[Claim]:
        """Yield what these settings take for themselves; tables inside this one say it themselves."""
        return iter(())


def _nothing_wrong(settings: Any) -> Iterator[Mistake]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """A table that a provider or a feature puts into the configuration; `Config.of` returns what stands in it."""

    name: str
    """Where it stands, with dots; what it is in must be a Section: "tools.relays"."""
    kind: type[T]
    """A Section, all of whose keys have a default; or a dict of them by name, dict[str, Relay], which may be empty."""
    mistakes: Callable[[T], Iterator[Mistake]] = _nothing_wrong
    """What its Section cannot say by itself, for it takes more than msgspec to know."""
    meaning: str = ""
    """What a table by name is for, in the documentation."""
    example: dict[str, dict[str, object]] | None = None
    """One entry of a table by name."""
