"""Chooses who recognises which stop words: our own network knows "stop", pocketsphinx all others."""

from __future__ import annotations

from collections.abc import Sequence

from device.errors import ConfigError
from device.wake.openwakeword.models import feature_model
from device.wake.stopword import sphinx
from device.wake.stopword.judge import WORD
from device.wake.stopword.judged import JudgedWord
from device.wake.stopword.listener import Recogniser
from device.wake.stopword.sphinx import UnavailableError


class SeveralRecognisers:
    """Hear the same, and the first that recognises something has it."""

    def __init__(self, parts: Sequence[Recogniser]) -> None:
        self._parts = parts

    def begin(self, eager: bool = False) -> None:
        """See Recogniser."""
        for part in self._parts:
            part.begin(eager)

    def hear(self, pcm: bytes) -> str:
        """See Recogniser."""
        return next(filter(None, [part.hear(pcm) for part in self._parts]), "")

    def rest(self) -> None:
        """See Recogniser."""
        for part in self._parts:
            part.rest()


def unrecognised(words: Sequence[str]) -> tuple[str, ...]:
    """Return those of the words that nobody recognises here, because the package for them is not installed."""
    return () if sphinx.is_installed() else tuple(word for word in words if _plain(word) != WORD)


def open_recogniser(words: Sequence[str]) -> Recogniser:
    """Return a recogniser of these words or phrases, which loads what it needs when that is first needed.

    May read files. Raise UnavailableError, or ConfigError for a word that is not English.
    """
    phrases = [_plain(word) for word in words]
    parts: list[Recogniser] = []
    if WORD in phrases:
        parts.append(_open_judged())
    if others := [phrase for phrase in phrases if phrase != WORD]:
        parts.append(sphinx.open_recogniser(others))
    return parts[0] if len(parts) == 1 else SeveralRecognisers(parts)


def _plain(word: str) -> str:
    return " ".join(word.lower().split())


def _open_judged() -> JudgedWord:
    try:
        feature_model("embedding_model")
    except ConfigError as error:
        raise UnavailableError(str(error)) from error
    return JudgedWord()
