"""One response at a time, and the tool calls they made: when the next response may, and must, be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.conversation.openai.protocol.remote.state import Remote
from device.conversation.openai.protocol.words import Words


@dataclass(slots=True)
class Response:
    """A response that the provider has begun."""

    id: str
    turn: int
    dropped: bool = False
    """What still arrives of it is ignored."""
    void: bool = False
    """It began though it was no longer wanted: nobody was told of it."""
    superseded: bool = False
    """Another has begun since. There is one at a time, so this one is over, though its end was not reported."""
    called: bool = False
    """It called a tool."""
    sounded: bool = False
    """Sound of it came that can be played."""
    garbled: bool = False
    """Sound of it came that cannot."""
    cut: bool = False
    """It was treated as complete in the middle of its sound."""
    written: Words = field(default_factory=Words)
    """Words without sound."""
    spoken: Words = field(default_factory=Words)
    """The words of its sound."""
    told: bool = False
    """Its words, or its sound, have been passed on: what comes later is a repetition."""


@dataclass(slots=True)
class Calls:
    """The calls of one response."""

    owed: set[str] = field(default_factory=set)
    made: bool = False
    done: bool = False
    cancelled: bool = False


@dataclass(slots=True)
class Request:
    """A response.create of ours."""

    event_id: str
    void: bool = False
    """It is not wanted any more."""
    spare: bool = False
    """It is not needed where another response is running."""


class Responses:
    """Keeps a queue of at most one response, and knows whose turn it is to speak."""

    def __init__(self) -> None:
        self.running: dict[str, Response] = {}
        self._last: Response | None = None
        """The last that ended: some servers send a part of its content after it."""
        self._asked: Request | None = None
        """The request that the provider has neither granted nor refused yet."""
        self._granted: Request | None = None
        """The last request that seemed to be granted. A refusal may follow if that response was the provider's own."""
        self._wanted = False
        self._unseen: set[str] = set()
        """What was sent and is to be answered, but is not confirmed yet: a response that begins may not know of it."""
        self._blocked = False
        """A response is running that we never saw begin: do not ask again and again."""
        self._speaking = False
        """The provider hears the person."""
        self._due = False
        """The provider heard the end of the person's turn; its response comes by itself."""
        self._due_void = False
        self.held = False
        """It is the person's turn to speak until the device commits it."""
        self._calls: dict[str, Calls] = {}
        self._response_of: dict[str, str] = {}
        self._numbers = 0
        self.remote = Remote()
        self._spare = False
        """The queued request is not needed where another response is running."""

    # -- asking

    def want(self) -> None:
        """Queue a request for a response, if none is queued: one response answers the whole conversation so far."""
        self._wanted = True
        self._blocked = self._spare = False

    def prod(self) -> None:
        """The provider is there, and silent: ask for the response that it should have given by itself."""
        if not self._is_running and self.remote.pop_stuck() and not self._wanted:
            self.want()
            self._spare = True

    def sent(self, what: str) -> None:
        """Note that something was sent that is to be answered."""
        self._unseen.add(what)

    def confirmed(self, what: str) -> None:
        """Note that the provider has it: responses that begin from now on see it."""
        self._unseen.discard(what)

    def ask(self) -> str:
        """Return the event id for a response.create to send now, or "" when none is to be sent now."""
        busy = self._asked is not None or self._is_running or self._blocked
        if not self._wanted or busy or self.held or self._speaking or self._due:
            return ""
        self._wanted = False
        self._numbers += 1
        self._asked = Request(f"response_{self._numbers}", spare=self._spare)
        return self._asked.event_id

    def refused(self, event_id: str | None) -> bool:
        """Note an error; return whether it was about the response.create that waits for an answer."""
        if self._asked is None or event_id != self._asked.event_id:
            return False
        self._asked = None
        return True

    def postponed(self, event_id: str | None) -> None:
        """Note that a response was refused because another is running: queue the request again."""
        request = self._asked or self._granted
        if event_id and (request is None or event_id != request.event_id):
            return
        # If the request was not ours it was the provider's own for the person's turn, whose response will not come any
        # more.
        its_own = self._due and self._asked is None and not event_id
        wanted_still = its_own or (request is not None and not request.void and not request.spare)
        self._wanted = self._wanted or wanted_still
        self._asked = self._granted = None
        self._due = False
        self._blocked = not self._is_running

    # -- what the provider does

    def created(self, response_id: str, turn: int) -> Response:
        """Note a response that begins, asked for or not."""
        self._supersede()
        self.remote.went_on()
        void = self._created_by_us(self._asked) if self._asked else self._created_by_itself()
        self._blocked = False
        response = Response(response_id, turn, dropped=void, void=void)
        self.running[response_id] = response
        return response

    @property
    def _is_running(self) -> bool:
        return any(not response.superseded for response in self.running.values())

    def _supersede(self) -> None:
        for response in self.running.values():
            response.superseded = True
            self._end_calls(response)

    def _created_by_us(self, request: Request) -> bool:
        self._asked, self._granted = None, request
        return request.void

    def _created_by_itself(self) -> bool:
        void = self._due_void or self.held
        # The provider's own response takes into account all that it had received; asking for one as well would make it
        # answer twice.
        self._wanted = self._wanted and (void or bool(self._unseen))
        self.forget_voice()
        return void

    def done(self, response_id: str, cancelled: bool) -> Response | None:
        """Note the end of a response; return what was known of it."""
        self._blocked = False
        response = self.running.pop(response_id, None)
        if response is not None:
            response.dropped = response.dropped or cancelled
            self._last = response
            self._end_calls(response)
        return response

    def not_active(self) -> None:
        """Note that a response to be cancelled does not run: dropped responses are over, without a reported end."""
        for response in [response for response in self.running.values() if response.dropped]:
            self.done(response.id, cancelled=True)

    def _end_calls(self, response: Response) -> None:
        """Note that no more calls of the response will come."""
        calls = self._calls.setdefault(response.id, Calls())
        calls.done = True
        calls.cancelled = response.dropped
        self._settle(response.id)

    def find(self, response_id: str | None) -> Response | None:
        """Return a response that runs, or was the last to end while none does.

        Without an id (some servers leave it out) it is the only one there can be.
        """
        if response_id and (running := self.running.get(response_id)):
            return running
        if self.running:
            return None if response_id else next(reversed(self.running.values()))
        last = self._last
        return last if last is not None and response_id in ("", None, last.id) else None

    def is_running(self, response: Response) -> bool:
        """Say whether the end of the response is still to come."""
        return response.id in self.running

    @property
    def is_expected(self) -> bool:
        """Say whether a response that has not begun is to come."""
        return not self._is_running and (self._due or self._asked is not None)

    def give_up(self) -> bool:
        """Expect no response any more; return whether one was expected."""
        expected = self.is_expected
        if expected:
            self._asked, self._due, self._wanted = None, False, False
        return expected

    def wanted(self) -> list[Response]:
        """Return the running responses that have not been dropped."""
        return [response for response in self.running.values() if not response.dropped]

    def speech_started(self) -> None:
        """The provider hears the person."""
        self._speaking = True
        self._due = self._due_void = False

    def speech_stopped(self) -> None:
        """The provider answers by itself now."""
        self._speaking = False
        self._due = True

    def speech_forgotten(self) -> None:
        """The provider threw the audio away in which it heard the person."""
        self._speaking = False

    # -- interruptions

    def cancel(self) -> list[str]:
        """Drop the responses that run, are asked for, due or queued; return the ids to cancel."""
        self._due_void = self._due_void or self._due
        return self.drop()

    def drop(self) -> list[str]:
        """Drop the responses that run, are asked for or queued, but not one that is due; return the ids to cancel."""
        fresh = self.wanted()
        for response in fresh:
            response.dropped = True
        if self._last is not None:
            self._last.dropped = True
        for request in (self._asked, self._granted):
            if request is not None:
                request.void = True
        self._wanted = False
        self.remote.forget()
        return [response.id for response in fresh]

    def forget_voice(self) -> None:
        """Forget that the provider heard a voice: the audio is cleared, or the device ends the turn."""
        self._speaking = self._due = self._due_void = False

    # -- calls

    def knows(self, call_id: str) -> bool:
        """Say whether the call was noted."""
        return call_id in self._response_of

    def call(self, call_id: str, response_id: str) -> bool:
        """Note a call; return whether it is news."""
        if not call_id or call_id in self._response_of:
            return False
        self._response_of[call_id] = response_id
        calls = self._calls.setdefault(response_id, Calls(done=response_id not in self.running))
        calls.owed.add(call_id)
        calls.made = True
        if response := self.running.get(response_id):
            response.called = True
        return True

    def answer(self, call_id: str) -> bool:
        """Note that a call is being answered; return whether it was open."""
        response_id = self._response_of.get(call_id, "")
        calls = self._calls.get(response_id)
        if calls is None or call_id not in calls.owed:
            return False
        calls.owed.discard(call_id)
        self._settle(response_id)
        return True

    @property
    def more(self) -> bool:
        """Say whether another response will follow by itself."""
        owed = any(calls.owed and not calls.cancelled for calls in self._calls.values())
        return owed or self._wanted or self._asked is not None or self._due or self.remote.more

    def _settle(self, response_id: str) -> None:
        """Once a response is complete and its calls are answered, forget it; queue the next if it made calls."""
        calls = self._calls[response_id]
        if not calls.done or calls.owed:
            return
        del self._calls[response_id]
        if calls.made and not calls.cancelled:
            self.want()
