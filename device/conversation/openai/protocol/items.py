"""How much of each item's audio has arrived, and what to tell the provider of what was heard of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.conversation.openai.messages import client_events as client
from device.conversation.openai.protocol.outbox import BYTES_PER_MS
from device.units import BYTES_PER_SAMPLE


@dataclass(slots=True)
class AudioItem:
    """An item of the answer that has sound."""

    turn: int
    response: str
    content_index: int
    received_bytes: int = 0
    complete: bool = False
    settled: bool = False
    """The provider has been told what was heard of it, or cannot be told."""
    half_sample: bytes = field(default=b"", repr=False)

    @property
    def received_ms(self) -> int:
        """Whole milliseconds that have arrived."""
        return self.received_bytes // BYTES_PER_MS


class AudioItems:
    """The audio items of a session, in the order in which they are heard."""

    def __init__(self) -> None:
        self._items: dict[str, AudioItem] = {}

    def add(self, name: str, item: AudioItem) -> None:
        """Begin an item, unless it is known. Some servers give the items of every response the same name."""
        known = self._items.get(name)
        if known is None or known.response != item.response:
            self._items.pop(name, None)
            self._items[name] = item

    def receive(self, name: str, pcm: bytes) -> bytes:
        """Count a piece of an item; return it in whole samples (a server may cut one in half)."""
        item = self._items[name]
        pcm = item.half_sample + pcm
        whole = len(pcm) - len(pcm) % BYTES_PER_SAMPLE
        item.half_sample = pcm[whole:]
        item.received_bytes += whole
        return pcm[:whole]

    def complete(self, item_id: str) -> bool:
        """Note that all audio has arrived; return whether that is news."""
        item = self._items.get(item_id)
        if item is None or item.complete:
            return False
        item.complete = True
        return True

    def incomplete(self, response: str) -> list[str]:
        """Return the items of a response that wait for more audio."""
        return [name for name, item in self._items.items() if item.response == response and not item.complete]

    def heard(self, item_id: str, played_ms: float) -> list[client.ClientEvent]:
        """Return what to tell the provider: `played_ms` of the item were heard, and nothing of those after it."""
        item = self._items.get(item_id)
        if item is None or item.settled:
            return []
        item.settled = True
        return [*self._settle(item_id, item, played_ms), *self._forget_after(item_id, item)]

    def _settle(self, item_id: str, item: AudioItem, played_ms: float) -> list[client.ClientEvent]:
        if item.complete and item.received_ms and played_ms >= item.received_ms:
            return []
        # More than was received is refused; so is 0, for which the item must be deleted.
        end = int(min(played_ms, item.received_ms))
        if end <= 0:
            return [client.DeleteItem(item_id=item_id)]
        return [client.TruncateItem(item_id=item_id, content_index=item.content_index, audio_end_ms=end)]

    def _forget_after(self, item_id: str, item: AudioItem) -> list[client.ClientEvent]:
        names = list(self._items)
        unheard = []
        for name in names[names.index(item_id) + 1 :]:
            later = self._items[name]
            if later.turn == item.turn and not later.settled:
                later.settled = True
                unheard.append(name)
        return [client.DeleteItem(item_id=name) for name in unheard]
