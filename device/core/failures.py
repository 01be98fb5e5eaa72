"""What the person is told when a conversation or a part of the house fails."""

from __future__ import annotations

from enum import Enum

from device.core import events as ev
from device.core.actions import Outcome
from device.core.events import Device, Failure, Shortfall
from device.core.strain import in_words

OF_CONVERSATION = {
    Failure.UNREACHABLE: "I cannot reach the voice service. Please check the network.",
    Failure.PROXY: "The proxy of this network does not let me through. Please check its settings.",
    Failure.INSECURE: "I cannot make a secure connection. Perhaps my clock is wrong, or this network wants a login.",
    Failure.PLAIN: "The way to the voice service is not encrypted, so I do not use it. My log says what to do.",
    Failure.WEB_PAGE: "A web page answers instead of the voice service. Perhaps this network wants a login.",
    Failure.SILENT: "The voice service does not answer. Please try again later.",
    Failure.UNCONFIGURED: "The voice service took my call, but not my settings. Please try again later.",
    Failure.DROPPED: "I lost the connection. Please ask me again.",
    Failure.EXPIRED: "Our conversation reached its time limit. Please ask me again.",
    Failure.REFUSED_KEY: "The voice service refused my key. Please check it.",
    Failure.REFUSED_REGION: "The voice service is not offered where I am.",
    Failure.BROKER: "I cannot get a key from my broker. Please check it, and the network.",
    Failure.BROKER_REFUSED: "My broker does not give me keys. Please enrol me there again.",
    Failure.BROKER_SPENT: "My broker has given me all the keys that I may have today.",
    Failure.QUOTA: "The account for the voice service has run out of credit.",
    Failure.UNKNOWN_MODEL: "The voice service does not offer my model. Please check its name.",
    Failure.REFUSED_CONFIG: "The voice service refused my settings. My log says which.",
    Failure.WRONG_ADDRESS: "The address in my settings does not lead to a voice service. Please check it.",
    Failure.REFUSED: "The voice service refused. My log says more.",
    Failure.BUSY: "The voice service is too busy or has trouble. Please try again later.",
    Failure.INTERNAL: "Something inside me failed. Please ask me again.",
    Failure.PROTOCOL: "I did not understand the voice service. Please ask me again.",
}

OF_DEVICE = {
    Device.MICROPHONE: "My microphone stopped working.",
    Device.SPEAKER: "My loudspeaker stopped for a moment. Please ask me again.",
    Device.EAR: "Something inside me failed. Please ask me again.",
    Device.CONVERSATION: "Something inside me failed. Please ask me again.",
    Device.LIGHT: "My light does not work, and without it I do not listen.",
}

DARK = "My light does not work. Instead, you will hear a sound whenever I listen."
MUTE_NOT_KEPT = "My disk cannot remember that I am muted. After a restart I would listen again."
UNMUTE_NOT_KEPT = "My disk cannot remember that I am listening again. After a restart I would be muted."

OF_ANSWER = {
    Shortfall.FILTERED: "The voice service withheld its answer.",
    Shortfall.TOO_LONG: "The answer reached its longest length before I could say anything.",
    Shortfall.INCOMPLETE: "The voice service broke off before it said anything. Please ask me again.",
    Shortfall.GARBLED: "The answer came in a form that I cannot play. Please ask me again.",
    Shortfall.NO_END: "No answer came. Please ask me again.",
}
"""Said instead of an answer."""

OF_REST = {
    Shortfall.FILTERED: "The voice service withheld the rest of its answer.",
    Shortfall.TOO_LONG: "The answer reached its longest length. Ask me to go on.",
    Shortfall.INCOMPLETE: "The voice service broke off here.",
    Shortfall.GARBLED: "The rest came in a form that I cannot play.",
    Shortfall.NO_END: "That is all that came of the answer.",
}
"""Said behind what was heard of an answer."""

NO_SOUND = "The voice service sent no words and no sound. Please ask me again."

MISCONFIGURED = "I cannot start, because my configuration is wrong. My log says what to correct."

TOO_SLOW = "The answer took too long. Please ask me again."

