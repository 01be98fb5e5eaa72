"""What each loudspeaker's card was seen to need, in a file: after a restart it need not run dry again to show it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from device.audio.cards.filling.depth import Depth, Need

log = logging.getLogger(__name__)

Post = Callable[[Callable[[], object]], None]
"""Makes a call that may wait for the disk, in another thread."""


class Depths:
    """The depth of each card, by the card's name."""

    def __init__(self, file: Path | None = None, post: Post | None = None, first: Need | None = None) -> None:
        """`file` need not exist; without one, or without `post`, nothing outlives the process.

        `first`: what to begin with on a card of which nothing is known.
        """
        self._file = file
        self._post = post
        self._first = first
        self._kept = _read(file) if file is not None else {}
        self._depths: dict[str, Depth] = {}

    def of(self, card: str) -> Depth:
        """Return the depth of a card, which goes on from what it was seen to need."""
        return self._depths.setdefault(card, Depth(self._kept.get(card, self._first)))

    def keep(self) -> None:
        """Remember what the cards need; never waits. What the disk refuses is logged."""
        if self._file is not None and self._post is not None:
            seen = {card: depth.need for card, depth in self._depths.items()}
            self._kept |= {card: need for card, need in seen.items() if need != self._first}
            self._post(partial(_write, self._file, msgspec.json.encode(self._kept)))


def _read(file: Path) -> dict[str, Need]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Need])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("what the loudspeaker needs is found out anew, since %s cannot be read: %s", file, error)
        return {}


def _write(file: Path, content: bytes) -> None:
    """Replace the file as a whole: whoever pulls the plug leaves the old one or the new one."""
    part = file.with_suffix(".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        log.info("what the loudspeaker needs is not remembered: %s: %s", file, os.strerror(error.errno or 0))
