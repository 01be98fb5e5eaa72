"""The shell around the protocol: a WebSocket, two tasks, and no decision."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

from device.conversation.openai.backlog import LONGEST_S, Backlog, in_pieces
from device.conversation.openai.keys.keys import Keys
from device.conversation.openai.link import Link, LinkError
from device.conversation.openai.protocol.facts import AnswerAudio, Fact
from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.settings import OpenAI
from device.core.events import Failure
from device.errors import where
from device.secrets import Secret

log = logging.getLogger(__name__)

# How long a session that has begun may take to accept its configuration: seconds, or a share of the time to connect if
# that is longer. Names are looked up, TLS is agreed on and models are loaded by then, so a healthy server needs one
# round trip; whoever allows a long time to connect has a slow server.
_CONFIGURATION_S, _CONFIGURATION_SHARE = 5.0, 0.5


def _configuration_limit_s(connect_timeout_s: float) -> float:
    return max(_CONFIGURATION_S, connect_timeout_s * _CONFIGURATION_SHARE)


class Session:
    """One connection from its opening to its end. After `end` it tells no more facts."""

    def __init__(self, settings: OpenAI, keys: Keys, protocol: Protocol, tell: Callable[[Fact], None]) -> None:
        self._settings = settings
        self._keys = keys
        self.protocol = protocol
        self._tell = tell
        self._ended = False
        self._something_to_send = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._checks: set[asyncio.Task[None]] = set()
        self._facts: deque[Fact] = deque()
        """What is still to be told."""
        self._handing_on = False
        self._backlog = Backlog()

    def start(self) -> None:
        """Connect in the background."""
        self._task = asyncio.create_task(self._run(), name="realtime session")

    def end(self) -> asyncio.Task[None]:
        """Tell no more facts and close; return the task that closes.

        Once this has returned no more sound goes to the server. A closing handshake may follow, but not on a stalled
        network.
        """
        assert self._task is not None, "a session is started before it is ended"
        if not self._ended:
            self._ended = True
            self._task.cancel()
            self.protocol.forget_unsent()
            self._stop_sending()
        return self._task

    def _stop_sending(self) -> None:
        for task in (self._writer, *self._checks):
            if task is not None:
                task.cancel()
        if self._link is not None:
            self._link.cut_unless_sent()

    def cut(self) -> None:
        """End without a closing handshake, and break off one that has begun."""
        task = self.end()
        if self._link is not None:
            self._link.cut()
        task.cancel()

    def check(self, within_s: float) -> None:
        """Find out whether the server is there. Until there is a connection, opening it finds that out."""
        if self._link is not None:
            task = asyncio.create_task(self._check(self._link, within_s), name="realtime check")
            self._checks.add(task)
            task.add_done_callback(self._checks.discard)

    async def _check(self, connection: Link, within_s: float) -> None:
        try:
            await connection.check(within_s)
        except LinkError as error:
            self.protocol.fail(error.failure, str(error))
            self.flush()
        else:
            self.protocol.note_alive()
            self.flush()

    def flush(self) -> None:
        """Pass on what the protocol has to tell, and let the writer send what it has to send."""
        self._something_to_send.set()
        self._collect()
        while self._facts and (self.protocol.failed or not self._handing_on):
            self._tell_next()
        if self.protocol.failed and self._task is not None and asyncio.current_task() is not self._task:
            # The reader is waiting for a message that no longer matters.
            self._task.cancel()

    async def _hand_on(self) -> None:
        """As flush, but let the event loop run after every piece of long sound; other facts wait their turn."""
        self._something_to_send.set()
        self._collect()
        self._handing_on = True
        try:
            while self._facts:
                if self._tell_next() and self._facts:
                    await asyncio.sleep(0)
        finally:
            self._handing_on = False

    def _collect(self) -> None:
        for fact in self.protocol.take_facts():
            self._facts.extend(in_pieces(fact))
        if self.protocol.failed:
            # Nobody will hear the rest of this answer.
            self._facts = deque(fact for fact in self._facts if not isinstance(fact, AnswerAudio))

    def _tell_next(self) -> bool:
        """Tell the oldest fact; return whether it was sound."""
        fact = self._facts.popleft()
        if not self._ended:
            self._tell(fact)
        if not isinstance(fact, AnswerAudio):
            return False
        if self._backlog.add_sound(fact, asyncio.get_running_loop().time()) > LONGEST_S:
            self.protocol.fail(
                Failure.PROTOCOL, f"the server sent {LONGEST_S / 60:g} minutes of sound ahead of its time"
            )
            self._collect()
        return True

    async def _run(self) -> None:
        # Cancelling is how it is stopped, wherever it waits.
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await self._talk()
            except LinkError as error:
                self.protocol.fail(error.failure, str(error))
                self.flush()
            except Exception as error:  # noqa: BLE001 - the boundary: see _break_off
                self._break_off(error)

    def _break_off(self, error: BaseException) -> None:
        """End the session after a bug, and say so: otherwise the person would talk to a session that hears nothing."""
        log.error("the session failed: %s", where(error))
        self.protocol.fail(Failure.INTERNAL, "an error in this program; see the log")
        self.flush()

    async def _connect(self, key: Secret) -> Link:
        try:
            return await Link.open(self._settings, key)
        except LinkError as error:
            if error.failure is Failure.REFUSED_KEY:
                self._keys.refuse(key)
            raise

    async def _talk(self) -> None:
        limit_s = self._settings.connect_timeout_s
        key = await self._keys.current()
        deadline = asyncio.get_running_loop().time() + limit_s
        self._link = connection = await self._connect(key)
        self._writer = asyncio.create_task(self._write(connection), name="realtime writer")
        self._writer.add_done_callback(self._note_writer)
        try:
            async with asyncio.timeout_at(deadline) as limit:
                await self._read(connection, limit)
        except TimeoutError:
            waited_s = min(limit_s, _configuration_limit_s(limit_s)) if self.protocol.configured else limit_s
            raise LinkError(*self.protocol.why_not_ready(f"within {waited_s:g} s")) from None
        finally:
            self._writer.cancel()
            await connection.close()

    async def _read(self, connection: Link, limit: asyncio.Timeout) -> None:
        asked = False
        while not self.protocol.failed:
            message = await connection.receive()
            if self._backlog.add_message(asyncio.get_running_loop().time()):
                raise LinkError(Failure.PROTOCOL, "the server floods this device with messages")
            if isinstance(message, str):
                self.protocol.receive_text(message)
            else:
                self.protocol.receive_binary(message)
            if self.protocol.ready and not connection.ready:
                connection.ready = True
                limit.reschedule(None)
            elif self.protocol.configured and not asked:
                asked = True
                self._limit(limit)
            await self._hand_on()

    def _limit(self, limit: asyncio.Timeout) -> None:
        """Shorten the wait: the configuration that was just sent must be accepted sooner than a connection is made."""
        limit_s = _configuration_limit_s(self._settings.connect_timeout_s)
        until = asyncio.get_running_loop().time() + limit_s
        limit.reschedule(min(until, limit.when() or until))

    def _note_writer(self, writer: asyncio.Task[None]) -> None:
        if not writer.cancelled() and (error := writer.exception()) is not None:
            self._break_off(error)

    async def _write(self, connection: Link) -> None:
        # The reader reports the end of the link.
        with contextlib.suppress(LinkError):
            while True:
                await self._something_to_send.wait()
                self._something_to_send.clear()
                while (message := self.protocol.next_message()) is not None:
                    await connection.send(message)
