"""What an error of the provider means for us (nothing, a line in the log, or the end of the session), and what to do.

The codes are those that clients of the API have met; the API publishes no list. Compatible servers and gateways use
codes of their own or none, so the words of a message count too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from device.conversation.openai.messages.errorshapes import ServerError, error_in
from device.conversation.openai.messages.server_events import ResponseInfo, StatusDetails, read
from device.conversation.openai.settings import OpenAI
from device.core.events import Failure

ALREADY_RESPONDING = "conversation_already_has_active_response"
NOT_RESPONDING = "response_cancel_not_active"

# Races that are nobody's fault: the answer had just ended, the buffer was just emptied.
_BENIGN = frozenset(
    {
        ALREADY_RESPONDING,
        NOT_RESPONDING,
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
        "unsupported_content_type",
    }
)

_FAILURES = {
    Failure.REFUSED_KEY: "invalid_api_key incorrect_api_key authentication_error invalid_authentication unauthorized "
    "unauthenticated invalid_token token_expired permission_error",
    Failure.REFUSED_REGION: "unsupported_country_region_territory",
    Failure.QUOTA: "insufficient_quota billing_hard_limit_reached billing_not_active insufficient_balance "
    "insufficient_funds payment_required",
    Failure.UNKNOWN_MODEL: "model_not_found model_not_available unsupported_model deployment_not_found "
    "model_load_error",
    Failure.WRONG_ADDRESS: "beta_api_shape_disabled missing_beta_header invalid_beta",
    Failure.EXPIRED: "session_expired",
    Failure.BUSY: "rate_limit_exceeded rate_limit_error rate_limited service_unavailable unavailable overloaded "
    "overloaded_error session_limit_reached too_many_sessions too_many_requests resource_exhausted",
    Failure.REFUSED: "ip_not_authorized account_deactivated organization_deactivated invalid_organization",
    Failure.REFUSED_CONFIG: "unknown_parameter invalid_value invalid_type missing_required_parameter invalid_event "
    "cannot_update_voice",
}
_OF_NAME = {name: failure for failure, names in _FAILURES.items() for name in names.split()}

# Names that say little: they count when neither a code nor the words say more.
_OF_VAGUE_NAME = {
    "invalid_request_error": Failure.REFUSED_CONFIG,
    "invalid_argument": Failure.REFUSED_CONFIG,
    "server_error": Failure.BUSY,
    "internal_error": Failure.BUSY,
    "internal_server_error": Failure.BUSY,
    "api_error": Failure.BUSY,
}

# A server that speaks the beta names the fields of our first session.update that it does not know.
_OF_THE_BETA = re.compile(
    r"openai-beta|realtime=v1|unknown parameter: '?session\.(type|output_modalities|audio)\b", re.I
)

# In this order: the first that fits counts.
_OF_WORDS = tuple(
    (re.compile(words, re.IGNORECASE), failure)
    for words, failure in (
        (_OF_THE_BETA.pattern, Failure.WRONG_ADDRESS),
        (r"http request (was sent )?to (an )?https", Failure.WRONG_ADDRESS),
        (r"(country|region|territory)\b.{0,40}\bnot (supported|available)", Failure.REFUSED_REGION),
        (
            r"exceeded your current quota|insufficient (quota|funds|balance|credit)|credit balance|out of credits?\b|"
            r"payment required",
            Failure.QUOTA,
        ),
        (
            r"\b(slots|sessions|workers)\b.{0,20}\b(in use|busy|taken|full)\b|\bno (free|available) (slot|session)|"
            r"rate.?limit|too many (requests|sessions|connections)|overloaded|at capacity|(session|connection) limit",
            Failure.BUSY,
        ),
        (
            r"\b(model|deployment)\b.{0,80}\b(not (exist|found|supported|available)|unknown)|"
            r"\b(unknown|unsupported|invalid|no such|no access to|have access to) (the )?(model|deployment)\b",
            Failure.UNKNOWN_MODEL,
        ),
        (
            r"\bapi[ _-]?key\b|\b(invalid|incorrect|missing|expired|bearer|access) (key|token)\b|"
            r"unauthori[sz]ed|not authori[sz]ed|authenticat|credentials",
            Failure.REFUSED_KEY,
        ),
        (r"maximum duration|session (has |is )?expired", Failure.EXPIRED),
    )
)
_STATUS_IN_WORDS = re.compile(r"\b(?:HTTP(?:/\d(?:\.\d)?)?|status(?: code)?:?) ([1-5]\d\d)\b", re.IGNORECASE)

_FATAL = frozenset(
    {
        Failure.REFUSED_KEY,
        Failure.REFUSED_REGION,
        Failure.QUOTA,
        Failure.UNKNOWN_MODEL,
        Failure.WRONG_ADDRESS,
        Failure.EXPIRED,
    }
)


class Kind(Enum):
    """What to do about an error."""

    BENIGN = "benign"
    CONFIG = "config"
    RETRYABLE = "retryable"
    FATAL = "fatal"
    OTHER = "other"


def kind_of(error: ServerError) -> Kind:
    """Sort an error by its code, and by its type and its words where the code says nothing.

    Words alone end no session that is in use: they may be about one event of ours.
    """
    if _plain(error.code) in _BENIGN or _plain(error.type) in _BENIGN:
        return Kind.BENIGN
    if (_named(error.code) or _named(error.type)) in _FATAL:
        return Kind.FATAL
    return {
        Failure.BUSY: Kind.RETRYABLE,
        Failure.REFUSED_CONFIG: Kind.CONFIG,
    }.get(failure_of(error), Kind.OTHER)


def failure_of(error: ServerError, otherwise: Failure = Failure.REFUSED) -> Failure:
    """Return the failure that the person is told for an error that ended something."""
    return _told_by(error) or _vague(error.code) or _vague(error.type) or otherwise


def failure_of_refusal(status: int, error: ServerError | None) -> Failure:
    """Return the failure for an HTTP response that refuses a session; `error` is what its body describes."""
    return (_told_by(error) if error else None) or failure_of_status(status)


def failure_of_words(text: str, otherwise: Failure) -> Failure:
    """Return the failure for plain text that a server sent instead of an event."""
    return _by_words(text) or otherwise


def _told_by(error: ServerError) -> Failure | None:
    if error.message and _OF_THE_BETA.search(error.message[:1000]):
        return Failure.WRONG_ADDRESS
    return _named(error.code) or _named(error.type) or _by_words(error.message) or _by_number(error.code)


def _plain(name: str | None) -> str:
    """Return `DeploymentNotFound` and `DEPLOYMENT-NOT-FOUND` as `deployment_not_found`."""
    return re.sub(r"[- ]", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name or "")).lower()


def _named(name: str | None) -> Failure | None:
    return _OF_NAME.get(_plain(name))


def _vague(name: str | None) -> Failure | None:
    return _OF_VAGUE_NAME.get(_plain(name))


def _by_words(message: str | None) -> Failure | None:
    text = (message or "")[:1000]
    found = next((failure for words, failure in _OF_WORDS if words.search(text)), None)
    status = None if found else _STATUS_IN_WORDS.search(text)
    return failure_of_status(int(status[1])) if status else found


def _by_number(code: str | None) -> Failure | None:
    return failure_of_status(int(code)) if code and re.fullmatch(r"[345]\d\d", code, re.ASCII) else None


_OF_STATUS = {
    400: Failure.REFUSED_CONFIG,
    401: Failure.REFUSED_KEY,
    402: Failure.QUOTA,
    404: Failure.WRONG_ADDRESS,
    405: Failure.WRONG_ADDRESS,
    407: Failure.PROXY,
    408: Failure.BUSY,
    410: Failure.WRONG_ADDRESS,
    422: Failure.REFUSED_CONFIG,
    425: Failure.BUSY,
    426: Failure.WRONG_ADDRESS,
    429: Failure.BUSY,
    451: Failure.REFUSED_REGION,
    501: Failure.WRONG_ADDRESS,
    505: Failure.WRONG_ADDRESS,
    511: Failure.WEB_PAGE,
}
"""RFC 9110, section 15; 425 of RFC 8470, 429 and 511 of RFC 6585, 451 of RFC 7725. 403 alone does not say why."""


def failure_of_status(status: int) -> Failure:
    """Return the failure for an HTTP status that refuses a session."""
    if status < 400:
        return Failure.WEB_PAGE if status >= 300 else Failure.WRONG_ADDRESS
    return _OF_STATUS.get(status, Failure.BUSY if status >= 500 else Failure.REFUSED)


# RFC 6455, section 7.4.1: protocol error, unsupported data, invalid UTF-8, message too big.
_CLOSED_BY_NONSENSE = frozenset({1002, 1003, 1007, 1009})
# The IANA registry of close codes: service restart, try again later.
_CLOSED_BY_LOAD = frozenset({1012, 1013})
# RFC 6455: no close frame, or one without a code.
_CLOSED_WITHOUT_A_WORD = 1006
# Many servers add 4000 to an HTTP status.
_CLOSED_BY_STATUS = range(4400, 4600)
# The IANA registry of close codes: unauthorized.
_CLOSED_BY_KEY = 3000


def failure_of_close(code: int, reason: str, ready: bool) -> Failure:
    """Return the failure for a connection that was closed; `ready` tells whether the session was in use."""
    # 4000 comes with reasons such as "invalid_request_error.beta_api_shape_disabled".
    kind, _, name = reason.rpartition(".")
    told = _named(name) or _by_words(reason) or _vague(kind)
    if told:
        return told
    if code in _CLOSED_BY_NONSENSE:
        return Failure.PROTOCOL
    if code in _CLOSED_BY_LOAD or (code == 1011 and not ready):
        return Failure.BUSY
    if code in _CLOSED_BY_STATUS:
        return failure_of_status(code - 4000)
    if code == _CLOSED_BY_KEY:
        return Failure.REFUSED_KEY
    if code == 1008 or code >= 3000 or (code != _CLOSED_WITHOUT_A_WORD and not ready):
        return Failure.REFUSED
    return Failure.EXPIRED if code == 1000 else Failure.DROPPED


def why_ended(info: ResponseInfo, mask: Callable[[str], str]) -> tuple[Failure | None, str]:
    """Return the failure with which a response ended (None: it did not fail), and why it ended early."""
    details = read(info.status_details, StatusDetails) or StatusDetails()
    if info.status != "failed":
        return None, tidy(details.reason or "", mask)
    error = error_in(details.error) or error_in(info.status_details) or ServerError()
    return failure_of(error, Failure.BUSY), describe(error, mask)


# -- words for the log


def describe(error: ServerError, mask: Callable[[str], str]) -> str:
    """Return one short line for the log, without what a server may have echoed of the key."""
    name = error.code or error.type
    said = error.message or ("" if name else "an error without a word")
    return tidy(": ".join(filter(None, (name, said))), mask)


def tidy(text: str, mask: Callable[[str], str]) -> str:
    """Return the server's text as it may stand in a log line: printable, masked, at most 200 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
    return mask(line)[:200]


