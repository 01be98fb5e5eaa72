"""A support bundle holds what it says, and no secret, wherever one was planted."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.secrets import Secret
from device.setup.bundle import FOLDER, MOST_BYTES, Cleaner, Entry, packed
from device.setup.credentials import Kept
from device.setup.evidence import known_secrets

KEY = "sk-proj-Planted7461686c"
TOKEN = "hunter2-of-the-house"


def unpacked(bundle: bytes) -> dict[str, str]:
    """Return its files by their names."""
    with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
        found = {info.name: archive.extractfile(info) for info in archive.getmembers()}
        return {name: file.read().decode() for name, file in found.items() if file is not None}


def test_it_holds_its_files_and_one_about_them() -> None:
    """In one folder, readable by one person, as of the moment when it was made."""
    bundle = packed([Entry("a.txt", "the letter", "a\n"), Entry("b.txt", "another", "")], 1_000.0)
    files = unpacked(bundle)
    assert set(files) == {f"{FOLDER}/{name}" for name in ("README.txt", "a.txt", "b.txt")}
    assert files[f"{FOLDER}/a.txt"] == "a\n"
    assert "the letter" in files[f"{FOLDER}/README.txt"]
    with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
        assert {(info.mode, info.uid, int(info.mtime)) for info in archive.getmembers()} == {(0o600, 0, 1_000)}


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=40)


@given(WORDS, WORDS, st.sampled_from([KEY, TOKEN]), st.integers(0, 12))
def test_a_known_secret_is_in_no_entry(before: str, after: str, secret: str, cut: int) -> None:
    """Whatever stands around it; nor is most of it."""
    cleaner = Cleaner([Secret(KEY), Secret(TOKEN)])
    text = cleaner.clean(Entry("x", "", f"{before}{secret}{after}\n{before}{secret[cut:]}")).text
    assert secret not in text
    assert secret[8:] not in text


@pytest.mark.parametrize(
    "text",
    [
        "wss://me:Passw0rdPassw0rd@host/x",
        "Authorization: Bearer ek_68af296e8e408191a1120ab6383263c2",
        "api-key=topsecret&x=1",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
    ],
)
def test_what_looks_like_a_secret_is_masked_though_nobody_knows_it(text: str) -> None:
    """By its form."""
    cleaned = Cleaner([]).clean(Entry("x", "", text)).text
    assert "********" in cleaned
    assert not any(part in cleaned for part in ("Passw0rd", "68af296e", "topsecret", "469f-a165"))


def test_a_secret_that_no_mask_finds_costs_the_whole_entry() -> None:
    """A key with a blank in it is seen by no mask that works word by word."""
    cleaned = Cleaner([Secret("two words")]).clean(Entry("x", "", "here are two words"))
    assert "left out" in cleaned.text


def test_of_a_long_log_the_end_is_kept() -> None:
    """That is the newest."""
    cleaned = Cleaner([]).clean(Entry("x", "", "old " * MOST_BYTES + "new"))
    assert len(cleaned.text) <= MOST_BYTES
    assert cleaned.text.endswith("new")


async def test_secrets_are_looked_for_wherever_a_service_may_keep_them(tmp_path: Path) -> None:
    """In the environment, in the stores of credentials, and among what this process was given."""
    (tmp_path / "mqtt_password").write_text(f"{TOKEN}\n")
    environment = {"HOME_TOKEN": "abcdefgh1", "PATH": "/usr/bin", "CREDENTIALS_DIRECTORY": "/run/hearthside"}
    given = {"OPENAI_API_KEY": Kept(Secret(KEY))}
    stores = (tmp_path, tmp_path / "nothing")
    found = await known_secrets(["OPENAI_API_KEY"], given, environment, stores)
    assert {secret.reveal() for secret in found} == {KEY, TOKEN, "abcdefgh1"}
