"""What a person may choose while the house runs: who answers, and which wake words wake."""

from __future__ import annotations

from typing import Protocol

DEFAULT = "default"
"""The name of the persona that is none of the configured ones: conversation.instructions, and the provider's voice."""
ALL = "all"
"""The choice of a wake word that leaves out none."""


class Choices(Protocol):
    """The choices of the house. Whatever is chosen holds from the next session on, and over restarts.

    Who wants to know of changes observes the controller: they are in the status, `persona` and `wake_word`.
    """

    personas: tuple[str, ...]
    """The names that may be chosen, DEFAULT first."""
    wake_words: tuple[str, ...]
    """The words that may be chosen, ALL first."""

    @property
    def persona(self) -> str:
        """Who is chosen: one of `personas`."""

    @property
    def wake_word(self) -> str:
        """What is chosen: one of `wake_words`."""

    async def choose_persona(self, name: str) -> None:
        """Choose one of `personas`, and wait until that is on the disk. Raise ChoiceError for another name."""

    async def choose_wake_word(self, word: str) -> None:
        """Choose one of `wake_words`, and wait until that is on the disk. Raise ChoiceError for another word."""
