"""The configuration: every room's Section in its place, decoded from layers of tables and checked as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from msgspec import Meta

from device.audio.settings import Audio
from device.boards import AUTO
from device.boards.finding import Board, find_board
from device.control.settings import Control
from device.conversation.settings import Conversation
from device.errors import ConfigError
from device.house import complaints
from device.house.catalogue import TABLES
from device.house.layers import Layer, Layered, dotted, lay
from device.house.sources import file_layers, override_layers
from device.panel.settings import PanelSettings
from device.service.settings import Service
from device.settings import Claim, Key, Mistake, Section, Table
from device.tools.settings import Tools
from device.wake.settings import Wake

T = TypeVar("T")

PROFILE = ("hardware", "profile")
"""The key that names the board."""


class Hardware(PanelSettings, frozen=True):
    """The board."""

    profile: str = AUTO
    """Which board it is, by its name in hardware.md; "auto" finds out. It fills in what you do not set."""


class Config(Section, frozen=True):
    """The tables that every house has; `composed` adds those of providers and features."""

    audio: Audio = Audio()
    wake: Wake = Wake()
    conversation: Conversation = Conversation()
    hardware: Hardware = Hardware()
    tools: Tools = Tools()
    service: Service = Service()
    control: Control = Control()

    def of(self, table: Table[T]) -> T:
        """Return what a provider's or a feature's table holds."""
        found: object = self
        for name in table.name.split("."):
            found = getattr(found, name)
        return cast(T, found)


_Field = tuple[Any, Any]
"""Its type and its default."""


def composed(tables: Iterable[Table[Any]]) -> type[Config]:
    """Return Config with these tables in their places. Those in [conversation] are what its `provider` may name."""
    added = {tuple(table.name.split(".")): _field(table) for table in tables}
    if providers := tuple(path[1] for path in added if path[0] == "conversation"):
        added["conversation", "provider"] = (Literal.__getitem__(providers), providers[0])
    kind: type[Config] = _extended(Config, added)
    return kind


def _field(table: Table[Any]) -> _Field:
    if complaints.is_section(table.kind):
        return table.kind, table.kind()
    kind = table.kind if table.example is None else Annotated[table.kind, Meta(examples=[table.example])]
    return kind, msgspec.field(default_factory=dict)


def _extended(kind: type[Section], added: Mapping[Key, _Field]) -> Any:
    """Return a Section with the fields that belong right into it, and with its own Sections extended by the others."""
    fields = {path[0]: field for path, field in added.items() if len(path) == 1}
    for name in dict.fromkeys(path[0] for path in added if len(path) > 1):
        of_it = {path[1:]: field for path, field in added.items() if path[0] == name}
        inner = _extended(type(getattr(kind(), name)), of_it)
        fields[name] = (inner, inner())
    # All of them, for their order.
    own = {field.name: (field.type, _default(field)) for field in msgspec.structs.fields(kind)}
    return msgspec.defstruct(
        kind.__name__,
        [(name, *field) for name, field in {**own, **fields}.items()],
        bases=(kind,),
        namespace={"__doc__": kind.__doc__},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field() if field.required else field.default


SCHEMA = composed(TABLES)
"""The whole configuration."""


@dataclass(frozen=True, slots=True)
class Effective:
    """A configuration that was found right, and what it was made of."""

    config: Config
    layers: Layered
    board: Board

    def place(self, key: str) -> str:
        """Return where a key, written with dots, was set, or else the table around it; "" when neither was."""
        return self.layers.place(tuple(key.split(".")))


def load(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """Return what `read` finds."""
    return read(path, overrides).config


def read(path: Path | None, overrides: Sequence[str] = ()) -> Effective:
    """Read the files at `path` (see `sources.files`), and lay what --set asks for over them. Raise ConfigError."""
    return effective([*file_layers(path), *override_layers(overrides)])


def parse(table: Mapping[str, Any], place: str = "the configuration") -> Config:
    """Turn decoded TOML into a Config. Raise ConfigError with place and key, what is wrong and what to do."""
    return effective([Layer(place, table)]).config


def effective(layers: Sequence[Layer]) -> Effective:
    """Lay a person's layers over the board that they name, and check what holds then. Raise ConfigError."""
    own = lay(layers)
    _refuse_types(own)
    name = own.table.get("hardware", {}).get("profile", Hardware().profile)
    board = _board(name, own)
    # What a person says lies over what the board does.
    laid = lay([Layer(board.place, board.profile.beside(own.value)), *layers])
    _refuse_types(laid)
    config: Config = msgspec.convert(laid.table, SCHEMA)
    _refuse_mistakes(config, laid)
    _refuse_pins_of_board(config, board, laid)
    _refuse_doubles(config, laid)
    return Effective(config, laid, board)


