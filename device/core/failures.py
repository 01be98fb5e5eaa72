"""What the person is told when a conversation or a part of the house fails."""

from __future__ import annotations

from device.core.events import Device, Failure

OF_CONVERSATION = {
    Failure.UNREACHABLE: "I cannot reach the voice service. Please check the network.",
    Failure.PROXY: "The proxy of this network does not let me through. Please check its settings.",
    Failure.INSECURE: "I cannot make a secure connection. Perhaps my clock is wrong, or this network wants a login.",
    Failure.WEB_PAGE: "A web page answers instead of the voice service. Perhaps this network wants a login.",
    Failure.SILENT: "The voice service does not answer. Please try again later.",
    Failure.DROPPED: "I lost the connection. Please ask me again.",
    Failure.EXPIRED: "Our conversation reached its time limit. Please ask me again.",
    Failure.REFUSED_KEY: "The voice service refused my key. Please check it.",
    Failure.REFUSED_REGION: "The voice service is not offered where I am.",
    Failure.QUOTA: "The account for the voice service has run out of credit.",
    Failure.UNKNOWN_MODEL: "The voice service does not offer my model. Please check its name.",
    Failure.REFUSED_CONFIG: "The voice service refused my settings. My log says which.",
    Failure.WRONG_ADDRESS: "The address in my settings does not lead to a voice service. Please check it.",
    Failure.REFUSED: "The voice service refused. My log says why.",
    Failure.BUSY: "The voice service is too busy or has trouble. Please try again later.",
    Failure.PROTOCOL: "I did not understand the voice service. Please ask me again.",
}

OF_DEVICE = {
    Device.MICROPHONE: "My microphone stopped working.",
    Device.SPEAKER: "My loudspeaker stopped for a moment. Please ask me again.",
    Device.EAR: "Something inside me failed. Please ask me again.",
    Device.CONVERSATION: "Something inside me failed. Please ask me again.",
}

TOO_SLOW = "The answer took too long. Please ask me again."

CALL_INTERRUPTED = "Not done: the person interrupted before this was started."
"""For the model, in answer to a call that came too late to be wanted."""

TOOL_BROKE = "Not done: a fault in the device."
"""For the model, in answer to a call whose tool broke in a way that nobody foresaw."""
