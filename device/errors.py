"""The house's own errors: the class names the part that failed, the message what to do."""

from __future__ import annotations


class HearthsideError(Exception):
    """Base of every error that this program raises on purpose."""


class ConfigError(HearthsideError):
    """A setting, a secret or a model is missing or wrong. Commands exit with 78 (EX_CONFIG)."""


class AudioError(HearthsideError):
    """A sound device cannot be opened, or went away."""


class DeviceNotFoundError(AudioError, ConfigError):
    """The configuration names a sound device that does not exist; the message lists those that do."""


class PanelError(HearthsideError):
    """A LED, button or relay pin cannot be used."""


class ToolError(HearthsideError):
    """A tool could not do what it was asked; the message is written for the model to read aloud."""


class SpeechError(HearthsideError):
    """The local voice cannot speak."""


class ConversationError(HearthsideError):
    """The provider refused or dropped the session."""
