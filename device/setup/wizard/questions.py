"""The questions, and how far an interview has come: a state machine without a terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from device.errors import ConfigError
from device.kit.words import hint
from device.settings import Key
from device.setup.wizard.facts import Answerer, Board, Choice, Facts

Answers = Mapping[str, str]


class AnswerError(ConfigError):
    """An answer that cannot be: the message names the question, and what can be."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question; its answer is the value of one key of the configuration."""

    name: str
    """In a file of answers."""
    key: Key
    text: str
    choices: Callable[[Facts, Answers], Sequence[Choice]]
    usual: Callable[[Facts, Answers], str]
    """What is taken when a person only presses Enter."""
    is_asked: Callable[[Facts, Answers], bool] = lambda facts, answers: True
    takes_others: bool = False
    """Whether something else than the choices may be written."""
    is_list: bool = False
    """The key holds a list; the answer is all that is in it, with commas between."""


def questions(facts: Facts) -> tuple[Question, ...]:
    """Return all of them, in the order in which they are asked."""
    addresses = (_about_address(provider) for provider in facts.providers if provider.address_key)
    return BOARD, MICROPHONE, LOUDSPEAKER, WAKE_WORD, PROVIDER, *addresses


@dataclass(frozen=True, slots=True)
class Interview:
    """How far it has come."""

    facts: Facts
    answers: Answers = field(default_factory=dict)

    def next(self) -> Question | None:
        """Return the question that is to be asked now; None when all are answered."""
        open_ones = (one for one in questions(self.facts) if one.name not in self.answers)
        return next((one for one in open_ones if one.is_asked(self.facts, self.answers)), None)

    def usual(self, question: Question) -> str:
        """Return the answer to a question that is taken when none is given."""
        return question.usual(self.facts, self.answers)

    def choices(self, question: Question) -> list[Choice]:
        """Return what may be chosen from; what is usual is always among it."""
        usual = self.usual(question)
        found = {choice.value: choice for choice in reversed(question.choices(self.facts, self.answers))}
        ordered = list(reversed(found.values()))
        return ordered if usual in found else [*ordered, Choice(usual, "as it is now")]

    def answer(self, question: Question, text: str) -> Interview:
        """Take an answer; nothing means the usual one. Raise AnswerError."""
        value = text.strip() or self.usual(question)
        known = [choice.value for choice in self.choices(question)]
        if value not in known and not question.takes_others:
            there = f"{hint(value, known)}there are: {', '.join(known)}"
            raise AnswerError(f'{question.name}: there is no "{value[:60]}"; {there}')
        if not value.isprintable():
            raise AnswerError(f"{question.name}: there is a sign in it that cannot be printed; write it anew")
        return replace(self, answers={**self.answers, question.name: value})

    def take_all(self, given: Answers) -> Interview:
        """Answer all questions, those that are not among the given ones as usual. Raise AnswerError."""
        names = [one.name for one in questions(self.facts)]
        for name in given:
            if name not in names:
                raise AnswerError(
                    f'there is no question "{name[:60]}"; {hint(name, names)}there are: {", ".join(names)}'
                )
        interview = self
        while (asked := interview.next()) is not None:
            interview = interview.answer(asked, given.get(asked.name, ""))
        return interview


def _board(facts: Facts, answers: Answers) -> Board:
    return facts.board(answers.get("board", facts.holds.hardware.profile))


def _devices(own: str, found: Sequence[Choice]) -> Sequence[Choice]:
    """Return what may be chosen; first the board's own, under the board's own name for it."""
    return [Choice(own, "the board's own"), *found] if own else found


def _device(facts: Facts, answers: Answers, holds: str, own: str, found: Sequence[Choice]) -> str:
    """Return the device that holds; of another board than before the one that it has."""
    if _board(facts, answers).name == facts.holds.hardware.profile:
        return holds
    return own or found[0].value


def _about_address(provider: Answerer) -> Question:
    return Question(
        f"{provider.name}_address",
        provider.address_key,
        f"Where is the server of {provider.name}?",
        lambda facts, _: (Choice(provider.usual_address, f"{provider.name}'s own"),),
        lambda facts, _: provider.address,
        lambda facts, answers: answers.get("provider", facts.holds.conversation.provider) == provider.name,
        takes_others=True,
    )


BOARD = Question(
    "board",
    ("hardware", "profile"),
    "Which board is it?",
    lambda facts, _: [Choice(board.name, board.title) for board in facts.boards],
    lambda facts, _: facts.likely_board,
)
MICROPHONE = Question(
    "microphone",
    ("audio", "input"),
    "Which microphone?",
    lambda facts, answers: _devices(_board(facts, answers).input, facts.microphones),
    lambda facts, answers: _device(
        facts, answers, facts.holds.audio.input, _board(facts, answers).input, facts.microphones
    ),
    takes_others=True,
)
LOUDSPEAKER = Question(
    "loudspeaker",
    ("audio", "output"),
    "Which loudspeaker?",
    lambda facts, answers: _devices(_board(facts, answers).output, facts.loudspeakers),
    lambda facts, answers: _device(
        facts, answers, facts.holds.audio.output, _board(facts, answers).output, facts.loudspeakers
    ),
    takes_others=True,
)
WAKE_WORD = Question(
    "wake_word",
    ("wake", "words"),
    "Which wake word?",
    lambda facts, _: [Choice(word, word.replace("_", " ")) for word in facts.words],
    lambda facts, _: ", ".join(facts.holds.wake.words),
    takes_others=True,
    is_list=True,
)
PROVIDER = Question(
    "provider",
    ("conversation", "provider"),
    "Who is to answer?",
    lambda facts, _: [Choice(provider.name, provider.name) for provider in facts.providers],
    lambda facts, _: facts.holds.conversation.provider,
    lambda facts, _: len(facts.providers) > 1,
)
