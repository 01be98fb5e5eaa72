"""A conversation with a server that speaks the protocol: one session after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from device.conversation.openai import link
from device.conversation.openai.keys.keys import Keys
from device.conversation.openai.messages.client_events import RemoteTool
from device.conversation.openai.messages.server_events import TokenDetails, Usage
from device.conversation.openai.prices import priced
from device.conversation.openai.protocol import configuration
from device.conversation.openai.protocol.facts import AnswerAudio, AnswerItemEnded, Fact, Ignored, UsageReported
from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.protocol.sound import RATE
from device.conversation.openai.remoteservers import hiding
from device.conversation.openai.session import Session
from device.conversation.openai.settings import OpenAI
from device.core.actions import Purpose, TurnEnd
from device.ports.conversation import OnAnswerAudio, OnAnswerItemEnd, Persona
from device.ports.facts import Post
from device.ports.provider import OnUsage
from device.ports.tools import ToolSpec
from device.units import Hz

log = logging.getLogger(__name__)

# What aclose may take; the port promises a second.
_LONGEST_CLOSE_S = 0.9


class RealtimeConversation:
    """A `Conversation` with a server that speaks the OpenAI Realtime protocol."""

    input_rate: Hz = RATE
    output_rate: Hz = RATE

    def __init__(
        self,
        settings: OpenAI,
        instructions: str,
        keys: Keys,
        tools: Callable[[], tuple[ToolSpec, ...]],
        post: Post,
        on_audio: OnAnswerAudio,
        on_audio_end: OnAnswerItemEnd,
        on_usage: OnUsage = lambda usage: None,
        personas: Mapping[str, Persona] = MappingProxyType({}),
        remote_tools: Callable[[], Sequence[RemoteTool]] = tuple,
    ) -> None:
        """`tools` and `remote_tools` are asked for every session. Raise ConfigError when the URL cannot be dialled."""
        link.host_of(settings.url)
        link.start_threads()
        self._settings = settings
        self._usual = Persona(instructions)
        self._personas = personas
        self._remote_tools = remote_tools
        self._keys = keys
        self._tools = tools
        self._post = post
        self._on_audio = on_audio
        self._on_audio_end = on_audio_end
        self._on_usage = on_usage
        self._session: Session | None = None
        self._ending: set[Session] = set()

    @staticmethod
    def prepare() -> None:
        """Load in the background what the first session needs; call it when the device listens already."""
        link.prepare()

    @property
    def expires_at(self) -> float | None:
        """When the provider will end the session: seconds of the Unix clock; None when it did not say."""
        return self._session.protocol.expires_at if self._session else None

    def open(self, turn: int, turn_end: TurnEnd, purpose: Purpose = Purpose.TALK, persona: str = "") -> None:
        """See Conversation."""
        self.close()
        who = self._personas.get(persona, self._usual)
        settings = configuration.spoken_by(who, self._settings)
        remote = self._remote_tools()
        mask = hiding(self._keys.mask, remote)
        protocol = Protocol(settings, who.instructions, self._tools(), mask, purpose, remote)
        protocol.begin_turn(turn, turn_end)
        self._session = Session(self._settings, self._keys, protocol, self._tell)
        self._session.start()

    def close(self) -> None:
        """End the session; nothing is posted for it any more. A new one may be opened at once."""
        session, self._session = self._session, None
        if session is not None:
            self._ending.add(session)
            session.end().add_done_callback(lambda _: self._ending.discard(session))

    def cut(self) -> None:
        """See Conversation."""
        try:
            self.close()
        finally:
            for session in self._ending:
                session.cut()

    def check(self, within_s: float) -> None:
        """See Conversation."""
        if self._session:
            self._session.check(within_s)

    async def aclose(self) -> None:
        """End everything, waiting at most a second."""
        self.close()
        if self._ending:
            await asyncio.wait({session.end() for session in self._ending}, timeout=_LONGEST_CLOSE_S)
        await self._keys.aclose()

    def begin_turn(self, turn: int, turn_end: TurnEnd) -> None:
        """Responses that start from now on carry `turn`; change who ends the turn."""
        if self._session:
            self._session.protocol.begin_turn(turn, turn_end)
            self._session.flush()

    def send_audio(self, pcm: bytes) -> None:
        """Queue microphone audio (24 kHz mono s16le). Dropped unless the session is ready."""
        if self._session:
            self._session.protocol.send_audio(pcm)
            self._session.flush()

    def commit_turn(self) -> None:
        """Commit the audio sent and ask for a response."""
        if self._session:
            self._session.protocol.commit_turn()
            self._session.flush()

    def recite(self, text: str) -> None:
        """See Conversation."""
        if self._session:
            self._session.protocol.recite(text)
            self._session.flush()

    def cancel_response(self, keeps_due: bool = False) -> None:
        """See Conversation."""
        if self._session:
            self._session.protocol.cancel_response(keeps_due)
            self._session.flush()

    def drop_response(self) -> None:
        """Drop what still arrives of the running response: the provider has cancelled it by itself."""
        if self._session:
            self._session.protocol.drop_response()
            self._session.flush()

    def abandon_response(self) -> None:
        """See Conversation."""
        if self._session:
            self._session.protocol.abandon_response()
            self._session.flush()

    def truncate_item(self, item: str, played_ms: float) -> None:
        """Tell the provider that only `played_ms` of the item's audio were heard (clamped to what was received)."""
        if self._session:
            self._session.protocol.truncate_item(item, played_ms)
            self._session.flush()

    def delete_item(self, item: str) -> None:
        """Tell the provider that nothing of the item was heard."""
        if self._session:
            self._session.protocol.delete_item(item)
            self._session.flush()

    def send_tool_result(self, call_id: str, output: str) -> None:
        """Answer a call; one response is asked for after the last result of a response's calls."""
        if self._session:
            self._session.protocol.send_tool_result(call_id, output)
            self._session.flush()

    def answer_approval(self, call_id: str, approve: bool, reason: str) -> None:
        """See Conversation."""
        if self._session:
            self._session.protocol.answer_approval(call_id, approve, reason)
            self._session.flush()

    def _tell(self, fact: Fact) -> None:
        """Pass a fact on: sound to the player, numbers to the log, everything else to the machine."""
        if isinstance(fact, AnswerAudio):
            self._on_audio(fact.turn, fact.item, fact.pcm)
        elif isinstance(fact, AnswerItemEnded):
            self._on_audio_end(fact.turn, fact.item)
        elif isinstance(fact, UsageReported):
            log.info("response used %s", in_numbers(fact.usage))
            self._on_usage(priced(fact.usage, self._settings.model))
        elif isinstance(fact, Ignored):
            log.debug("ignored: %s", fact.what)
        else:
            self._post(fact)


def in_numbers(usage: Usage) -> str:
    """Return what a response cost as one line of tokens, e.g. `total=87 input=60 ...`."""
    into, out = usage.input_token_details or TokenDetails(), usage.output_token_details or TokenDetails()
    counts = {
        "total": usage.total_tokens,
        "input": usage.input_tokens,
        "input_text": into.text_tokens,
        "input_audio": into.audio_tokens,
        "input_cached": into.cached_tokens,
        "output": usage.output_tokens,
        "output_text": out.text_tokens,
        "output_audio": out.audio_tokens,
    }
    return " ".join(f"{name}={count}" for name, count in counts.items() if count is not None) + " tokens"
