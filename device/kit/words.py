"""Words for people: a value as it is written in a file, a list of choices, and what somebody has perhaps meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

_LONGEST_SHOWN = 40
# A key somewhere in a text, of OpenAI's kind or of another: what a message must not show.
_TELLS_A_KEY = re.compile(r"(sk|ek|rk|hsd|hse)[-_]\w|(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{24}")


# What no text of a configuration is shown with: a key (of OpenAI's kind, a UUID, or letters and digits in a long row,
# which names of models are not), the name and password in an address, and what its query calls a key.
_SECRETS = re.compile(
    r"\b(?:sk|ek|rk|hsd|hse)[-_][\w-]+"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}[\w-]*"
    r"|(?<=://)[^/?#\s]*(?=@)"
    r"|((?i:key|token|secret|password)=)[^&#\s]+"
)


def masked(text: str) -> str:
    """Return a text with asterisks in the place of all that may be secret, by its form."""
    return _SECRETS.sub(lambda found: f"{found[1] or ''}********", text)


def tells_a_key(text: str) -> bool:
    """Tell whether a text may hold a secret, by its form."""
    return _TELLS_A_KEY.search(text) is not None


def shown(value: object) -> str:
    """Return a value as a TOML file has it, shortened; never what may be a key."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            if tells_a_key(value):
                return '"********"'
            text = value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}..."
            return '"' + "".join(letter if letter.isprintable() else "?" for letter in text) + '"'
        case int() if value.bit_length() > 64:
            return "a very large number"
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
    return str(value)


def choices(values: Sequence[object]) -> str:
    """Return "a, b or c"."""
    words = [shown(value) for value in values]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def nearest(given: str, known: Iterable[str]) -> list[str]:
    """Return the one of the known names that is most like the given one, whatever the case; [] when none is."""
    names = {name.casefold(): name for name in known}
    return [names[name] for name in difflib.get_close_matches(given.casefold(), names, n=1)]


def did_you_mean(names: Iterable[str]) -> str:
    """Return 'did you mean "a" or "b"?', "" when there are none."""
    meant = " or ".join(f'"{name}"' for name in names)
    return f"did you mean {meant}?" if meant else ""


def hint(given: str, known: Iterable[str]) -> str:
    """Return 'did you mean "a"? ', with a space for what follows, or "" when nothing known is like it."""
    meant = did_you_mean(nearest(given, known))
    return f"{meant} " if meant else ""