_SET = "conversation.openai"

GA_ADDRESSES = "OpenAI's is wss://api.openai.com/v1/realtime, Azure's wss://NAME.openai.azure.com/openai/v1/realtime"

ADVICE = {
    Failure.UNREACHABLE: f"check the network and {_SET}.url",
    Failure.PROXY: "check the proxy in the environment (https_proxy), or name the host in no_proxy",
    Failure.WEB_PAGE: f"where this network wants a login, log in with a browser; else check {_SET}.url",
    Failure.SILENT: f"try again later; a server that loads its model first may need more {_SET}.connect_timeout_s",
    Failure.UNCONFIGURED: f"try again later; a server that is slow to take it may need more {_SET}.connect_timeout_s",
    Failure.REFUSED_KEY: "check the key, and whether it is one for this server",
    Failure.REFUSED_REGION: f"this provider does not serve the place; name another in {_SET}.url",
    Failure.QUOTA: "add credit to the account, or raise its limit",
    Failure.UNKNOWN_MODEL: f"check {_SET}.model, and whether the account may use it",
    Failure.REFUSED_CONFIG: f"check [{_SET}] in the configuration",
    Failure.WRONG_ADDRESS: f"check {_SET}.url: {GA_ADDRESSES}",
    Failure.REFUSED: "check the key, and what its account may use",
    Failure.BUSY: "try again later",
}
"""What to do about a failure; those left out need nothing but another try."""

OF_THE_BETA = f"the server speaks only the retired beta of the Realtime API; set {_SET}.url to its new address: "


def with_advice(failure: Failure, message: str, settings: OpenAI, of_the_beta: bool = False) -> str:
    """Return a message with what to do about it."""
    advice = ADVICE.get(failure, "")
    if failure is Failure.UNKNOWN_MODEL:
        advice = advice.replace(f"{_SET}.model", f'{_SET}.model ("{settings.model}")')
    if failure is Failure.WRONG_ADDRESS and (of_the_beta or _OF_THE_BETA.search(message)):
        advice = OF_THE_BETA + GA_ADDRESSES
    return f"{message.removesuffix('.')}; {advice}" if advice else message
