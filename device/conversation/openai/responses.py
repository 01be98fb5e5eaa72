"""One response at a time, and the calls that responses made: when may, and when must, the next one be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Response:
    """A response that the provider has begun."""

    id: str
    turn: int
    dropped: bool = False
    """Whatever still comes of it is of no interest."""
    void: bool = False
    """It should never have been: nobody was told that it began."""


@dataclass(slots=True)
class Calls:
    """The calls of one response."""

    owed: set[str] = field(default_factory=set)
    done: bool = False
    cancelled: bool = False


class Responses:
    """Keeps the queue of one response, and knows who has the word."""

    def __init__(self) -> None:
        self.running: dict[str, Response] = {}
        self._asked = ""
        """The event id of our response.create until the provider begins it, or refuses."""
        self._asked_void = False
        self._wanted = False
        self._covered = False
        """What is wanted was wanted before the person's turn ended: the provider's own response will see to it."""
        self._speaking = False
        """From the provider's speech_started to the response that it begins by itself."""
        self._due = False
        """The provider heard the end of a turn; its response comes by itself."""
        self._due_void = False
        self.held = False
        """The person has the word until the device commits the turn."""
        self._calls: dict[str, Calls] = {}
        self._response_of: dict[str, str] = {}
        self._numbers = 0

    # -- asking

    def want(self) -> None:
        """A response is needed. Needs that meet in the queue are one: it answers the whole conversation so far."""
        self._wanted = True
        self._covered = False

    def ask(self) -> str:
        """Return the event id for a response.create to send now, or "" when it is not the time for one."""
        if not self._wanted or self._asked or self.running or self.held or self._speaking or self._due:
            return ""
        self._wanted = False
        self._numbers += 1
        self._asked = f"response_{self._numbers}"
        return self._asked

    def refused(self, event_id: str, again: bool) -> bool:
        """Note an error about our response.create; return whether it was one. `again`: put it back in the queue."""
        if not self._asked or (event_id and event_id != self._asked):
            return False
        self._wanted = self._wanted or (again and not self._asked_void)
        self._asked = ""
        self._asked_void = False
        self._due = False
        return True

    # -- what the provider does

    def created(self, response_id: str, turn: int) -> Response:
        """Note a response that begins, asked for or not."""
        void = self._created_by_us() if self._asked else self._created_by_itself()
        response = Response(response_id, turn, dropped=void, void=void)
        self.running[response_id] = response
        return response

    def _created_by_us(self) -> bool:
        void = self._asked_void
        self._asked = ""
        self._asked_void = False
        return void

    def _created_by_itself(self) -> bool:
        void = self._due_void or self.held
        self._wanted = self._wanted and (void or not self._covered)
        self.take_back_the_word()
        return void

    def done(self, response_id: str, cancelled: bool) -> Response | None:
        """Note the end of a response; return what was known of it."""
        response = self.running.pop(response_id, None)
        if response is not None:
            calls = self._calls.setdefault(response_id, Calls())
            calls.done = True
            calls.cancelled = cancelled or response.dropped
            self._settle(response_id)
        return response

    def find(self, response_id: str) -> Response | None:
        """Return a running response; without an id (some servers leave it out) the only one there can be."""
        if response_id:
            return self.running.get(response_id)
        return next(iter(self.running.values()), None)

    def speech_started(self) -> None:
        """The provider hears the person."""
        self._speaking = True
        self._due = self._due_void = False

    def speech_stopped(self) -> None:
        """The provider answers by itself now."""
        self._due = True
        self._covered = self._wanted

    # -- interruptions

    def cancel(self) -> list[str]:
        """Let go of all that runs, is asked for, is due or is queued; return the ids to cancel."""
        self._due_void = self._due_void or self._due
        return self.drop()

    def drop(self) -> list[str]:
        """Let go of what runs, is asked for or queued: what the person says now is answered instead."""
        fresh = [response for response in self.running.values() if not response.dropped]
        for response in fresh:
            response.dropped = True
        self._asked_void = bool(self._asked)
        self._wanted = False
        return [response.id for response in fresh]

    def take_back_the_word(self) -> None:
        """Forget what the provider heard: the audio is cleared, or the device ends the turn."""
        self._speaking = self._due = self._due_void = False

    # -- calls

    def call(self, call_id: str, response_id: str) -> bool:
        """Note a call; return whether it is news."""
        if not call_id or call_id in self._response_of:
            return False
        self._response_of[call_id] = response_id
        self._calls.setdefault(response_id, Calls(done=response_id not in self.running)).owed.add(call_id)
        return True

    def knows(self, call_id: str) -> bool:
        """Say whether the call has been met."""
        return call_id in self._response_of

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
        return owed or self._wanted or bool(self._asked) or self._due

    def _settle(self, response_id: str) -> None:
        """Both done and answered: forget the response, and want the next if there is something new to say."""
        calls = self._calls[response_id]
        if not calls.done or calls.owed:
            return
        del self._calls[response_id]
        made_calls = response_id in self._response_of.values()
        if made_calls and not calls.cancelled:
            self.want()
