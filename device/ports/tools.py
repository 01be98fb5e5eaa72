"""The tools that a model may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from device.core.events import Way
from device.errors import ToolError

Arguments = TypeVar("Arguments", bound=msgspec.Struct | dict[str, Any])


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence that asks for a tool: how people say it, for recognisers that need a grammar.

    `text` holds lower-case words, `{name}` where a slot is spoken, e.g. "turn on the {name}". `slots` gives for each
    slot its spoken forms and the value each stands for; `arguments` are fixed ones the sentence implies.
    """

    text: str
    slots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person must say yes to, and how: `what` completes "Press the button to ...": "unlock the door"."""

    way: Way
    what: str
    arguments: str = ""
    """The arguments (JSON) with which the tool is called after the yes, where they say more exactly than the model's
    own what was asked about; "": the same."""


class UnconfirmedError(ToolError):
    """The call was not made: a person must say yes to it first, and only the machine can find out whether one does."""

    def __init__(self, confirmation: Confirmation) -> None:
        super().__init__(f"not done: first a person at the device must confirm it, to {confirmation.what}")
        self.confirmation = confirmation


Overview = Callable[[int], str]
"""Returns what is there for a tool, in words that take at most so many bytes of JSON; "" for nothing, or no room."""


@dataclass(frozen=True, slots=True)
class Tool(Generic[Arguments]):
    """One tool. `arguments` is a Struct with `forbid_unknown_fields`, or dict[str, Any] beside `parameters`; `run`
    returns text for the model, or raises ToolError with a message that can be read aloud."""

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Arguments], Awaitable[str]]
    phrases: tuple[Phrase, ...] = ()
    timeout_s: float | None = None
    """How long a call may take; None: as long as tools.timeout_s says."""
    source: str = ""
    """Where it comes from, for people: a file; "": the feature that brings it."""
    confirm: Callable[[Arguments], Confirmation | None] = lambda arguments: None
    """What a person must say yes to before it runs with these arguments; None: nothing."""
    parameters: Mapping[str, Any] | None = None
    """A JSON schema of an object, to be told instead of that of `arguments`: of a tool whose arguments are checked by
    whoever it is from."""
    is_foreign: bool = False
    """Brought by somebody's file or server: left out first where there are too many to be told of."""
    overview: Overview | None = None
    """What is told behind the description as far as there is room: what may change from one session to the next."""
    confirmed: type[Arguments] | None = None
    """What its arguments are after a yes, where its confirmations say more exactly what was asked about."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What there is to tell a model of a tool: `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    phrases: tuple[Phrase, ...] = ()
    source: str = ""
    """Where it comes from, for people."""
    is_foreign: bool = False
    overview: Overview | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a model is told of the tools, within a budget."""

    specs: tuple[ToolSpec, ...]
    """Those that it is told of, in the words in which it is: with the overview, and without what is of no use to it."""
    sizes: tuple[int, ...]
    """Of each of them, in bytes of JSON."""
    size: int
    """Of all together, as one list."""
    budget: int
    """In bytes, as configured."""
    lacks_overview: bool = False
    """More of an overview would be told if there were room."""
    shortened: tuple[str, ...] = ()
    """The names of those of which less is told."""
    left_out: tuple[str, ...] = ()
    """The names of those of which nothing is told, in their order."""


class Tools(Protocol):
    """The tools of the house."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """All that could be told at this moment: tools may come and go."""

    def tell(self) -> Told:
        """Return what of it the model is told: for each session anew."""

    async def call(self, name: str, arguments: str, confirmed: bool = False) -> str:
        """Run a tool with JSON text as arguments; return the text for the model. Raise ToolError, with a message
        that tells the model plainly what failed (unknown tool, bad arguments, timeout included).

        Unless it is `confirmed`, a call that a person must say yes to is not made: UnconfirmedError.
        """
