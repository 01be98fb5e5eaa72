"""What the house knows of OpenAI, and of every server that speaks its Realtime protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from device.conversation.openai import address, keys, remoteservers
from device.conversation.openai.protocol.sound import RATE
from device.conversation.openai.settings import OpenAI
from device.ports.conversation import Conversation
from device.ports.provider import BrokerVisit, Endpoint, Ends, KeyTrial, Provider, Traits
from device.secrets import Secret
from device.settings import Mistake, Table
from device.units import Ms, ms_from_seconds

# As documented: the longest that semantic VAD waits for the rest of a sentence, by eagerness; and that a session lives.
_LONGEST_SEMANTIC_WAIT = {"low": Ms(8_000), "medium": Ms(4_000), "high": Ms(2_000), "auto": Ms(4_000)}
_SESSION_LIMIT = Ms(3_600_000)


def traits(settings: OpenAI) -> Traits:
    """Return how it behaves with these settings."""
    waits = _LONGEST_SEMANTIC_WAIT[settings.eagerness]
    # Where no key is at hand, one is waited for.
    for_key_s = keys.PATIENCE_S if settings.broker else 0.0
    return Traits(
        connect_limit=ms_from_seconds(settings.connect_timeout_s + for_key_s),
        longest_silence=waits if settings.vad == "semantic_vad" else Ms(settings.silence_duration_ms),
        padding=Ms(settings.prefix_padding_ms),
        session_limit=_SESSION_LIMIT,
        transcribes=bool(settings.transcription_model),
    )


def optional(settings: OpenAI) -> tuple[str, ...]:
    """Return the secrets of a device that has a broker, whose own key is only for when the broker is away, and those of
    MCP servers."""
    with_broker = (keys.KEY, keys.TOKEN, keys.ENROLMENT) if settings.broker else ()
    return (*with_broker, *remoteservers.token_names(settings))


def mistakes(settings: OpenAI) -> Iterator[Mistake]:
    """Yield what is wrong."""
    yield from address.mistakes(settings)
    yield from remoteservers.mistakes(settings)


def prepare() -> None:
    """Load in the background what the first session needs; call it when the device listens already."""
    from device.conversation.openai import link

    link.prepare()


def open_conversation(settings: OpenAI, ends: Ends) -> Conversation:
    """Return a conversation that is connected to nothing yet. Raise ConfigError when the URL cannot be dialled."""
    # Imported late: reading the configuration alone does not need it.
    from device.conversation.openai.conversation import RealtimeConversation
    from device.conversation.openai.keys.opening import open_keys

    return RealtimeConversation(
        settings,
        ends.instructions,
        open_keys(settings, ends),
        ends.tools,
        ends.post,
        ends.on_audio,
        ends.on_audio_end,
        ends.on_usage,
        ends.personas,
        partial(remoteservers.as_tools, settings, ends.secrets),
    )


def reach(settings: OpenAI) -> Endpoint:
    """Return where the server is. Raise ConfigError when the URL names none."""
    return address.endpoint(settings.url)


def try_key(settings: OpenAI, key: Secret) -> KeyTrial:
    """Try a key by having a client secret made, which is thrown away."""
    from device.conversation.openai import keytrial

    return keytrial.try_key(settings, key)


async def visit_broker(settings: OpenAI, secrets: Mapping[str, Secret], state_dir: Path) -> BrokerVisit:
    """Ask the broker whether it knows this device. Raise BrokerError or ConfigError."""
    from device.conversation.openai.keys import visiting

    return await visiting.visit(settings, secrets, state_dir)


TABLE = Table("conversation.openai", OpenAI, mistakes)
OPENAI = Provider(
    table=TABLE,
    input_rate=RATE,
    output_rate=RATE,
    traits=traits,
    open=open_conversation,
    secrets=(keys.KEY,),
    optional=optional,
    confirms=remoteservers.confirms,
    prepare=prepare,
    reach=reach,
    try_key=try_key,
    has_broker=lambda settings: bool(settings.broker),
    visit_broker=visit_broker,
)
