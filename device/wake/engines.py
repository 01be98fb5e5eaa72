"""Loads the wake-word engine that the configuration names; imports only that one.

Where words need a second opinion, the other engine is imported when one of them is first detected.
"""

from __future__ import annotations

import logging
from functools import partial

from device.errors import ConfigError
from device.ports.wake import WakeWord
from device.wake.decision import rules
from device.wake.settings import Wake

_log = logging.getLogger(__name__)


def load_engine(wake: Wake) -> WakeWord:
    """Make the engine and load its models. Reads files: call it in a thread. Raise ConfigError."""
    match wake.engine:
        case "openwakeword":
            return _open_wake_word(wake)
        case "microwakeword":
            from device.wake.microwakeword.engine import MicroWakeWord

            return MicroWakeWord(wake.words, rules(wake))
    raise ConfigError(f'wake.engine: there is no "{wake.engine}"; give "openwakeword" or "microwakeword"')


def _open_wake_word(wake: Wake) -> WakeWord:
    from device.wake.agreement import words
    from device.wake.openwakeword.engine import OpenWakeWord

    first = OpenWakeWord(wake.words, rules(wake))
    asked = words.seconded(wake)
    if not asked:
        return first
    from device.wake.agreement.opinion import EngineJudge, SecondOpinion

    _log.info("detected only where %s hears it, too: %s (wake.second_opinion)", words.ENGINE, ", ".join(asked))
    judges = {word: EngineJudge(word, words.THRESHOLD, partial(_second, word)) for word in asked}
    return SecondOpinion(first, judges, words.ENGINE)


def _second(word: str) -> WakeWord:
    from device.wake.microwakeword.engine import MicroWakeWord

    return MicroWakeWord((word,))
