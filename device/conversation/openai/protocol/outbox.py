"""What is waiting to be sent, in order: events and microphone audio in one queue."""

from __future__ import annotations

from collections import deque

from device.conversation.openai.messages import client_events as client

BYTES_PER_MS = 48
"""24 kHz mono s16le."""

# A burst (the pre-roll, or what a slow network held up) goes out in pieces of 200 ms: 50 messages for 10 s instead of
# 500. A frame that finds the queue empty goes out alone, so live audio is not delayed.
LONGEST_APPEND = 200 * BYTES_PER_MS


class Outbox:
    """First in, first out; audio next to audio is joined."""

    def __init__(self) -> None:
        self._queue: deque[client.ClientEvent | bytearray] = deque()
        self._audio_bytes = 0
        self._shut = False

    @property
    def held_ms(self) -> float:
        """How much audio is waiting."""
        return self._audio_bytes / BYTES_PER_MS

    def put(self, event: client.ClientEvent) -> None:
        """Add an event to the end."""
        if not self._shut:
            self._queue.append(event)

    def put_audio(self, pcm: bytes) -> None:
        """Add audio to the end."""
        if self._shut:
            return
        self._audio_bytes += len(pcm)
        rest = memoryview(pcm)
        if self._queue and isinstance(last := self._queue[-1], bytearray):
            room = LONGEST_APPEND - len(last)
            last += rest[:room]
            rest = rest[room:]
        for at in range(0, len(rest), LONGEST_APPEND):
            self._queue.append(bytearray(rest[at : at + LONGEST_APPEND]))

    def drop_audio(self) -> None:
        """Drop the audio at the end of the queue: the provider need not be told to forget what was not sent."""
        while self._queue and isinstance(last := self._queue[-1], bytearray):
            self._audio_bytes -= len(last)
            self._queue.pop()

    def shut(self) -> None:
        """Drop all that waits, and accept nothing more."""
        self._shut = True
        self._queue.clear()
        self._audio_bytes = 0

    def take(self) -> client.ClientEvent | None:
        """Return the next event to send, None when there is none."""
        if not self._queue:
            return None
        first = self._queue.popleft()
        if not isinstance(first, bytearray):
            return first
        self._audio_bytes -= len(first)
        return client.AppendAudio(audio=bytes(first))
