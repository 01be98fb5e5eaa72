"""The OpenAI Realtime protocol as a state machine: no I/O, no clock.

Orders and received messages go in; `next_message` returns what is to be sent, in order, and `take_facts` what has
happened. The shell in session.py carries both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import UNSET

from device.conversation.openai.messages import client_events as client
from device.conversation.openai.messages import errors, errorshapes
from device.conversation.openai.messages import server_events as server
from device.conversation.openai.protocol import configuration, shortfall
from device.conversation.openai.protocol.calls import CallReader
from device.conversation.openai.protocol.content import Content
from device.conversation.openai.protocol.facts import Fact, Ignored, UsageReported
from device.conversation.openai.protocol.outbox import BYTES_PER_MS, Outbox
from device.conversation.openai.protocol.remote.reader import Ends, RemoteReader
from device.conversation.openai.protocol.responses import Responses
from device.conversation.openai.settings import OpenAI
from device.core import events as ev
from device.core.actions import Purpose, TurnEnd
from device.core.events import Failure
from device.ports.tools import ToolSpec

# The API refuses to commit less than 100 ms.
_SHORTEST_COMMIT = 100 * BYTES_PER_MS

# More than the pre-roll and the longest wait for a session together; with more unsent audio the network is too slow.
_LONGEST_BACKLOG_MS = 30_000

_COMMIT = "commit"
_CONFIGURATION = "configuration"
"""The event id of the first session.update."""


class Protocol:
    """One session, from session.created on."""

    def __init__(
        self,
        settings: OpenAI,
        instructions: str,
        tools: Sequence[ToolSpec],
        mask: Callable[[str], str] = str,
        purpose: Purpose = Purpose.TALK,
        remote_tools: Sequence[client.RemoteTool] = (),
    ) -> None:
        """`mask` removes secrets from the server's error messages."""
        self._remote_tools = remote_tools
        self._listens_only = purpose is Purpose.LISTEN
        self._purpose = purpose
        self._recital = ""
        """What a response is to say."""
        self._settings = settings
        self._instructions = instructions
        self._tools = tools
        self._mask = mask
        self._turn = 0
        self._turn_end = TurnEnd.PROVIDER
        self.configured = False
        """The first session.update has been sent."""
        self._instructions_before: Any = None
        self.ready = False
        self.failed = False
        self.expires_at: float | None = None
        """When the provider will end the session: seconds of the Unix clock."""
        self._outbox = Outbox()
        self._facts: list[Fact] = []
        self._responses = Responses()
        self._content = Content(self._responses, self._tell, self._complain, mask)
        self._uncommitted_bytes = 0
        self._turn_of_input: dict[str, int] = {}
        self._calls = CallReader(self._responses, self._tell, self.send_tool_result)
        self._remote = RemoteReader(
            settings.mcp, self._responses, Ends(self._tell, self._complain, self.answer_approval)
        )
        self._complained: set[str] = set()
        self._of_the_beta = False
        """The server describes its session in the words of the retired beta."""
        self._numbers = 0

    # -- out

    def next_message(self) -> bytes | None:
        """Return the next message to send (UTF-8 JSON for a text frame), None when there is none."""
        event = self._outbox.take()
        return None if event is None else client.encode(event)

    def forget_unsent(self) -> None:
        """The session is over: send nothing more, neither what waits nor what is still ordered."""
        self._outbox.shut()

    def take_facts(self) -> list[Fact]:
        """Return what has happened since the last call."""
        facts, self._facts = self._facts, []
        return facts

    # -- orders

    def begin_turn(self, turn: int, turn_end: TurnEnd) -> None:
        """Give responses that start from now on `turn`; change who ends the person's turn."""
        self._turn = turn
        self._responses.held = turn_end is TurnEnd.DEVICE
        if turn_end is not self._turn_end:
            self._turn_end = turn_end
            self._switch_turn_end()
        self._ask()

    def _switch_turn_end(self) -> None:
        self._responses.forget_voice()
        if not self.configured:
            return
        forget = self._turn_end is TurnEnd.DEVICE or self._uncommitted_bytes > 0
        if forget:
            self._outbox.drop_audio()
        # The server handles events in the order sent: the update holds for audio queued after it, which therefore need
        # not wait for session.updated.
        config = configuration.turn_config(self._settings, self._turn_end, self._listens_only)
        self._send(client.UpdateSession(session=config))
        if forget:
            self.discard_input()

    def send_audio(self, pcm: bytes) -> None:
        """Queue microphone audio (24 kHz mono s16le); dropped unless the session is ready."""
        if not self.ready or self.failed:
            return
        self._uncommitted_bytes += len(pcm)
        self._outbox.put_audio(pcm)
        if self._outbox.held_ms > _LONGEST_BACKLOG_MS:
            self.fail(Failure.DROPPED, "the network is too slow for speech: 30 s of audio are waiting to be sent")

    def commit_turn(self) -> None:
        """Commit the audio sent and ask for a response."""
        if not self.ready:
            return
        self._responses.held = False
        enough = self._uncommitted_bytes >= _SHORTEST_COMMIT
        if enough:
            self._uncommitted_bytes = 0
            self._send(client.CommitAudio())
            self._responses.sent(_COMMIT)
            if not self._listens_only:
                self._responses.want()
        else:
            self.discard_input()
        self._ask()
        if not enough:
            self._tell(ev.ResponseFinished(self._turn, "", cancelled=True, more=self._responses.more))

    def recite(self, text: str) -> None:
        """Ask for a response that is this text, spoken."""
        if self.ready:
            self._recital = text
            self._responses.held = False
            self._responses.want()
            self._ask()

    def discard_input(self) -> None:
        """Forget audio sent and not committed."""
        if not self.ready:
            return
        self._uncommitted_bytes = 0
        self._outbox.drop_audio()
        self._responses.forget_voice()
        self._send(client.ClearAudio())

    def cancel_response(self, keeps_due: bool = False) -> None:
        """Cancel the running response, if any, and drop what still arrives of it.

        A response that is due but has not begun is dropped too, unless `keeps_due`.
        """
        for response_id in self._responses.drop() if keeps_due else self._responses.cancel():
            self._send(client.CancelResponse(response_id=response_id))

    def abandon_response(self) -> None:
        """Treat the running response as complete, since nothing of it has come for long. ResponseFinished is told."""
        forgotten = self._responses.wanted()
        self._responses.remote.forget()
        for response in forgotten:
            response.cut = self._content.is_open(response)
            self._send(client.CancelResponse(response_id=response.id))
            self._conclude(server.ResponseInfo(id=response.id, status_details={"reason": shortfall.NO_END}))
        if not forgotten:
            self._tell(ev.ResponseFinished(self._turn, "", cancelled=True, more=self._responses.more))

    def drop_response(self) -> None:
        """Drop what still arrives of the running response: the provider has cancelled it by itself."""
        self._responses.drop()

    def truncate_item(self, item: str, played_ms: float) -> None:
        """Tell the provider that only `played_ms` of the item's audio were heard, and nothing of what followed it."""
        for event in self._content.heard(item, played_ms):
            self._send(event)

    def delete_item(self, item: str) -> None:
        """Tell the provider that nothing of the item was heard."""
        self.truncate_item(item, 0)

    def send_tool_result(self, call_id: str, output: str) -> None:
        """Answer a call, once; ask for a response after the last result of a response's calls."""
        if self._responses.answer(call_id):
            # A lone surrogate, e.g. from the name of a file, is not UTF-8 and would stop the writer.
            text = output.encode(errors="replace").decode()
            self._send(client.CreateItem(item=client.FunctionCallOutput(call_id=call_id, output=text)))
            self._responses.sent(call_id)
            self._ask()

    def answer_approval(self, call_id: str, approve: bool, reason: str) -> None:
        """Answer a request for a person's yes, once. The server goes on by itself."""
        if self._responses.remote.answered(call_id):
            answer = client.ApprovalResponse(
                id=f"approval_{self._numbers}",
                approval_request_id=call_id,
                approve=approve,
                reason=reason or UNSET,
            )
            self._send(client.CreateItem(item=answer))

    def note_alive(self) -> None:
        """Tell that the server has answered the check. One that should have gone on by itself is asked to."""
        self._responses.prod()
        self._tell(ev.LinkAnswered(self._turn))
        self._ask()

    def fail(self, failure: Failure, message: str) -> None:
        """End the session: tell why, once."""
        if not self.failed:
            self.failed = True
            self.ready = False
            self._tell(ev.SessionFailed(self._turn, failure, message))

    def _send(self, event: client.ClientEvent) -> None:
        if not self.failed:
            self._numbers += 1
            self._outbox.put(client.named(event, self._numbers))

    def _ask(self) -> None:
        if event_id := self._responses.ask():
            self._send(client.CreateResponse(event_id=event_id, response=configuration.response_config(self._recital)))

    def _tell(self, fact: Fact) -> None:
        self._facts.append(fact)

    # -- what the server says

    def receive_binary(self, message: bytes = b"") -> None:
        """Handle a binary frame: the protocol has none, but some servers refuse a session in one."""
        if not self.ready and message.startswith((b"{", b"[")):
            self.receive_text(message)
            return
        self._complain("binary", "the server sent a binary message, which the protocol does not have; ignored")

    def receive_text(self, text: str | bytes) -> None:
        """Handle a text frame."""
        if self.failed:
            return
        try:
            event = server.decode(text)
        except server.NotJsonError:
            self._not_json(text)
        except server.MalformedEventError as error:
            problem = errors.tidy(str(error), self._mask)
            if not self._refused_by(text):
                self._complain(error.event_type, f"the server sent a malformed event: {problem}")
        else:
            if event is not None:
                _HANDLERS[type(event)](self, event)
                self._ask()
            else:
                self._refused_by(text)

    def _not_json(self, text: str | bytes) -> None:
        # Once the session is in use, the text may hold what somebody said: it must not be logged.
        said = "" if self.ready else f' ("{errors.tidy(errorshapes.words_in(text), self._mask)}")'
        failure = Failure.PROTOCOL if self.ready else errors.failure_of_words(said, Failure.WRONG_ADDRESS)
        self.fail(failure, self._advised(failure, f"the server sent what is not JSON{said}"))

    def _refused_by(self, text: str | bytes) -> bool:
        """Handle a message that is not an event but describes an error, as some servers and gateways refuse a
        session."""
        error = None if self.ready else errorshapes.error_told(text)
        if error is not None:
            self._error(server.ErrorReported(error=error))
        return error is not None

    def _complain(self, about: str, message: str) -> None:
        """Report each kind of invalid message once: a server that sends one sends many."""
        if about not in self._complained:
            self._complained.add(about)
            self._tell(ev.ProviderComplained(self._turn, message))

    def _session_created(self, event: server.SessionCreated) -> None:
        session = self._note_session(event.session)
        if self.configured:
            return
        self.configured = True
        self._instructions_before = session.instructions
        talks = self._purpose is Purpose.TALK
        config = configuration.first_config(
            self._settings,
            self._instructions,
            self._tools if talks else (),
            self._turn_end,
            self._listens_only,
            self._remote_tools if talks else (),
        )
        self._send(client.UpdateSession(event_id=_CONFIGURATION, session=config))

    def _session_updated(self, event: server.SessionUpdated) -> None:
        session = self._note_session(event.session)
        if not self.configured or self.ready:
            return
        if configuration.may_be_ours(session.instructions, self._instructions, self._instructions_before):
            self.ready = True
            self._tell(ev.SessionReady(self._turn))

    def _note_session(self, told: Any) -> server.SessionInfo:
        session = server.read(told, server.SessionInfo) or server.SessionInfo()
        self._of_the_beta = self._of_the_beta or session.is_of_the_beta
        self.expires_at = session.ends_at or self.expires_at
        return session

    def why_not_ready(self, within: str) -> tuple[Failure, str]:
        """Say why a session that was connected is not in use yet; `within` is how long that was waited for."""
        silence = Failure.UNCONFIGURED if self.configured else Failure.SILENT
        failure = Failure.WRONG_ADDRESS if self._of_the_beta else silence
        what = "accepted the connection but not the session's configuration" if self.configured else "began no session"
        return failure, self._advised(failure, f"the server {what} {within}")

    def _advised(self, failure: Failure, message: str) -> str:
        return errors.with_advice(failure, message, self._settings, self._of_the_beta)

    def _error(self, event: server.ErrorReported) -> None:
        """Decide what an error ends.

        - Nothing: a race (`Kind.BENIGN`), or an error about one of our events that the answer does not depend on.
        - The session: a fatal error, an error about our configuration, or any error before the session is ready.
        - The answer: a refusal of our response.create, or a fault of the server (`Kind.RETRYABLE`) while a response is
          due that has not begun.
        - Perhaps the answer: another error while a response is due that has not begun, or a fault of the server while
          one runs. The core waits a little for a sign of the answer. Any other error while a response runs does not
          matter: if the response fails, its end says so.
        """
        error = event.error
        kind = errors.kind_of(error)
        message = errors.describe(error, self._mask)
        if error.code == errors.ALREADY_RESPONDING:
            self._responses.postponed(error.event_id)
        elif error.code == errors.NOT_RESPONDING:
            self._responses.not_active()
        our_request = self._responses.refused(error.event_id)
        about_answer = self.ready and not client.is_harmless(error.event_id)
        if kind is errors.Kind.RETRYABLE and about_answer:
            our_request = self._responses.give_up() or our_request
        if kind is errors.Kind.BENIGN:
            self._tell(Ignored(message))
        elif kind is errors.Kind.FATAL or not self.ready or error.event_id == _CONFIGURATION:
            about_settings = error.event_id == _CONFIGURATION
            failure = errors.failure_of(error, Failure.REFUSED_CONFIG if about_settings else Failure.REFUSED)
            self.fail(failure, self._advised(failure, message))
        elif our_request:
            failure = errors.failure_of(error)
            self._tell(ev.ResponseFinished(self._turn, "", failure=failure, message=self._advised(failure, message)))
        else:
            in_doubt = about_answer and (kind is errors.Kind.RETRYABLE or self._responses.is_expected)
            self._tell(ev.ProviderComplained(self._turn, message, errors.failure_of(error) if in_doubt else None))

    # -- the person

    def _speech_started(self, event: server.SpeechStarted) -> None:
        if self._turn_end is TurnEnd.PROVIDER:
            self._responses.speech_started()
            self._tell(ev.SpeechStarted(self._turn))

    def _speech_stopped(self, event: server.SpeechStopped) -> None:
        if self._turn_end is TurnEnd.PROVIDER:
            if self._listens_only:
                self._responses.forget_voice()
            else:
                self._responses.speech_stopped()
            self._tell(ev.SpeechStopped(self._turn))

    def _audio_committed(self, event: server.AudioCommitted) -> None:
        if isinstance(event.item_id, str):
            self._turn_of_input[event.item_id] = self._turn
        self._responses.confirmed(_COMMIT)

    def _item_added(self, event: server.ItemAdded) -> None:
        if event.item.type == "function_call_output" and event.item.call_id:
            self._responses.confirmed(event.item.call_id)
        self._remote.item(event.item, "", self._turn)

    def _output_item_added(self, event: server.OutputItemAdded) -> None:
        self._calls.item_added(event)
        self._remote.item(event.item, event.response_id, self._turn)

    def _output_item_done(self, event: server.OutputItemDone) -> None:
        self._calls.item_done(event.item, event.response_id, self._turn)
        self._remote.item(event.item, event.response_id, self._turn)

    def _input_transcribed(self, event: server.InputTranscribed) -> None:
        turn = self._turn_of_input.pop(event.item_id, self._turn)
        heard = ev.Understood if self._listens_only else ev.Heard
        self._tell(heard(turn, event.transcript))

    # -- the answer

    def _response_created(self, event: server.ResponseCreated) -> None:
        response = self._responses.created(event.response.id, self._turn)
        if response.void:
            self._send(client.CancelResponse(response_id=response.id))
        else:
            self._tell(ev.ResponseStarted(response.turn, response.id))

    def _response_done(self, event: server.ResponseDone) -> None:
        self._conclude(event.response)

    def _conclude(self, info: server.ResponseInfo) -> None:
        items = [server.read(item, server.Item) for item in server.read(info.output, list[Any]) or ()]
        for item in items:
            self._calls.item_done(item, info.id, self._turn)
            self._remote.item(item, info.id, self._turn)
        self._calls.response_done(info.id)
        self._content.end_audio(info.id)
        if usage := server.read(info.usage, server.Usage):
            self._tell(UsageReported(info.id, usage))
        response = self._responses.done(info.id, info.status in ("cancelled", "failed"))
        if response is not None and not response.void:
            # First ask for the next response, if it is time for one: the fact tells whether more follows.
            self._ask()
            self._tell(self._content.finished(response, info, [item for item in items if item]))


