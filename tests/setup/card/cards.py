"""Cards as people want them, for the tests."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from device.setup.card.wanted import Card, Hearthside, Person, Wifi

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBl9OQ8yPZ0Kq6p3 me@laptop"
HASH = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
API_KEY = "sk-proj-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"
TOKEN = "hse_5tq0JX2c9mG7yRbW"
SCRIPT = "#!/usr/bin/env bash\necho the first boot\n"


def card(**given: Any) -> Card:
    """Return a card for a device with a key, and what else is given."""
    wanted: dict[str, Any] = {"host": "kitchen", "person": person(), "instance": "hearthside-1"}
    return Card(**{**wanted, **given})


def person(**given: Any) -> Person:
    """Return somebody with a password and a key."""
    return Person(**{"name": "ada", "password_hash": HASH, "ssh_keys": (KEY,), **given})


def full() -> Card:
    """Return a card with everything that can be on one."""
    hearthside = Hearthside(
        profile="respeaker_2mic_v2",
        config='[wake]\nwords = ["hey_jarvis"]\n',
        broker="https://broker.local:8443",
        broker_ca="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        enrolment_token=TOKEN,
        source="https://example.org/hearthside.git",
        commit="0123456789abcdef0123456789abcdef01234567",
    )
    return card(
        wifi=Wifi("Café #1: 'home' \\ $HOME", "p\"a's$ s:w#o\\rd"),
        country="DE",
        time_zone="Europe/Berlin",
        hearthside=hearthside,
    )


# What breaks quoting, more often than letters.
NASTY = st.sampled_from(list("'\"\\$`:#{}[]&*!|>%@,;?=- ~\u00e9\u00df\u4f60\u2028\u0085\ufeff\U0001f600"))
LETTERS = st.sampled_from(string.ascii_letters + string.digits)


def texts(shortest: int, most_bytes: int) -> st.SearchStrategy[str]:
    """Draw what somebody may type."""
    letters = st.one_of(NASTY, LETTERS, st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]))
    special = ["no", "null", "~", "1e3", "0x1F", "a\\", " x ", "rm -f /boot/firstrun.sh", "<<", "=", "12:30:45"]
    drawn = st.one_of(st.text(letters, min_size=shortest, max_size=most_bytes), st.sampled_from(special))
    return drawn.filter(lambda text: "\x7f" not in text and shortest <= len(text.encode()) <= most_bytes)


wifis = st.builds(
    Wifi,
    ssid=texts(1, 32),
    passphrase=texts(8, 63) | st.sampled_from(["rm -f firstrun.sh", "# none #", "yes: nono"]),
    hidden=st.booleans(),
    only_wpa3=st.booleans(),
)
