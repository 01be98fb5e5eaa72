"""Where a key is found, and what is said of one that is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from device.setup.credentials import Kept, find_key, take_given

NAME = "OPENAI_API_KEY"
KEY = "sk-proj-planted-7461686c"


async def find(folder: Path, given: dict[str, Kept] | None = None) -> Kept:
    """Look for the key in a folder's two stores."""
    return await find_key(NAME, given or {}, folder / "credstore", folder / "credstore.encrypted")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return systemd's store."""
    folder = tmp_path / "credstore"
    folder.mkdir()
    return folder


async def test_the_store_has_it(store: Path) -> None:
    """With its mode, which may be wrong."""
    (store / "openai_api_key").write_text(KEY)
    (store / "openai_api_key").chmod(0o644)
    kept = await find(store.parent)
    assert kept.secret is not None
    assert kept.secret.reveal() == KEY
    assert (kept.place, kept.mode) == (str(store / "openai_api_key"), 0o644)


async def test_what_is_no_key_is_a_problem(store: Path) -> None:
    """In the words of the service itself, without what stands there."""
    (store / "openai_api_key").write_text(f"OPENAI_API_KEY={KEY}")
    kept = await find(store.parent)
    assert kept.secret is None
    assert "put the key alone there" in kept.problem
    assert KEY not in kept.problem


async def test_where_there_is_none_both_places_are_named(tmp_path: Path) -> None:
    """So that a person knows where to put it."""
    kept = await find(tmp_path)
    assert kept.secret is None
    assert str(tmp_path / "credstore") in kept.problem


async def test_an_encrypted_key_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    """Made on another machine, or damaged."""
    (tmp_path / "credstore.encrypted").mkdir()
    (tmp_path / "credstore.encrypted" / "openai_api_key").write_text("nonsense")
    kept = await find(tmp_path)
    assert kept.secret is None
    assert kept.problem


async def test_what_the_process_was_given_comes_first(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no child inherits it."""
    (store / "openai_api_key").write_text("sk-another")
    monkeypatch.setenv(NAME, KEY)
    given = take_given([NAME])
    assert NAME not in os.environ
    kept = await find(store.parent, given)
    assert kept.secret is not None
    assert kept.secret.reveal() == KEY
    assert KEY not in repr(kept)