def _board(name: str, own: Layered) -> Board:
    try:
        return find_board(name)
    except ConfigError as error:
        raise _error(own, PROFILE, str(error)) from error


def _error(laid: Layered, key: Key, text: str) -> ConfigError:
    return ConfigError(f"{laid.place(key) or 'the configuration'}: {text}")


def _refuse_types(laid: Layered) -> None:
    complaint = complaints.about_unknown(laid.table, SCHEMA) or complaints.about_misfit(laid.table, SCHEMA)
    if complaint:
        raise _error(laid, complaint.key, complaint.text)


def _refuse_mistakes(config: Config, laid: Layered) -> None:
    """Refuse what the types cannot: combinations."""
    for path, mistake in _mistakes(config):
        key = (*path, *mistake.key.split(".")) if mistake.key else path
        raise _error(laid, key, f"{dotted(key)}{mistake.text}")


def _mistakes(config: Config) -> Iterator[tuple[Key, Mistake]]:
    for path, section in _sections(config, ()):
        yield from ((path, mistake) for mistake in section.mistakes())
    for table in TABLES:
        yield from ((tuple(table.name.split(".")), mistake) for mistake in table.mistakes(config.of(table)))
    yield from _mistaken_personas(config)


def _mistaken_personas(config: Config) -> Iterator[tuple[Key, Mistake]]:
    known = config.wake.words
    for name, persona in config.conversation.personas.items():
        if persona.wake_word and persona.wake_word not in known:
            text = f': "{persona.wake_word}" is not in wake.words ({", ".join(known)}); remove it or add the word there'
            yield ("conversation", "personas", name), Mistake("wake_word", text)


def claims(config: Config) -> dict[Key, Claim]:
    """Return every pin, bus and port that some setting takes for itself, by the setting's key."""
    return {(*path, claim.key): claim for path, section in _sections(config, ()) for claim in section.claims()}


def _sections(value: object, path: Key) -> Iterator[tuple[Key, Section]]:
    """Yield every table that a Section declares, from the outside to the inside."""
    if isinstance(value, Section):
        yield path, value
        inner = {name: getattr(value, name) for name in value.__struct_fields__}
    else:
        inner = value if isinstance(value, dict) else {}
    for name, part in inner.items():
        yield from _sections(part, (*path, name))


def _refuse_pins_of_board(config: Config, board: Board, laid: Layered) -> None:
    claimed = {key: claim.which for key, claim in claims(config).items() if claim.kind == "GPIO"}
    pins = {key: which for key, which in claimed.items() if isinstance(which, int)}
    free = ", ".join(map(str, board.profile.free_pins(pins)))
    doubt = ", or name the board that you have in hardware.profile" if board.why else ""
    # What the board's own settings claim is what its pins are for: its lights on their bus.
    own = {key: claim.which for key, claim in claims(msgspec.convert(board.profile.overlay, SCHEMA)).items()}
    for key, pin in board.profile.misused({key: pin for key, pin in pins.items() if own.get(key) != pin}).items():
        raise _error(
            laid,
            key,
            f"{dotted(key)} = {pin}: this board uses GPIO {pin} for {board.profile.pins[pin]} ({board.known}); "
            f"choose another pin{doubt}. Free beside it are {free}",
        )


def _refuse_doubles(config: Config, laid: Layered) -> None:
    seen: dict[str, Key] = {}
    for key, claim in claims(config).items():
        if (other := seen.setdefault(claim.what, key)) != key:
            place = laid.place(other)
            elsewhere = f" ({place})" if place not in ("", laid.place(key)) else ""
            both = f"{dotted(key)} and {dotted(other)}{elsewhere} are both {claim.what}"
            raise _error(laid, key, f"{both}; each needs one of its own")
