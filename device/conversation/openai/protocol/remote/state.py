"""What the provider does elsewhere, and what it waits for meanwhile."""

from __future__ import annotations


class Remote:
    """What the provider does elsewhere, and waits for: see reader.py."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._open: set[str] = set()
        """Requests for a person's yes that are not answered."""
        self._awaited: set[str] = set()
        """Those of them that a person still waits for."""
        self._running: set[str] = set()
        self._goes_on = False
        """It was given what it waited for, and has not answered since."""

    @property
    def more(self) -> bool:
        """Say whether another response will follow by itself."""
        return bool(self._awaited or self._running or self._goes_on)

    def asks(self, request: str) -> bool:
        """Note a request for a yes; return whether it is news."""
        if request in self._known:
            return False
        self._known.add(request)
        self._open.add(request)
        self._awaited.add(request)
        return True

    def answered(self, request: str) -> bool:
        """Note that a request is being answered; return whether it was open."""
        if request not in self._open:
            return False
        self._open.discard(request)
        self._goes_on = self._goes_on or request in self._awaited
        self._awaited.discard(request)
        return True

    def runs(self, call: str) -> None:
        """Note a call that is under way."""
        self._running.add(call)

    def ended(self, call: str) -> None:
        """Note that a call is over: what it was made for goes on."""
        if call in self._running:
            self._running.discard(call)
            self._goes_on = True

    def went_on(self) -> None:
        """Note that the provider answers."""
        self._goes_on = False

    def pop_stuck(self) -> bool:
        """Say whether it should have gone on by now; once."""
        stuck = self._goes_on and not self._running
        if stuck:
            self._goes_on = False
        return stuck

    def forget(self) -> None:
        """Nobody waits any more; requests that are open are still to be answered."""
        self._awaited.clear()
        self._running.clear()
        self._goes_on = False
