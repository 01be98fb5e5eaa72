"""Hashes that other programs must understand: known answers."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.setup.card.hashes import sha512_crypt, wifi_key

# From the specification of SHA-crypt, https://www.akkadia.org/drepper/SHA-crypt.txt
VECTORS = [
    (
        "saltstring",
        5000,
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
    (
        "saltstringsaltstring",
        10000,
        "Hello world!",
        "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/"
        "y3RnOaw5v.",
    ),
    (
        "toolongsaltstring",
        5000,
        "This is just a test",
        "$6$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0",
    ),
    (
        "anotherlongsaltstring",
        1400,
        "a very much longer text to encrypt.  This one even stretches over morethan one line.",
        "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4u"
        "r1",
    ),
]


@pytest.mark.parametrize(("salt", "rounds", "password", "expected"), VECTORS)
def test_sha512_crypt_gives_the_answers_of_its_specification(
    salt: str, rounds: int, password: str, expected: str
) -> None:
    """Whatever the length of salt and password."""
    assert sha512_crypt(password, salt, rounds) == expected


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to compare with")
@settings(max_examples=10, deadline=None)
@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=70))
def test_sha512_crypt_agrees_with_openssl(password: str) -> None:
    """Also for letters that are several bytes."""
    command = ["openssl", "passwd", "-6", "-salt", "pepper", "-stdin"]
    run = subprocess.run(command, input=password.encode(), capture_output=True, check=True)
    assert sha512_crypt(password, "pepper") == run.stdout.decode().strip()


def test_a_wifi_key_is_that_of_the_standard() -> None:
    """IEEE 802.11i, annex H.4."""
    key = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert wifi_key(b"IEEE", "password") == key
