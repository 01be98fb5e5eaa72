"""What a person has chosen while the house ran: who answers, and which wake words wake. It is so after a restart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from device.core.events import PersonaChosen, WakeWordChosen
from device.core.status import Status
from device.errors import ChoiceError
from device.kit.keptfile import Call, KeptFile
from device.kit.words import hint
from device.ports.choices import ALL, DEFAULT
from device.ports.facts import Post


class Kept(msgspec.Struct, frozen=True):
    """What outlives the process; None: nobody has chosen."""

    persona: str | None = None
    wake_word: str | None = None


class ChosenByPeople:
    """The `ports.choices.Choices` of the house: the machine obeys them, a file keeps them."""

    def __init__(
        self, personas: Sequence[str], words: Sequence[str], file: Path, call: Call, status: Callable[[], Status]
    ) -> None:
        """`personas`: the configured ones; `words`: the wake words, as detections name them."""
        self.personas = (DEFAULT, *personas)
        self.wake_words = (ALL, *words)
        unread, unkept = "persona and wake word are as configured", "the choice is not remembered"
        self._file = KeptFile(file, Kept, call, unread, unkept)
        self._status = status
        self._kept = Kept()

    @property
    def persona(self) -> str:
        """See Choices."""
        return self._status().persona or DEFAULT

    @property
    def wake_word(self) -> str:
        """See Choices."""
        return self._status().wake_word or ALL

    def start(self, post: Post, persona: str) -> None:
        """Let hold what was chosen last; `persona`: who answers where nobody has chosen, "" for nobody in particular.

        What is not configured any more is not chosen any more.
        """
        self._post = post
        self._kept = kept = self._file.read() or Kept()
        chosen = kept.persona if kept.persona in self.personas else persona or DEFAULT
        if chosen != DEFAULT:
            post(PersonaChosen(chosen))
        if kept.wake_word in self.wake_words and kept.wake_word != ALL:
            post(WakeWordChosen(kept.wake_word))

    async def choose_persona(self, name: str) -> None:
        """See Choices."""
        if name not in self.personas:
            raise ChoiceError(
                f'no persona "{name}" is configured; {hint(name, self.personas)}there are: {", ".join(self.personas)}'
            )
        self._post(PersonaChosen("" if name == DEFAULT else name))
        await self._keep(msgspec.structs.replace(self._kept, persona=name))

    async def choose_wake_word(self, word: str) -> None:
        """See Choices."""
        if word not in self.wake_words:
            raise ChoiceError(
                f'"{word}" is none of the wake words; {hint(word, self.wake_words)}'
                f"there are: {', '.join(self.wake_words)}"
            )
        self._post(WakeWordChosen("" if word == ALL else word))
        await self._keep(msgspec.structs.replace(self._kept, wake_word=word))

    async def _keep(self, kept: Kept) -> None:
        self._kept = kept
        await self._file.keep(kept)
