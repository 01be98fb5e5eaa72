"""Secrets: where they come from, and that they stay secret."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from device.errors import ConfigError
from device.secrets import MASK, Secret, find_secret, take_secret, withhold

KEY = "sk-proj-Zx81kQ7yTn"


def test_a_secret_prints_as_asterisks(caplog: pytest.LogCaptureFixture) -> None:
    """However it is written out."""
    secret = Secret(KEY)
    logging.getLogger("device").warning("the key is %s, %r", secret, secret)
    assert f"{secret} {secret!r} {secret!s} {secret:>8}" == "******** ******** ******** ********"
    assert KEY not in caplog.text
    assert secret.reveal() == KEY


def test_a_secret_cannot_be_pickled_or_copied() -> None:
    """Both would put it where nobody expects it."""
    with pytest.raises(TypeError):
        pickle.dumps(Secret(KEY))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret(KEY))
    assert not hasattr(Secret(KEY), "__dict__")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"Incorrect key: {KEY}.", "Incorrect key: ********"),
        ("Incorrect key provided: sk-proj-****7yTn", "Incorrect key provided: ********"),
        ("it begins with Zx81kQ, it seems", "it begins with ********, it seems"),
        ("model gpt-realtime-2.1 not found", "model gpt-realtime-2.1 not found"),
        ("'ek_123'", "'********'"),
        ("", ""),
    ],
)
def test_what_shows_a_part_of_the_secret_is_masked(text: str, masked: str) -> None:
    """Servers echo keys, whole or shortened."""
    assert Secret(KEY).mask(text) == masked


def test_a_short_secret_is_masked_too() -> None:
    """A server of one's own may have any key."""
    assert Secret("abc").mask("key abc, word") == "key ********, word"
    assert Secret("").mask("nothing to hide") == "nothing to hide"


def test_the_credential_comes_before_the_environment(tmp_path: Path) -> None:
    """The service's own way first."""
    (tmp_path / "openai_api_key").write_text(f"  {KEY}\n")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "OPENAI_API_KEY": "other"}
    assert find_secret("OPENAI_API_KEY", environment).reveal() == KEY


def test_without_a_credential_the_environment_is_taken(tmp_path: Path) -> None:
    """Other credentials may be there."""
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "OPENAI_API_KEY": f"{KEY}\n"}
    assert find_secret("OPENAI_API_KEY", environment).reveal() == KEY


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command line is used."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert find_secret("OPENAI_API_KEY").reveal() == KEY


def test_a_missing_secret_names_both_ways_to_give_it() -> None:
    """What is wrong, and what to do."""
    with pytest.raises(ConfigError, match=r"credential openai_api_key .* environment variable OPENAI_API_KEY"):
        find_secret("OPENAI_API_KEY", {})


@pytest.mark.parametrize("text", [b"", b" \n", "schlüssel".encode(), b"two words", b"two\nlines", b"\0", b"x" * 5000])
def test_what_is_not_a_key_is_refused_without_showing_it(tmp_path: Path, text: bytes) -> None:
    """Empty, several lines, not ASCII, or a file of something else."""
    (tmp_path / "openai_api_key").write_bytes(text)
    with pytest.raises(ConfigError, match="openai_api_key") as caught:
        find_secret("OPENAI_API_KEY", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert not text.strip() or text.decode(errors="replace")[:5] not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_from_another_kind_of_computer_holds_the_key(tmp_path: Path, encoding: str) -> None:
    """What an editor puts before it, or between its letters, is no part of it."""
    (tmp_path / "openai_api_key").write_bytes(f"{KEY}\r\n".encode(encoding))
    assert find_secret("OPENAI_API_KEY", {"CREDENTIALS_DIRECTORY": str(tmp_path)}).reveal() == KEY


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (f'"{KEY}"', "in quotes"),
        (f"'{KEY}'", "in quotes"),
        (f"\u201c{KEY}\u201d", "in quotes"),
        (f"OPENAI_API_KEY={KEY}", 'begins with "OPENAI_API_KEY="'),
        (f'export OPENAI_API_KEY = "{KEY}"', 'begins with "OPENAI_API_KEY="'),
        (f"openai_api_key={KEY}", 'begins with "openai_api_key="'),
        ("...", "placeholder"),
        ("sk-...", "placeholder"),
        ("sk-proj-...", "placeholder"),
        ("<key>", "placeholder"),
        ("YOUR_API_KEY", "placeholder"),
        ("your-api-key-here", "placeholder"),
        ("sk-your-key", "placeholder"),
        ("sk-xxxxxxxxxxxx", "placeholder"),
        ("XXXXXXXX", "placeholder"),
        ("sk-****************", "placeholder"),
        ("changeme", "placeholder"),
    ],
)
@pytest.mark.parametrize("place", ["file", "variable"])
def test_what_only_looks_like_a_key_is_named_for_what_it_is(tmp_path: Path, text: str, part: str, place: str) -> None:
    """Rather than sent to a server that refuses it."""
    (tmp_path / "openai_api_key").write_text(text, encoding="utf-8")
    folder, variable = {"CREDENTIALS_DIRECTORY": str(tmp_path)}, {"OPENAI_API_KEY": text}
    with pytest.raises(ConfigError, match=part) as caught:
        find_secret("OPENAI_API_KEY", folder if place == "file" else variable)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "key", [KEY, "simulated-key", "k", "sk-myxxxxkey", "0123456789abcdef" * 2, "yourkey123", "a=b", "my-own-key"]
)
def test_a_key_of_any_kind_is_taken(key: str) -> None:
    """Servers of one's own, gateways and Azure have others than OpenAI's."""
    assert find_secret("OPENAI_API_KEY", {"OPENAI_API_KEY": key}).reveal() == key


