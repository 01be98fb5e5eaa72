"""ALSA's own view of its PCMs, through libasound; PortAudio hides many names that `arecord -L` shows.

PortAudio lists the cards and the PCMs that a configuration defines without arguments. "plughw:CARD=Device" and its
like are lent to it under a plain name, by a configuration of our own that is read after everybody else's.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from device.audio.cards.alsa.chatter import hear_alsa
from device.audio.cards.alsa.config import LIBRARY, defines, read_config
from device.audio.cards.alsa.filters import leave_out_filters
from device.audio.cards.devices import Direction, SoundDevice, choose_device
from device.errors import AudioError, DeviceNotFoundError
from device.foreign import asound

CONFIG_PATH = "ALSA_CONFIG_PATH"
# What libasound answers where there is no such PCM, card or parameter; every other error is of one that exists.
MISSING = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EINVAL})
# Definitions that PortAudio passes over, whether they need arguments or not.
HIDDEN = frozenset({"hw", "plughw", "plug", "dsnoop", "tee", "file", "null", "shm", "cards", "rate_convert"})
# An address that PortAudio gives its cards: choose_device finds it in their names.
_ADDRESS = re.compile(r"hw:\d+(,\d+)?")
# How PortAudio ends the name of a card's device.
_AT_CARD = re.compile(r" \(hw:(\d+),\d+\)$")
MOST_WORDS = 2
ADVICE = {errno.EBUSY: "; is another program using it?", errno.EACCES: "; is this user in the group audio?"}
_STREAMS = {Direction.INPUT: 1, Direction.OUTPUT: 0}
_ENDS = {Direction.INPUT: "Input", Direction.OUTPUT: "Output"}
_NONBLOCK = 1


class LentPcms:
    """PCMs that PortAudio would not list, lent to it under names that it does."""

    def __init__(self) -> None:
        self._file: int | None = None
        self._path_before: str | None = None

    def lend(self, names: Sequence[str]) -> dict[str, str]:
        """Before PortAudio is initialised: define those of `names` that it hides and that exist.

        What it need not try, unless it is among them, is kept from it (see alsafilters.py). Return for each plain name
        the PCM it stands for. Raise AlsaConfigError when a file of ALSA's cannot be read.
        """
        self.take_back()
        read_config()
        hidden = [name for name in dict.fromkeys(names) if is_hidden(name) and exists(name)]
        lent = {f"hearthside_lent_{number}": name for number, name in enumerate(hidden)}
        if lent:
            self._define(lent)
        read_config()
        leave_out_filters(names)
        return lent

    def take_back(self) -> None:
        """Leave ALSA's configuration as it was found."""
        if self._file is None:
            return
        if self._path_before is None:
            os.environ.pop(CONFIG_PATH, None)
        else:
            os.environ[CONFIG_PATH] = self._path_before
        os.close(self._file)
        self._file = None

    def _define(self, lent: dict[str, str]) -> None:
        # In memory: there may be no folder that can be written to. Programs that we start do without it.
        self._file = os.memfd_create("hearthside-asound.conf")
        # A PCM that is nothing but another's name: its rates and channels stay its own.
        os.write(self._file, "".join(f"pcm.{plain} {_quote(name)}\n" for plain, name in lent.items()).encode())
        ours = f"/proc/self/fd/{self._file}"
        self._path_before = os.environ.get(CONFIG_PATH)
        system = Path(os.environ.get("ALSA_CONFIG_DIR", "/usr/share/alsa")) / "alsa.conf"
        os.environ[CONFIG_PATH] = f"{self._path_before or system}:{ours}"


class News:
    """Whether it is worth while to have PortAudio list the devices again."""

    def __init__(self) -> None:
        self._listed = ""
        self._told: dict[tuple[str, Direction], tuple[str, int]] = {}

    def note_listing(self) -> None:
        """PortAudio is about to list the devices."""
        self._listed = asound.fingerprint()

    def is_good(self, listed: Sequence[SoundDevice], wanted: str, direction: Direction) -> bool:
        """Tell whether the device exists, and either was not listed or a card came or went since. Said only once."""
        state = asound.fingerprint(), look_for(wanted, direction)
        if state[1] in MISSING or self._told.get((wanted, direction)) == state:
            return False
        if state[0] == self._listed and _is_listed(listed, wanted, direction):
            return False
        self._told[wanted, direction] = state
        return True


def choose_pcm(listed: Sequence[SoundDevice], wanted: str, direction: Direction) -> SoundDevice:
    """Return the device that `wanted` names among those that PortAudio lists.

    Raise DeviceNotFoundError, or AudioError when it exists but PortAudio could not open it.
    """
    try:
        return find_listed(listed, wanted, direction)
    except DeviceNotFoundError as error:
        with hear_alsa() as said:
            reason = look_for(wanted, direction)
        if reason not in MISSING:
            raise AudioError(_explain_shut(wanted, direction, reason, _relevant(said, wanted))) from error
        if defines(wanted):
            raise DeviceNotFoundError(_explain_broken(wanted, direction, reason, said)) from error
        names = list_names(direction)
        raise DeviceNotFoundError(f"{error}; ALSA names: {', '.join(names)}" if names else str(error)) from error


