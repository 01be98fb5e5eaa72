"""A provider: who answers in a conversation, and all that the house must know of it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Generic, TypeVar

from device.core.events import Way
from device.ports.conversation import Conversation, OnAnswerAudio, OnAnswerItemEnd, Persona
from device.ports.facts import Post
from device.ports.tools import ToolSpec
from device.secrets import Secret
from device.settings import Table
from device.units import Hz, Ms

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class Traits:
    """How a provider behaves with its settings; durations in milliseconds."""

    connect_limit: Ms
    """After so long it gives up opening a session by itself, and says why."""
    longest_silence: Ms
    """For so much silence it may wait before it takes a turn for over, where it ends turns."""
    padding: Ms
    """So much of what was before a voice it wants to be sent with it, where it ends turns."""
    session_limit: Ms = Ms(math.inf)
    """How long it lets a session live."""
    transcribes: bool = False
    """Whether it tells what the person said."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a response cost, as the provider counts it."""

    tokens: Mapping[str, int]
    """By kind: input_text, input_audio, input_cached (counted in none of the others), output_text, output_audio."""
    usd: float | None
    """In US dollars; None where the price is not known."""


OnUsage = Callable[[Usage], None]


@dataclass(frozen=True, slots=True)
class Ends:
    """What a conversation is connected to."""

    instructions: str
    """What the model is told about itself."""
    tools: Callable[[], tuple[ToolSpec, ...]]
    """Return what it may call at this moment; to be asked for every session."""
    secrets: Mapping[str, Secret]
    """Those that the provider declares, by name; of the optional ones those that were given."""
    state_dir: Path
    """Where it may keep what must outlive the process; it need not exist yet."""
    post: Post
    on_audio: OnAnswerAudio
    on_audio_end: OnAnswerItemEnd
    on_usage: OnUsage = lambda usage: None
    """Told what each response cost."""
    personas: Mapping[str, Persona] = field(default_factory=dict)
    """Who else may answer than the one that `instructions` describe, by name."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is reached."""

    host: str
    port: int
    encrypted: bool


class KeyVerdict(Enum):
    """What became of a key that was tried."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The provider could not be asked, or failed for another reason."""


@dataclass(frozen=True, slots=True)
class KeyTrial:
    """What a provider said when a key was tried."""

    verdict: KeyVerdict
    took: Ms
    why: str = ""
    """In the provider's words; the key is not in it."""
    what_to_do: str = ""
    server_time: float | None = None
    """What the provider's clock showed (unix s)."""


@dataclass(frozen=True, slots=True)
class BrokerVisit:
    """What was seen of the broker that gives a provider's keys: it answered, and is the one that it claims to be."""

    host: str
    took: Ms
    device: str
    """The name by which it knows this device; "" when it does not."""
    can_enrol: bool
    """It does not, and this device has a token with which it can become known."""


@dataclass(frozen=True, slots=True)
class Provider(Generic[Settings]):
    """Declared once, in the provider's own folder, and named in house/catalogue.py. Light to import."""

    table: Table[Settings]
    """Its table in [conversation], by the name under which conversation.provider chooses it; with what is wrong in it,
    as far as that can be told without a network."""
    input_rate: Hz
    """What it is sent."""
    output_rate: Hz
    """What it answers in."""
    traits: Callable[[Settings], Traits]
    open: Callable[[Settings, Ends], Conversation]
    """Return a conversation that is connected to nothing yet. Raise ConfigError."""
    secrets: tuple[str, ...] = ()
    """Names of what must be kept secret, in capitals: see `secrets.find_secret`."""
    optional: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    """Names of secrets that it uses with these settings where they are given, and can do without: others beside those
    in `secrets`, or some of these."""
    confirms: Callable[[Settings], Mapping[str, Way]] = lambda settings: {}
    """Keys, written with dots, that ask for a person's yes, and how."""
    prepare: Callable[[], None] = lambda: None
    """Load in the background what the first session needs; for when the device listens already."""
    reach: Callable[[Settings], Endpoint] | None = None
    """Return where it is reached; None: it needs no network. Raise ConfigError."""
    try_key: Callable[[Settings, Secret], KeyTrial] | None = None
    """Try a key, at no cost and without a session, within some seconds. Blocks, and never raises."""
    has_broker: Callable[[Settings], bool] = lambda settings: False
    """Tell whether its keys come from a broker with these settings."""
    visit_broker: Callable[[Settings, Mapping[str, Secret], Path], Awaitable[BrokerVisit]] | None = None
    """Ask the broker whether it knows this device, with the secrets that there are and those in the state folder. Raise
    ConversationError or ConfigError, with a semicolon between what is wrong and what to do."""

    @property
    def name(self) -> str:
        """What conversation.provider calls it."""
        return self.table.name.rpartition(".")[2]
