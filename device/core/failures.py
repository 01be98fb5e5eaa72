"""What the person is told when a conversation or a part of the house fails."""

from __future__ import annotations

from device.core.events import Device, Failure

OF_CONVERSATION = {
    Failure.UNREACHABLE: "I cannot reach the voice service. Please check the network.",
    Failure.DROPPED: "I lost the connection. Please ask me again.",
    Failure.EXPIRED: "Our conversation reached its time limit. Please ask me again.",
    Failure.REFUSED_KEY: "The voice service refused my key. Please check it.",
    Failure.QUOTA: "The account for the voice service has run out of credit.",
    Failure.REFUSED_CONFIG: "The voice service refused my settings. Please check the model name.",
    Failure.BUSY: "The voice service is too busy to answer. Please try again later.",
    Failure.PROTOCOL: "I did not understand the voice service. Please ask me again.",
}

OF_DEVICE = {
    Device.MICROPHONE: "My microphone stopped working.",
    Device.SPEAKER: "My loudspeaker stopped for a moment. Please ask me again.",
}

TOO_SLOW = "The answer took too long. Please ask me again."

CALL_INTERRUPTED = "Not done: the person interrupted before this was started."
"""For the model, in answer to a call that came too late to be wanted."""
