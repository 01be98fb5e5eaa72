"""Keys and passwords: found in a systemd credential or the environment, and never shown."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from device.errors import ConfigError
from device.kit.textfiles import NotTextError, decoded

MASK = "********"

# Longer than any key in use (some have about 170 characters); a file beyond it is neither a key nor a password.
_LONGEST = 4096

# Servers echo keys shortened ("sk-proj-abc***xyz"): six characters in a row that are also in the key give a word away.
_TELLING = 6
_WORD = re.compile(r"[^\s\"'`,;:()<>]+")
# What files of settings and shell scripts have, and a key has not.
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Z][A-Z0-9_]*_KEY)\s*=", re.IGNORECASE)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
# What controls a terminal, and what an environment holds for bytes that are not UTF-8.
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# "...", "sk-...", "<your key>", "YOUR_API_KEY", "sk-xxxx", "changeme"
_PLACEHOLDER = re.compile(
    r"\.\.\.|\*{3}|^<.*>$|^(sk-)?((your|insert|replace)[-_].*key|x{4})|^change-?me$|^(?P<one>.)(?P=one){2,}$",
    re.IGNORECASE,
)
_KEYS_BEGIN = r"(sk|ek|rk|hsd|hse)[-_]"
_LOOKS_LIKE_KEY = re.compile(rf"^{_KEYS_BEGIN}|\*{{3}}")
# In a text of several words, of which none looks like a key without this.
_MAY_HOLD_KEY = re.compile(rf"{_KEYS_BEGIN}|\*{{3}}")


class Secret:
    """A string that prints as asterisks, cannot be pickled, and must be asked for by name."""

    __slots__ = ("__is_password", "__pieces", "__value")

    def __init__(self, value: str, is_password: bool = False) -> None:
        self.__value = value
        self.__is_password = is_password
        size = len(value) if is_password else min(_TELLING, len(value))
        self.__pieces = tuple(value[at : at + size] for at in range(len(value) - size + 1)) if size else ()

    def reveal(self) -> str:
        """Return the secret itself: only for the place that sends it."""
        return self.__value

    def mask(self, text: str) -> str:
        """Return `text` with every word that shows a part of this secret, or looks like a key, replaced.

        Of a password only the whole is: it may be made of words that are said every day.
        """
        # Nearly always there is none: looking at the words one by one takes a small Pi milliseconds for each line.
        is_shown = self._is_shown_in(text)
        if not is_shown and not _MAY_HOLD_KEY.search(text):
            return text
        if is_shown and self.__is_password:
            text = text.replace(self.__value, MASK)
        return _WORD.sub(lambda word: MASK if self._tells(word[0]) else word[0], text)

    def _tells(self, word: str) -> bool:
        return _LOOKS_LIKE_KEY.search(word) is not None or self._is_shown_in(word)

    def _is_shown_in(self, text: str) -> bool:
        return any(map(text.__contains__, self.__pieces))

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not to be pickled or copied")


def find_secret(name: str, environment: Mapping[str, str] | None = None) -> Secret:
    """Return the secret `name` (e.g. SOME_API_KEY): systemd's credential first, then the environment.

    What is called ..._PASSWORD was made up by a person, and may be any line of text; all else is a key. Raise
    ConfigError when it is missing, unreadable, empty, or not a key at all; the message never shows it.
    """
    environment = os.environ if environment is None else environment
    checked = _password if name.endswith("_PASSWORD") else _key
    if credential := _credential(name, environment):
        return checked(_read(credential), f"the file {credential}")
    if name in environment:
        return checked(environment[name], f"the environment variable {name}")
    raise ConfigError(
        f"{name} is missing; give it to the service as the systemd credential {name.lower()} "
        f"(LoadCredential={name.lower()}:FILE), or set the environment variable {name}"
    )


def is_given(name: str, environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether there is a secret of this name, right or wrong."""
    environment = os.environ if environment is None else environment
    return name in environment or _credential(name, environment) is not None


def take_secrets(names: Iterable[str], optional: Container[str] = ()) -> dict[str, Secret]:
    """Find secrets, and withhold them from now on; those in `optional` only where they are given. Raise ConfigError."""
    names = tuple(names)
    found = {name: find_secret(name) for name in names if name not in optional or is_given(name)}
    for name in names:
        withhold(name)
    return found


def take_secret(name: str) -> Secret:
    """Find a secret, and withhold it from now on. Raise ConfigError."""
    secret = find_secret(name)
    withhold(name)
    return secret


def withhold(name: str) -> None:
    """Take a secret out of this process's environment, which every child inherits, if it is there.

    What /proc shows of the environment is the memory that the process was started with: there it is overwritten.
    The folder of systemd's credentials is not passed on either.
    """
    for variable in (name, "CREDENTIALS_DIRECTORY"):
        if variable in os.environ:
            _overwrite(variable)
            del os.environ[variable]


def _overwrite(variable: str) -> None:
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_void_p
    if at := getenv(variable.encode()):
        ctypes.memset(at, 0, len(os.environb[variable.encode()]))


def _credential(name: str, environment: Mapping[str, str]) -> Path | None:
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        return None
    path = Path(folder) / name.lower()
    # lexists: a file that is there but may not be read is an error, not a reason to look elsewhere.
    return path if os.path.lexists(path) else None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # In UTF-16 a letter takes two bytes.
            return decoded(file.read(2 * _LONGEST + 2))
    except OSError as error:
        raise ConfigError(f"cannot read the secret in {path}: {error.strerror}; correct its permissions") from error
    except NotTextError as error:
        raise ConfigError(f"the secret in {path}: {error}") from None


def _password(text: str, where: str) -> Secret:
    password = text.rstrip("\r\n")
    if not password.strip():
        raise ConfigError(f"{where} is empty; put the password there")
    if len(password) > _LONGEST or _NOT_IN_A_LINE.search(password):
        raise ConfigError(f"{where} does not hold a password: a password is one line of text")
    return Secret(password, is_password=True)


def _key(text: str, where: str) -> Secret:
    key = text.strip()
    if not key:
        raise ConfigError(f"{where} is empty; put the key there")
    if named := _ASSIGNMENT.match(key):
        raise ConfigError(f'{where} begins with "{named[1]}="; put the key alone there, without a name before it')
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        raise ConfigError(f"{where} has the key in quotes; put it there without them")
    if len(key) > _LONGEST or not all("!" <= character <= "~" for character in key):
        raise ConfigError(f"{where} does not hold a key: a key is one line of plain letters, digits and signs")
    if _PLACEHOLDER.search(key):
        raise ConfigError(f"{where} holds a placeholder, as in an example, and no key; put your own key there")
    return Secret(key)