NO_END_OF_SPEECH = "I heard no end of the question, so I stopped listening. Please ask me again."

NO_END_OF_TOOLS = "I tried one thing after the other and came to no answer, so I stopped. Please ask me again."

RESET_WARNING = (
    "You are holding my button. If you keep holding it, you can erase my settings, my keys and all that I remember. "
    "If you do not want that, let go now."
)
RESET_INVITATION = "To erase everything, let go now. If you do not want that, keep holding for ten seconds."
RESET_KEPT = "Nothing was erased."
"""Said to who holds the button through power-up."""

MOST_WAITING = 8
"""More than a home has to tell during one conversation, or in one night; a program that goes wrong has more."""

OF_ANNOUNCEMENT = {
    Outcome.FULL: f"{MOST_WAITING} announcements are waiting already",
    Outcome.MUTED: "the microphone is muted, so nobody could answer; `hearthside unmute` opens it again",
    Outcome.DARK: "the light does not work, without which nobody is listened to (hardware.led.required)",
    Outcome.DEAF: "the microphone does not work, so nobody could answer; `hearthside status` says more",
    Outcome.QUIET: "these are quiet hours (audio.quiet_hours); --urgent asks all the same",
    Outcome.INTERRUPTED: "somebody interrupted it",
    Outcome.UNSAID: "it could not be said; the log says why",
    Outcome.UNANSWERED: "nobody answered",
    Outcome.UNCLEAR: "somebody answered, but the provider sent no words for it",
    Outcome.GAVE_WAY: "somebody began a conversation instead of answering",
    Outcome.FAILED: "the answer was not heard, because the conversation failed; the log says why",
}
"""Why an announcement was not said, or an answer not heard: told to who asked for it."""

CALL_INTERRUPTED = "Not done: the person interrupted before this was started."
"""For the model, in answer to a call that came too late to be wanted."""

TOOL_BROKE = "Not done: a fault in the device."
"""For the model, in answer to a call whose tool broke in a way that nobody foresaw."""

TOO_MANY_CALLS = "Not done: too many calls at once. Wait for the results of the others, then call again."
"""For the model, in answer to a call of a flood."""

PRESS_TO = "Press the button to {what}."
SAY_YES_TO = "Say yes to {what}."
"""Said to a person whose yes is needed."""

NOT_CONFIRMED = "Not done: nobody confirmed it. Only a person at the device can; ask again only if they want it."
DECLINED = "Not done: the person said no."
CONFIRMING_ANOTHER = "Not done: the person is being asked to confirm something else. Wait for its result first."
"""For the model, in answer to a call that needed a yes."""


def trouble(fact: ev.Event) -> str:
    """Return what a person needs to know about a fact that reports a problem, "" for any other fact."""
    match fact:
        case ev.SessionFailed():
            return f"the conversation failed ({fact.failure.value}): {fact.message}"
        case ev.ResponseFinished() if fact.failure is not None:
            return f"the answer failed ({fact.failure.value}): {fact.message}"
        case ev.ResponseFinished() if fact.message and not fact.cancelled:
            return f"the answer is not whole: {fact.message}"
        case ev.ProviderComplained():
            return f"the provider complains: {fact.message}"
        case ev.ReadingFailed():
            return f"an answer without sound cannot be read aloud: {fact.message}"
        case ev.AnnouncementUnsaid():
            return f"an announcement cannot be said: {fact.message}"
        case ev.DeviceFailed():
            return f"{fact.device.value.replace('_', ' ')} failed: {fact.message}"
        case ev.EchoCancellationLost():
            return f"echo cancellation is lost: {fact.message}"
        case ev.LoadShed() if fact.without:
            return f"this machine falls behind; for the time being the house does without {in_words(fact.without)}"
    return ""


def fields(fact: ev.Event) -> dict[str, object]:
    """Return what to find a fact by in the log: the turn it is about, and the reason why something failed."""
    turn = getattr(fact, "turn", None)
    reason = fact.device if isinstance(fact, ev.DeviceFailed) else getattr(fact, "failure", None)
    found = {"turn": turn, "reason": reason.value if isinstance(reason, Enum) else None}
    return {name: value for name, value in found.items() if value is not None}
