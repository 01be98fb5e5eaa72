"""A provider's realtime session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from device.core.actions import Purpose, TurnEnd
from device.units import Hz

OnAnswerAudio = Callable[[int, str, bytes], None]
"""turn, item id, PCM (s16le mono at the conversation's `output_rate`): a piece of the answer arrived."""

OnAnswerItemEnd = Callable[[int, str], None]
"""turn, item id: all audio of the item has arrived."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Who answers."""

    instructions: str
    """What the model is told about itself."""
    voice: str = ""
    """The voice in which it answers, as the provider names it; "": the one that the provider is set to."""


class Conversation(Protocol):
    """A provider's realtime session. Facts are posted as events; answer audio goes past the machine to `on_audio`.

    Orders never raise and never wait: what fails is posted as SessionFailed or ProviderComplained.
    """

    input_rate: Hz
    output_rate: Hz

    def open(self, turn: int, turn_end: TurnEnd, purpose: Purpose = Purpose.TALK, persona: str = "") -> None:
        """Connect and configure in the background; SessionReady or SessionFailed follows, carrying `turn`.

        `persona` answers, one of those that the conversation was opened with; "": nobody in particular.

        To listen only: what the person says is posted as Understood, and nothing is answered.
        """

    def close(self) -> None:
        """End the session; nothing is posted for it any more. A new one may be opened at once.

        From here on no byte of sound is handed to the network. There is a closing handshake only when no sound is
        unsent.
        """

    def cut(self) -> None:
        """End the session, and those that are still being closed, without a closing handshake.

        Sound that was handed to the network and has not arrived is thrown away, as far as this machine can do that.
        """

    def check(self, within_s: float) -> None:
        """Ask whether the provider is there; LinkAnswered follows, or SessionFailed."""

    def begin_turn(self, turn: int, turn_end: TurnEnd) -> None:
        """Responses that start from now on carry `turn`; change who ends the turn."""

    def send_audio(self, pcm: bytes) -> None:
        """Queue microphone audio (s16le mono at `input_rate`). Dropped unless the session is ready."""

    def commit_turn(self) -> None:
        """Commit the audio sent and ask for a response."""

    def recite(self, text: str) -> None:
        """Have a text said word for word, as an answer, in a session that was opened for that."""

    def cancel_response(self, keeps_due: bool = False) -> None:
        """Cancel the running response, if any, and drop what still arrives of it.

        A response that has not begun, which the provider is about to give by itself, is dropped too, unless
        `keeps_due`.
        """

    def drop_response(self) -> None:
        """Drop what still arrives of the running response: the provider has cancelled it by itself."""

    def abandon_response(self) -> None:
        """Treat the running response as complete, though the provider has not said so.

        ResponseFinished is posted, also when no response runs.
        """

    def truncate_item(self, item: str, played_ms: float) -> None:
        """Tell the provider that only `played_ms` of the item's audio were heard (clamped to what was received)."""

    def delete_item(self, item: str) -> None:
        """Tell the provider that nothing of the item was heard."""

    def send_tool_result(self, call_id: str, output: str) -> None:
        """Answer a call; one response is asked for after the last result of a response's calls."""

    def answer_approval(self, call_id: str, approve: bool, reason: str) -> None:
        """Say whether a person lets the provider do what it asked for (ApprovalRequested), and why not; it goes on by
        itself."""

    async def aclose(self) -> None:
        """End everything, waiting at most a second."""
