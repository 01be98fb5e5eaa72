"""Which words get a second opinion, and what a person is told about that."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from device.errors import ConfigError
from device.wake.openwakeword import models as openwakeword
from device.wake.settings import Wake

_log = logging.getLogger(__name__)

ENGINE = "microwakeword"
"""Who gives it: the value of wake.engine."""
THRESHOLD = 0.25
"""The score from which it agrees. Its own models detect from 0.85 to 0.97: alone they need that."""
PROVEN = ("alexa",)
"""Words with which nothing was lost in some hundred recordings of people: of 315 "alexa" the first engine hears 310,
and the second agrees to all of them."""


def seconded(wake: Wake) -> tuple[str, ...]:
    """Return the words, as detections name them, that need the second engine. Looks for files. Raise ConfigError.

    None, and a line in the log, where the second engine is not installed.
    """
    wanted = _wanted(wake)
    if not wanted:
        return ()
    # Of the second engine nothing is imported where nobody asks it.
    from device.wake.networks import tflite

    try:
        tflite.library_path()
    except tflite.LibraryMissingError as error:
        _log.warning("no second opinion on %s, every detection counts: pymicro-wakeword: %s", ", ".join(wanted), error)
        return ()
    return tuple(_known(name) for name in wanted)


def notes(wake: Wake) -> Iterator[str]:
    """Yield what a person who has chosen these words should know, a sentence for each word. Raise ConfigError."""
    on = seconded(wake)
    for name in wake.words if wake.engine == "openwakeword" else ():
        word = _word(name)
        said = word.replace("_", " ")
        if word in on:
            yield f"“{said}” counts only when a second engine hears it, too: fewer false alarms (wake.second_opinion)."
        elif word in _shipped():
            yield (
                f"“{said}” can be made to count only when a second engine hears it, too: far fewer false alarms, but "
                f'some voices may be missed. Try it with wake.second_opinion = ["{name}"].'
            )


def _wanted(wake: Wake) -> Sequence[str]:
    if wake.second_opinion is not None:
        return wake.second_opinion
    is_asked = wake.engine == "openwakeword"
    return [name for name in wake.words if is_asked and "/" not in name and _word(name) in PROVEN]


def _known(name: str) -> str:
    word = _word(name)
    if word not in (shipped := _shipped()):
        raise ConfigError(
            f'wake.second_opinion: microWakeWord does not know "{name}", only {", ".join(sorted(shipped))}; remove it'
        )
    return word


def _word(name: str) -> str:
    return openwakeword.find_word(name).word


def _shipped() -> frozenset[str]:
    from device.wake.microwakeword import models as microwakeword

    try:
        return frozenset(microwakeword.shipped_words())
    except ConfigError:
        return frozenset()
