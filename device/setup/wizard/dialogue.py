"""The wizard at a terminal: asks, lets things be tried, and hands back what is to be written. Writes nothing itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping

from device.audio.routing import set_up
from device.errors import ConfigError, HearthsideError
from device.house.configuration import Config
from device.secrets import Secret
from device.setup.credentials import Kept
from device.setup.wizard import keys, service, trying
from device.setup.wizard.draft import Outcome, drafted, settled
from device.setup.wizard.facts import Facts
from device.setup.wizard.questions import BOARD, LOUDSPEAKER, MICROPHONE, WAKE_WORD, Interview, Question
from device.setup.wizard.screen import Screen
from device.wake.agreement.words import notes as notes_on_words

# Below it nobody can have spoken.
_HEARD_DBFS = -55.0


class Dialogue:
    """With one person."""

    def __init__(self, screen: Screen, facts: Facts, place: str, given: Mapping[str, Kept]) -> None:
        """`place`: the file that is to be written; `given`: the keys that this process was given."""
        self._screen = screen
        self._facts = facts
        self._place = place
        self._given = dict(given)
        self._may_try = True

    def hold(self, only_keys: bool = False) -> Outcome:
        """Ask everything. Ctrl-C raises KeyboardInterrupt, and nothing has changed then."""
        interview = Interview(self._facts)
        if only_keys:
            return Outcome(dict(self._facts.own), self._ask_keys(self._facts.holds, keys.names(self._facts.holds)))
        with self._free_card():
            while (question := interview.next()) is not None:
                interview = self._ask(interview, question)
        table = drafted(interview, self._place)
        settings = settled(table, self._facts, self._place)
        needed = [name for name in keys.names(settings) if keys.is_needed(name, settings)]
        return Outcome(table, self._ask_keys(settings, needed))

    @contextlib.contextmanager
    def _free_card(self) -> Iterator[None]:
        """Stop a service that has the sound card, and start it again at the end, however that comes."""
        if not service.runs():
            yield
            return
        question = "Hearthside runs, and has the sound card. Stop it while you try things?"
        self._may_try = self._screen.confirm(question)
        problem = service.order("stop") if self._may_try else ""
        if problem:
            self._screen.complain(f"it cannot be stopped: {problem}; nothing can be tried")
            self._may_try = False
        try:
            yield
        finally:
            if self._may_try and (problem := service.order("start")):
                self._screen.complain(f"it cannot be started again: {problem}")

    def _ask(self, interview: Interview, question: Question) -> Interview:
        """Ask until there is an answer that can be, and that has stood the trial."""
        while True:
            self._screen.title(question.text)
            usual = interview.usual(question)
            text = self._screen.choose(interview.choices(question), usual, question.takes_others)
            try:
                answered = interview.answer(question, text)
                settings = settled(drafted(answered, self._place), self._facts, self._place)
            except ConfigError as error:
                self._screen.complain(str(error))
                continue
            if question.name == BOARD.name:
                self._tell_of_board(answered.answers[question.name])
            if question.name == WAKE_WORD.name:
                self._tell_of_words(settings)
            if not self._may_try or self._try(question, settings):
                return answered

    def _tell_of_board(self, name: str) -> None:
        for note in self._facts.board(name).notes:
            self._screen.say(f"  - {note}")

    def _tell_of_words(self, settings: Config) -> None:
        # A word that does not exist is told by its trial.
        with contextlib.suppress(ConfigError):
            for note in notes_on_words(settings.wake):
                self._screen.say(f"  - {note}")

    def _try(self, question: Question, settings: Config) -> bool:
        """Let it be tried; return whether it is to be kept."""
        trial = {
            BOARD.name: self._set_up_board,
            MICROPHONE.name: self._try_microphone,
            LOUDSPEAKER.name: self._try_loudspeaker,
            WAKE_WORD.name: self._try_wake_word,
        }.get(question.name)
        if trial is None:
            return True
        try:
            return trial(settings)
        except HearthsideError as error:
            self._screen.complain(str(error))
            return self._screen.confirm("Keep it all the same?", usual=False)

    def _set_up_board(self, settings: Config) -> bool:
        """Route a codec that starts silent, or nothing could be heard of it."""
        asyncio.run(set_up(settings.audio))
        return True

    def _try_microphone(self, settings: Config) -> bool:
        with self._screen.meter("Say something.") as (show, is_over):
            loudest = asyncio.run(trying.microphone(settings.audio, show, is_over))
        if loudest > _HEARD_DBFS:
            self._screen.say(f"Heard: {loudest:.0f} dBFS at the loudest.")
            return True
        self._screen.complain(f"hardly anything was heard ({loudest:.0f} dBFS): is it muted? `alsamixer -V capture`")
        return self._screen.confirm("Keep it all the same?", usual=False)

    def _try_loudspeaker(self, settings: Config) -> bool:
        while True:
            asyncio.run(trying.loudspeaker(settings.audio))
            if self._screen.confirm(f"Did you hear “{trying.SENTENCE}”?"):
                return True
            self._screen.say("Look at its plug, and at the volume: `alsamixer` (F6 chooses the card).")
            if not self._screen.confirm("Play it again?"):
                return self._screen.confirm("Keep it all the same?", usual=False)

    def _try_wake_word(self, settings: Config) -> bool:
        words = " or ".join(word.replace("_", " ") for word in settings.wake.words)
        with self._screen.meter(f"Say it a few times: {words}.") as (show, is_over):
            heard = asyncio.run(trying.wake_word(settings.audio, settings.wake, show, is_over))
        self._screen.say(f"Heard {heard} times.")
        return heard > 0 or self._screen.confirm("Keep it all the same?", usual=False)

    def _ask_keys(self, settings: Config, names: Iterable[str]) -> dict[str, Secret]:
        found = ((name, self._ask_key(name, settings)) for name in names)
        return {name: key for name, key in found if key is not None}

    def _ask_key(self, name: str, settings: Config) -> Secret | None:
        """Return a new key that the provider does not refuse; None where there is to be none, or the old one stays."""
        self._screen.title(f"The key: {name}")
        present = keys.kept(name, self._given)
        if (present.secret or present.forbidden) and self._screen.confirm(f"There is one ({present.place}). Keep it?"):
            return None
        while True:
            text = self._screen.secret("Paste it; it is not shown (Enter: not now)")
            if not text:
                self._screen.say("Without it Hearthside cannot answer: `sudo hearthside setup --key` asks again.")
                return None
            try:
                key = keys.typed(name, text)
            except ConfigError as error:
                self._screen.complain(str(error))
                continue
            if self._is_good(key, settings):
                return key

    def _is_good(self, key: Secret, settings: Config) -> bool:
        trial = keys.tried(settings, key)
        if problem := keys.refusal(trial):
            self._screen.complain(problem)
            return False
        doubt = keys.reservation(trial)
        self._screen.say(doubt[:1].upper() + doubt[1:] if doubt else "It is taken.")
        return True