@pytest.mark.parametrize("place", ["file", "variable"])
@pytest.mark.parametrize(
    "password", ["correct horse", "Schl\u00fcssel", '"quoted"', "changeme", " x ", "a=b", "\U0001f511"]
)
def test_a_password_may_be_any_line_of_text(tmp_path: Path, password: str, place: str) -> None:
    """A person made it up."""
    (tmp_path / "mqtt_password").write_text(f"{password}\n", encoding="utf-8")
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)} if place == "file" else {"MQTT_PASSWORD": password}
    assert find_secret("MQTT_PASSWORD", given).reveal() == password


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "is empty; put the password there"),
        (b" \r\n", "is empty; put the password there"),
        (b"two\nlines", "a password is one line of text"),
        (b"\x1b[A", "a password is one line of text"),
        (b"x" * 5000, "a password is one line of text"),
        (b"caf\xe9", "not UTF-8 text"),
    ],
)
def test_what_is_no_password_is_refused_without_showing_it(tmp_path: Path, text: bytes, complaint: str) -> None:
    """Empty, several lines, or a file of something else."""
    (tmp_path / "mqtt_password").write_bytes(text)
    with pytest.raises(ConfigError, match=f"mqtt_password.*{complaint}") as caught:
        find_secret("MQTT_PASSWORD", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert not text.strip() or text.decode(errors="replace")[:5] not in str(caught.value)


def test_a_variable_that_is_no_text_is_no_password() -> None:
    """What Python makes of bytes that are not UTF-8 cannot be sent."""
    with pytest.raises(ConfigError, match="MQTT_PASSWORD does not hold a password"):
        find_secret("MQTT_PASSWORD", {"MQTT_PASSWORD": "caf\udce9"})


@given(st.text("ab '\"*\u00fc", min_size=1, max_size=12), st.text(max_size=20), st.text(max_size=20))
def test_a_password_is_in_no_text_that_was_masked(password: str, before: str, after: str) -> None:
    """Also one with signs in it that separate words."""
    assume(set(password) != {"*"})
    masked = Secret(password, is_password=True).mask(f"{before}{password}{after}")
    assert password not in masked.replace(MASK, "\0")


def test_a_password_of_everyday_words_leaves_them_in_other_texts() -> None:
    """Else every other line of the log would tell what it is made of."""
    secret = find_secret("MQTT_PASSWORD", {"MQTT_PASSWORD": "in the kitchen"})
    assert secret.mask("the light in the hall is on") == "the light in the hall is on"
    assert secret.mask("no: in the kitchen") == f"no: {MASK}"


def test_an_empty_variable_is_refused() -> None:
    """Set, and yet nothing."""
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is empty"):
        find_secret("OPENAI_API_KEY", {"OPENAI_API_KEY": " "})


def test_a_credential_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """It is there and meant to be used: looking elsewhere would hide the fault."""
    (tmp_path / "openai_api_key").mkdir()
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "OPENAI_API_KEY": KEY}
    with pytest.raises(ConfigError, match="cannot read the secret"):
        find_secret("OPENAI_API_KEY", environment)


def test_a_secret_that_was_taken_is_in_no_environment(tmp_path: Path) -> None:
    """Neither this process's own, as /proc shows it, nor a child's; the folder of credentials goes with it."""
    program = """
import os, pathlib, subprocess
from device.secrets import take_secret
assert take_secret("OPENAI_API_KEY").reveal() == "KEY"
print(dict(os.environ), pathlib.Path("/proc/self/environ").read_bytes(), subprocess.check_output("env"))
"""
    (tmp_path / "openai_api_key").write_text(KEY)
    done = subprocess.run(
        [sys.executable, "-c", program.replace('"KEY"', repr(KEY))],
        env={**os.environ, "OPENAI_API_KEY": KEY, "CREDENTIALS_DIRECTORY": str(tmp_path), "OTHER": "kept"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("kept") == 3
    assert KEY not in done.stdout
    assert str(tmp_path) not in done.stdout


def test_a_secret_that_is_not_there_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused as `find_secret` does."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is missing"):
        take_secret("OPENAI_API_KEY")


def test_what_is_withheld_need_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo needs no key, and passes none on."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for _ in range(2):
        withhold("OPENAI_API_KEY")
        assert "OPENAI_API_KEY" not in os.environ
