"""Text that people wrote, in the encodings in which their editors save it; and paths as people write them."""

from __future__ import annotations

import codecs
import stat
from pathlib import Path

from device.errors import ConfigError

# UTF-32 before UTF-16: its mark begins with the mark of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class NotTextError(ValueError):
    """These bytes are not text: the message says why, and what to do."""


def read_text(path: Path) -> str:
    """Return what is in a file, see `decoded`. Raise OSError or NotTextError."""
    return decoded(path.read_bytes())


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8, or UTF-16 or UTF-32 as Windows saves them, with line ends as Unix has them.

    Raise NotTextError.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", _guess(data)))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: len(mark) + error.start].count(b"\n") + 1
        raise NotTextError(
            f"it is not {encoding.upper()} text (line {line} has a byte that does not belong there); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise NotTextError("it is not a text file; save it as UTF-8 text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(data: bytes) -> str:
    """Tell UTF-16 without a mark by the zero beside its first letter."""
    if data[1:2] == b"\0" and data[:1] != b"\0":
        return "utf-16-le"
    return "utf-16-be" if data[:1] == b"\0" and data[1:2] not in (b"\0", b"") else "utf-8"


def expanded(text: str, key: str) -> Path:
    """Return the path that the value of `key` names, with ~ and ~user put in full. Raise ConfigError."""
    if "\0" in text:
        raise ConfigError(f"{key}: a path cannot hold a zero byte; correct it")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        home = text.split("/")[0]
        raise ConfigError(f'{key}: there is no home folder for "{home}"; write the whole path, from / on') from None


def unreadable(path: Path) -> str:
    """Return why a file cannot be read, "" when it seems that it can."""
    try:
        return "" if stat.S_ISREG(path.stat().st_mode) else f"{path} is not a file"
    except FileNotFoundError:
        return f"there is no file {path}"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"


def is_there(path: Path) -> bool:
    """Tell whether there is such a file, also when it may not be read: reading it will say so."""
    return not unreadable(path).startswith("there is no file")
