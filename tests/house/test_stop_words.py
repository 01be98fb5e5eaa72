"""Stop words in a house that cannot recognise them all: it says so, and listens for the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.house import listening
from device.wake.stopword import sphinx
from device.wake.stopword.listener import Recogniser
from device.wake.stopword.recognisers import open_recogniser
from tests.house.cardless import open_cardless


@pytest.fixture
def _without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a device that was installed without the extra."""
    monkeypatch.setattr(sphinx, "_folder", lambda: None)


@pytest.mark.usefixtures("_without_package")
@pytest.mark.parametrize(
    ("words", "said", "known"),
    [
        (["stop"], "", ["stop"]),
        (["be quiet"], "nobody listens for stop words (wake.stop_words)", []),
        (["stop", "be quiet", "enough"], 'nobody listens for "be quiet", "enough" (wake.stop_words)', ["stop"]),
    ],
)
async def test_without_the_package_the_log_names_what_brings_it(
    words: list[str],
    said: str,
    known: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In one line, and only where a word needs it."""
    opened = list[str]()

    def note(words: list[str]) -> Recogniser:
        recogniser = open_recogniser(words)
        opened.extend(words)
        return recogniser

    monkeypatch.setattr(listening, "open_recogniser", note)
    async with open_cardless(tmp_path, monkeypatch, wake={"stop_words": words}):
        assert opened == known
    lines = [record.getMessage() for record in caplog.records if "stop_words" in record.getMessage()]
    brings = "the package pocketsphinx is missing; run scripts/install --with stop-words"
    assert [line.startswith(f"{said}: {brings}") for line in lines] == ([True] if said else [])
