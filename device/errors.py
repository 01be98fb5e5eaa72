"""The house's own errors: the class names the part that failed, the message what to do."""

from __future__ import annotations

import traceback


class HearthsideError(Exception):
    """Base of every error that this program raises on purpose."""


class ConfigError(HearthsideError):
    """A setting, a secret or a model is missing or wrong. Commands exit with 78 (EX_CONFIG)."""


class AudioError(HearthsideError):
    """A sound device cannot be opened, or went away."""


class DeviceNotFoundError(AudioError, ConfigError):
    """The configuration names a sound device that does not exist; the message lists those that do."""


class AlsaConfigError(AudioError, ConfigError):
    """ALSA's configuration cannot be read; the message names file and line."""


class PanelError(HearthsideError):
    """A LED, button or relay pin cannot be used."""


class ToolError(HearthsideError):
    """A tool could not do what it was asked; the message is written for the model to read aloud."""


class SetupError(HearthsideError):
    """A device cannot be set up, or not set back."""


class SpeechError(HearthsideError):
    """The local voice cannot speak."""


class ChoiceError(HearthsideError):
    """What was to be chosen is not there; the message says what is."""


class ConversationError(HearthsideError):
    """The provider refused or dropped the session."""


def where(error: BaseException) -> str:
    """Return an error's class and the lines it went through; not its text, which may quote a key or what people say."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}\n{frames}".rstrip()


def reason(error: Exception) -> str:
    """Return what may be shown of an error: the text of one of our own, of any other its class."""
    return str(error) if isinstance(error, HearthsideError) else type(error).__name__
