"""What facts tell apart: why something failed, which part it was, how a person says yes."""

from __future__ import annotations

from enum import Enum


class Failure(Enum):
    """Why a conversation failed; decides what the person is told."""

    UNREACHABLE = "unreachable"
    """No connection: name not resolved, nobody listens, no answer from the address at all."""
    PROXY = "proxy"
    """The proxy that the environment names cannot be used, or lets nobody through."""
    INSECURE = "insecure"
    """Connected, but TLS failed: a certificate that is not trusted, or no TLS at all."""
    PLAIN = "plain"
    """Not connected, because the connection would leave the house unencrypted."""
    WEB_PAGE = "web_page"
    """Connected, but a web page answers: a network that wants a login first, or a wrong address."""
    SILENT = "silent"
    """Connected, but the server sent nothing in time, or not enough."""
    UNCONFIGURED = "unconfigured"
    """The session began, but its configuration was neither accepted nor refused in time."""
    DROPPED = "dropped"
    """The connection was lost in the middle."""
    EXPIRED = "expired"
    """The provider's session cap was reached."""
    REFUSED_KEY = "refused_key"
    """401 or `invalid_api_key`."""
    REFUSED_REGION = "refused_region"
    """`unsupported_country_region_territory`."""
    BROKER = "broker"
    """No key at hand, and the broker that gives them cannot be reached, or does not work."""
    BROKER_REFUSED = "broker_refused"
    """The broker does not know this device (any more)."""
    BROKER_SPENT = "broker_spent"
    """The broker gives this device no more keys today."""
    QUOTA = "quota"
    """`insufficient_quota`."""
    UNKNOWN_MODEL = "unknown_model"
    """`model_not_found`: no such model, or not for this account."""
    REFUSED_CONFIG = "refused_config"
    """Unknown parameter, unknown voice: the configuration must change."""
    WRONG_ADDRESS = "wrong_address"
    """What answers there is no Realtime API, or one of the retired beta."""
    REFUSED = "refused"
    """Refused for a reason that is none of the others: it stands in the log."""
    BUSY = "busy"
    """Rate limit, no free session or server error."""
    INTERNAL = "internal"
    """The device itself failed: no file or memory left for a connection, or an error in this program."""
    PROTOCOL = "protocol"
    """The server sent what cannot be understood, or too much of it."""


class Shortfall(Enum):
    """What an answer lacks though its response did not fail; decides what the person is told."""

    FILTERED = "filtered"
    """Incomplete by `content_filter`."""
    TOO_LONG = "too_long"
    """Incomplete by `max_output_tokens`."""
    INCOMPLETE = "incomplete"
    """Incomplete for another reason."""
    GARBLED = "garbled"
    """Sound came that cannot be decoded, and no words."""
    NO_END = "no_end"
    """The sound broke off, and nothing more came."""


class Device(Enum):
    """A part of the house that can fail and come back."""

    MICROPHONE = "microphone"
    EAR = "ear"
    """The path from the microphone to the provider and the detectors, with the gate."""
    WAKE_WORD = "wake_word"
    CONVERSATION = "conversation"
    """Our own code for the session raised an error, whatever the provider did."""
    SPEAKER = "speaker"
    VOICE = "voice"
    """The local voice."""
    LIGHT = "light"
    BUTTON = "button"
    MUTE_SWITCH = "mute_switch"
    """A sliding switch, or the mute key of a microphone array."""
    DISK = "disk"
    """It keeps the mute state over a restart."""
    BROKER = "broker"
    """The machine from which keys for sessions come, where they are not this device's own."""


class Way(Enum):
    """How a person says yes to what is to be done."""

    PRESS = "press"
    """By pressing the button: nothing outside of the house can forge that."""
    YES = "yes"
    """By saying yes (or by pressing the button all the same)."""


class AlarmKind(Enum):
    """What a person wanted to be told of, when they set it."""

    TIMER = "timer"
    """So much time is over."""
    ALARM = "alarm"
    """It is so late."""
    REMINDER = "reminder"
    """Something is to be done; its label says what."""


class MuteHolder(Enum):
    """What a person slides or presses to mute, and what nothing else may overrule."""

    SWITCH = "mute switch"
    ARRAY = "microphone's mute key"
