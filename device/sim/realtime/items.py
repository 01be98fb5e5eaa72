"""The items of the conversation, in order, with their audio."""

from __future__ import annotations

import asyncio
import base64
import secrets
from dataclasses import dataclass, field
from typing import Any

from device.sim.person.phrases import NotUnderstood, Understood
from device.sim.realtime.validation import RefusedError


def new_id(kind: str) -> str:
    """Return an id as the API makes them, such as "item_5f0c..."."""
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass(slots=True)
class Item:
    """An item as it is sent, without audio; its audio (s16le) is kept separately."""

    data: dict[str, Any]
    audio: bytearray = field(default_factory=bytearray)
    bytes_per_ms: float = 48.0
    understood: asyncio.Future[Understood | NotUnderstood] | None = None
    truncated: bool = False

    @property
    def id(self) -> str:
        """The id, chosen by the client or the server."""
        return str(self.data["id"])

    @property
    def audio_ms(self) -> int:
        """Duration of the audio."""
        return int(len(self.audio) / self.bytes_per_ms)

    @property
    def role(self) -> str:
        """The role of a message (user, assistant or system); empty for other items."""
        return str(self.data.get("role", ""))

    def with_audio(self) -> dict[str, Any]:
        """Return the item as `conversation.item.retrieved` shows it."""
        audio = base64.b64encode(bytes(self.audio)).decode()
        content = [
            {**part, "audio": audio} if part["type"] in ("input_audio", "output_audio") else part
            for part in self.data.get("content", [])
        ]
        return {**self.data, "content": content} if content else self.data


class Items:
    """The items in the order of the conversation."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def __iter__(self) -> Any:
        return iter(self._items)

    @property
    def last_id(self) -> str | None:
        """The id of the newest item."""
        return self._items[-1].id if self._items else None

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Put `item` at the end, or after the item named ("root": first); return the id before it.

        Raise RefusedError for an id that is taken, or an unknown `after`.
        """
        if any(known.id == item.id for known in self._items):
            raise RefusedError("invalid_value", f"An item with id '{item.id}' exists already.", "item.id")
        place = len(self._items) if after is None else 0 if after == "root" else self._index(after) + 1
        self._items.insert(place, item)
        return self._items[place - 1].id if place else None

    def get(self, item_id: str, code: str) -> Item:
        """Return an item. Raise RefusedError with `code`."""
        for item in self._items:
            if item.id == item_id:
                return item
        raise RefusedError(code, f"Item with item_id '{item_id}' does not exist.", "item_id")

    def delete(self, item_id: str) -> None:
        """Delete an item. Raise RefusedError."""
        self._items.remove(self.get(item_id, "item_delete_invalid_item_id"))

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Drop the audio after `audio_end_ms`, and the transcript. Raise RefusedError."""
        item = self.get(item_id, "item_truncate_invalid_item_id")
        if item.role != "assistant" or not item.audio or content_index != 0 or audio_end_ms == 0:
            message = "Only model output audio messages can be truncated."
            raise RefusedError("unsupported_content_type", message, "item_id")
        if audio_end_ms > item.audio_ms:
            message = f"Audio content of {item.audio_ms}ms is already shorter than {audio_end_ms}ms"
            raise RefusedError("invalid_value", message, "audio_end_ms")
        del item.audio[int(audio_end_ms * item.bytes_per_ms) :]
        item.data["content"] = [{"type": "output_audio"}]
        item.truncated = True

    def _index(self, item_id: str) -> int:
        for index, item in enumerate(self._items):
            if item.id == item_id:
                return index
        raise RefusedError("invalid_value", f"Item '{item_id}' does not exist.", "previous_item_id")
