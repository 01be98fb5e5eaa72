"""The sound and the words of responses: passed on, or kept until it is known whether they must be read aloud."""

from __future__ import annotations

from collections.abc import Callable

from device.conversation.openai.messages import client_events as client
from device.conversation.openai.messages import errors
from device.conversation.openai.messages import server_events as server
from device.conversation.openai.protocol import shortfall, sound, words
from device.conversation.openai.protocol.facts import AnswerAudio, AnswerItemEnded, Fact
from device.conversation.openai.protocol.items import AudioItem, AudioItems
from device.conversation.openai.protocol.responses import Response, Responses
from device.core import events as ev

# An item has one or two parts. The number is sent back to the server, so it must be a plausible one.
_MOST_PARTS = 1_000


class Content:
    """The content of a session's responses, in the order in which it arrives."""

    def __init__(
        self,
        responses: Responses,
        tell: Callable[[Fact], None],
        complain: Callable[[str, str], None],
        mask: Callable[[str], str],
    ) -> None:
        """`complain` (about what, message) reports invalid messages; `mask` removes secrets from what is logged."""
        self._responses = responses
        self._tell = tell
        self._complain = complain
        self._mask = mask
        self._items = AudioItems()

    def heard(self, item: str, played_ms: float) -> list[client.ClientEvent]:
        """Return what to tell the provider: `played_ms` of the item were heard, and nothing of those after it."""
        return self._items.heard(item, played_ms)

    def is_open(self, response: Response) -> bool:
        """Say whether some sound of the response has not been reported to be complete."""
        return bool(self._items.incomplete(response.id))

    def finished(self, response: Response, info: server.ResponseInfo, items: list[server.Item]) -> ev.ResponseFinished:
        """Return how the response ended; `items` are what `info` says it consists of."""
        failure, message = errors.why_ended(info, self._mask)
        text = "" if response.sounded or response.dropped else shortfall.text_of(response, items)
        response.told = response.sounded or bool(text)
        lack = shortfall.of_response(response, info, message, text)
        silence = "" if response.called else shortfall.why_silent(response, text)
        return ev.ResponseFinished(
            response.turn,
            response.id,
            cancelled=info.status == "cancelled",
            more=self._responses.more,
            failure=failure,
            message=message or silence,
            sound=response.sounded,
            text=text,
            lack=lack,
        )

    def _wanted(self, response_id: str | None) -> Response | None:
        """Return the response when its content is still wanted."""
        response = self._responses.find(response_id)
        return None if response is None or response.dropped else response

    def audio_delta(self, event: server.AudioDelta) -> None:
        """Pass a piece of sound on."""
        response = self._wanted(event.response_id)
        if response is None:
            return
        received = sound.decode(event.delta)
        if received is None:
            response.garbled = True
            self._complain("sound", "the server sent sound that cannot be decoded: it is no base64")
            return
        name = event.item_id or f"sound of {response.id}"
        # The provider cannot be told how much was heard of an item that it does not name.
        self._items.add(name, AudioItem(response.turn, response.id, _part(event), settled=not event.item_id))
        if pcm := self._items.receive(name, received):
            response.sounded = True
            self._tell(AnswerAudio(response.turn, name, pcm))

    def audio_done(self, event: server.AudioDone) -> None:
        """Pass on that an item's sound is complete."""
        response = self._wanted(event.response_id)
        if response is not None and not event.item_id:
            self.end_audio(response.id)
        elif response is not None and event.item_id and self._items.complete(event.item_id):
            self._tell(AnswerItemEnded(response.turn, event.item_id))

    def end_audio(self, response_id: str) -> None:
        """Report that the sound of a response is complete, where the server did not and nobody interrupted it."""
        if response := self._wanted(response_id):
            for item in self._items.incomplete(response_id):
                self._items.complete(item)
                self._tell(AnswerItemEnded(response.turn, item))

    # -- words

    def transcript_done(self, event: server.TranscriptDone) -> None:
        """Note the words of sound."""
        if response := self._wanted(event.response_id):
            response.spoken.set(*_place(event), event.transcript)
            self._tell(ev.Said(response.turn, event.transcript))

    def text_delta(self, event: server.TextDelta) -> None:
        """Note a piece of words without sound."""
        if response := self._wanted(event.response_id):
            response.written.add(*_place(event), event.delta)

    def text_done(self, event: server.TextDone) -> None:
        """Note words without sound; after the end of a response without sound they are told at once."""
        response = self._wanted(event.response_id)
        if response is None:
            return
        response.written.set(*_place(event), event.text)
        self._tell(ev.Said(response.turn, event.text))
        if self._responses.is_running(response):
            if not response.sounded:
                self._tell(ev.WordsWritten(response.turn))
        elif not response.told and (text := words.printable(event.text)):
            response.told = True
            self._tell(ev.WordsFollowed(response.turn, text))


def _place(event: server.TranscriptDone | server.TextDelta | server.TextDone) -> tuple[str, int]:
    """Return the item and the part of it that words belong to."""
    return event.item_id or "", _part(event)


def _part(event: server.AudioDelta | server.TranscriptDone | server.TextDelta | server.TextDone) -> int:
    part = event.content_index
    return part if isinstance(part, int) and 0 <= part < _MOST_PARTS else 0