def find_listed(listed: Sequence[SoundDevice], wanted: str, direction: Direction) -> SoundDevice:
    """Return the device that `wanted` names; a PCM of exactly that name is meant, listed or not.

    Raise DeviceNotFoundError.
    """
    if defines(wanted) and wanted not in [device.name for device in listed]:
        raise DeviceNotFoundError(f'audio.{direction.value} = "{wanted}": PortAudio does not list this PCM')
    return choose_device(listed, wanted, direction)


def explain_pcm(name: str, direction: Direction) -> str:
    """Open the PCM and return what keeps it shut, in ALSA's own words where it has any; empty: nothing."""
    with hear_alsa() as said:
        reason = try_pcm(name, direction)
    return _in_words(reason, said) if reason else ""


def is_hidden(name: str) -> bool:
    """Tell whether it may be a PCM that PortAudio does not list."""
    return name in HIDDEN or (":" in name and not _ADDRESS.fullmatch(name))


def exists(name: str) -> bool:
    """Tell whether ALSA knows a PCM of that name, free or not."""
    return any(try_pcm(name, direction) not in MISSING for direction in Direction)


def try_pcm(name: str, direction: Direction) -> int:
    """Open the PCM and close it again; return 0 or the errno of what kept it shut."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        return errno.ENOENT
    pcm = ctypes.c_void_p()
    result: int = library.snd_pcm_open(ctypes.byref(pcm), name.encode(), _STREAMS[direction], _NONBLOCK)
    if result == 0:
        library.snd_pcm_close(pcm)
    return -result


def look_for(wanted: str, direction: Direction, root: Path = asound.PROC) -> int:
    """Return 0 when what the configuration names could be opened now, or the errno of what keeps it shut.

    A card is found by a part of its name too, as PortAudio would name it if it were free.
    """
    error = try_pcm(wanted, direction)
    if error not in MISSING:
        return error
    try:
        card = choose_device(list_cards(root), wanted, direction)
    except DeviceNotFoundError:
        return error
    return try_pcm(card.name.rpartition("(")[2].rstrip(")"), direction)


def list_cards(root: Path = asound.PROC) -> tuple[SoundDevice, ...]:
    """Return the cards' devices that the kernel knows, free or not, named as PortAudio names them."""
    return tuple(
        SoundDevice(-1, f"{pcm.card.name}: {pcm.name} ({pcm.address})", int(pcm.captures), int(pcm.plays), pcm.card)
        for pcm in asound.read_pcms(root)
    )


def find_card(name: str, known: Mapping[int, asound.Card]) -> asound.Card | None:
    """Return the card whose device PortAudio lists under `name`; None for a PCM of ALSA's configuration."""
    found = _AT_CARD.search(name)
    return known.get(int(found[1])) if found else None


def list_names(direction: Direction) -> list[str]:
    """Return the names of the cards' PCMs as `arecord -L` or `aplay -L` shows them, those that convert what is asked.

    The other forms (front:, dsnoop:, ...) work as well, but ten names for each card are no help in a message.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        return []
    hints = ctypes.POINTER(ctypes.c_void_p)()
    if library.snd_device_name_hint(-1, b"pcm", ctypes.byref(hints)) < 0:
        return []
    found = []
    for hint in itertools.takewhile(bool, map(hints.__getitem__, itertools.count())):
        if _get_hint(library, hint, b"IOID") in ("", _ENDS[direction]):
            found.append(_get_hint(library, hint, b"NAME"))
    library.snd_device_name_free_hint(hints)
    return [name for name in found if name.startswith("plughw:")]


def _is_listed(listed: Sequence[SoundDevice], wanted: str, direction: Direction) -> bool:
    try:
        find_listed(listed, wanted, direction)
    except DeviceNotFoundError:
        return False
    return True


def _explain_shut(wanted: str, direction: Direction, reason: int, said: list[str]) -> str:
    named = f'audio.{direction.value} = "{wanted}"'
    if not reason:
        return f"{named} is there, but PortAudio cannot use it; name the PCM behind it, or a card"
    return f"{named} is there, but cannot be opened ({_in_words(reason, said)}){ADVICE.get(reason, '')}"


def _explain_broken(wanted: str, direction: Direction, reason: int, said: list[str]) -> str:
    named = f'audio.{direction.value} = "{wanted}" is a PCM of ALSA\'s configuration'
    return (
        f"{named}, but cannot be opened for {direction.value}: {_in_words(reason, said)}; correct it, or name another"
    )


def _in_words(reason: int, said: Sequence[str]) -> str:
    """Return ALSA's own words, of which the first is the cause and the others follow from it; else the errno's."""
    return "; ".join([*said[:MOST_WORDS], os.strerror(reason)])


def _relevant(said: Sequence[str], wanted: str) -> list[str]:
    """Leave out that there is no PCM of the name by which a card was found."""
    return [text for text in said if text != f"Unknown PCM {wanted}"]


def _get_hint(library: ctypes.CDLL, hint: int, key: bytes) -> str:
    library.snd_device_name_get_hint.restype = ctypes.c_void_p
    text = library.snd_device_name_get_hint(ctypes.c_void_p(hint), key)
    if not text:
        return ""
    value = ctypes.string_at(text).decode(errors="replace")
    ctypes.CDLL(None).free(ctypes.c_void_p(text))
    return value


def _quote(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