_HANDLERS: dict[type, Callable[[Protocol, Any], None]] = {
    server.SessionCreated: Protocol._session_created,
    server.SessionUpdated: Protocol._session_updated,
    server.ErrorReported: Protocol._error,
    server.SpeechStarted: Protocol._speech_started,
    server.SpeechStopped: Protocol._speech_stopped,
    server.AudioCleared: lambda protocol, _: protocol._responses.speech_forgotten(),
    server.AudioCommitted: Protocol._audio_committed,
    server.ItemAdded: Protocol._item_added,
    server.InputTranscribed: Protocol._input_transcribed,
    server.ResponseCreated: Protocol._response_created,
    server.ResponseDone: Protocol._response_done,
    server.OutputItemAdded: Protocol._output_item_added,
    server.OutputItemDone: Protocol._output_item_done,
    server.AudioDelta: lambda protocol, event: protocol._content.audio_delta(event),
    server.AudioDone: lambda protocol, event: protocol._content.audio_done(event),
    server.TranscriptDone: lambda protocol, event: protocol._content.transcript_done(event),
    server.TextDelta: lambda protocol, event: protocol._content.text_delta(event),
    server.TextDone: lambda protocol, event: protocol._content.text_done(event),
    server.ArgumentsDone: lambda protocol, event: protocol._calls.arguments_done(event, protocol._turn),
    server.RemoteListed: lambda protocol, event: protocol._remote.listed(event),
    server.RemoteNotListed: lambda protocol, event: protocol._remote.not_listed(event),
    server.RemoteRuns: lambda protocol, event: protocol._remote.runs(event),
    server.RemoteEnded: lambda protocol, event: protocol._remote.ended(event),
    server.RemoteFailed: lambda protocol, event: protocol._remote.failed(event),
}
