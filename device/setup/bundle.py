"""The support bundle: what a bug report needs, and nothing that may not be shown. By allow-list; pure."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from device.kit.words import masked
from device.secrets import MASK, Secret

FOLDER = "hearthside-support"
"""Everything in it is in this folder."""
CONTENTS = "README.txt"
MOST_BYTES = 2_000_000
"""Of one file; of a longer one the end is kept, which is the newest of a journal."""

_HEAD = """A support bundle of Hearthside: text only, made for a bug report. Look through it before you give it away.

Never in it: keys and tokens (masked as ********, wherever they were found), what was said by anybody, sound, names and
passwords of Wi-Fi networks, host names, other programs' logs.

In it:
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its name, what it is, and its text."""

    name: str
    what: str
    text: str


class Cleaner:
    """Masks what is secret: by its form, and the secrets that are known, in whole and in part."""

    def __init__(self, known: Iterable[Secret], masks: Iterable[Callable[[str], str]] = ()) -> None:
        """`masks`: more of them, such as one for this machine's name."""
        self._known = tuple(known)
        self._masks = (masked, *masks, *(secret.mask for secret in self._known))

    def clean(self, entry: Entry) -> Entry:
        """Return an entry that may be shown."""
        text = entry.text[-MOST_BYTES:]
        for mask in self._masks:
            text = mask(text)
        # A mask works word by word: what has a secret in it even now is not worth the risk.
        if any(secret.reveal() in text for secret in self._known):
            text = f"left out: there was a secret in it that could not be masked ({MASK})\n"
        return replace(entry, text=text)


def packed(entries: Sequence[Entry], moment: float) -> bytes:
    """Return the bundle, a .tar.gz, with a file about the others first. `moment`: when it is made (unix s)."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for entry in (Entry(CONTENTS, "", _HEAD + contents(entries)), *entries):
            data = entry.text.encode(errors="backslashreplace")
            info = tarfile.TarInfo(f"{FOLDER}/{entry.name}")
            info.size, info.mtime, info.mode = len(data), int(moment), 0o600
            archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


def contents(entries: Iterable[Entry]) -> str:
    """Return what is in it, a line for each file."""
    return "".join(f"  {entry.name:<20} {len(entry.text.encode()) / 1000:7.1f} kB  {entry.what}\n" for entry in entries)
