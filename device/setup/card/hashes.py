"""What stands on a card in the place of a password: a hash of the user's, and the key of a Wi-Fi.

Python's module `crypt` is gone since 3.13, and not every `openssl passwd` knows -6: SHA-crypt is written out here, as
Ulrich Drepper specified it (https://www.akkadia.org/drepper/SHA-crypt.txt).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

_LETTERS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DEFAULT_ROUNDS = 5000
_LONGEST_SALT = 16


def sha512_crypt(password: str, salt: str, rounds: int = _DEFAULT_ROUNDS) -> str:
    """Return the hash as it stands in /etc/shadow: $6$salt$hash."""
    word, grain = password.encode(), salt.encode()[:_LONGEST_SALT]
    digest = _first_digest(word, grain)
    word_sequence = _repeated(hashlib.sha512(word * len(word)).digest(), len(word))
    grain_sequence = _repeated(hashlib.sha512(grain * (16 + digest[0])).digest(), len(grain))
    for turn in range(rounds):
        odd = turn % 2
        parts = [word_sequence if odd else digest]
        parts += [grain_sequence] if turn % 3 else []
        parts += [word_sequence] if turn % 7 else []
        parts += [digest if odd else word_sequence]
        digest = hashlib.sha512(b"".join(parts)).digest()
    named = "" if rounds == _DEFAULT_ROUNDS else f"rounds={rounds}$"
    return f"$6${named}{grain.decode()}${''.join(_letters(digest))}"


def wifi_key(ssid: bytes, passphrase: str) -> str:
    """Return the 64 digits that WPA2 makes of a passphrase for this network: it can be used, and not read back."""
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid, 4096, 32).hex()


def _first_digest(word: bytes, grain: bytes) -> bytes:
    other = hashlib.sha512(word + grain + word).digest()
    parts = [word, grain, _repeated(other, len(word))]
    length = len(word)
    while length:
        parts.append(other if length & 1 else word)
        length >>= 1
    return hashlib.sha512(b"".join(parts)).digest()


def _repeated(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _letters(digest: bytes) -> Iterator[str]:
    """Yield the digest six bits at a time, in the order of SHA-crypt: three bytes, 21 apart, turning."""
    first, second, third = 0, 21, 42
    for _ in range(21):
        yield from _four_letters(digest[first], digest[second], digest[third], 4)
        first, second, third = second + 1, third + 1, first + 1
    yield from _four_letters(0, 0, digest[63], 2)


def _four_letters(high: int, middle: int, low: int, count: int) -> Iterator[str]:
    bits = high << 16 | middle << 8 | low
    for _ in range(count):
        yield _LETTERS[bits & 63]
        bits >>= 6
