"""Which word is said in which recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.cli.labels import labels
from device.errors import ConfigError

WORDS = ("alexa", "hey_jarvis", "jarvis")
FILES = [Path("kitchen/Hey Jarvis-01.wav"), Path("alexa.wav"), Path("news.wav")]


def table(folder: Path, text: str) -> Path:
    """Write a file of labels."""
    path = folder / "labels.toml"
    path.write_text(text)
    return path


def test_a_file_holds_the_word_that_its_name_contains() -> None:
    """However it is spelt; the longest, when several fit."""
    assert list(labels(FILES, WORDS, None, None).values()) == ["hey_jarvis", "alexa", ""]


def test_an_option_holds_for_all_files() -> None:
    """Also for those of other names."""
    assert set(labels(FILES, WORDS, "jarvis", None).values()) == {"jarvis"}
    assert set(labels(FILES, WORDS, "none", None).values()) == {""}


def test_a_table_says_it_by_patterns(tmp_path: Path) -> None:
    """The first that fits, on the name or the path."""
    path = table(tmp_path, '"kitchen/*" = "jarvis"\n"a*" = "none"\n"*" = "alexa"')
    assert list(labels(FILES, WORDS, None, path).values()) == ["jarvis", "", "alexa"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('"*" = "computer"', ["computer", "hey_jarvis", "none"]),
        ('"*" = 3', ["3", "hey_jarvis"]),
        ('"a*" = "alexa"', ["Hey Jarvis-01.wav", '"*" = "none"']),
        ("a*", ["not valid TOML"]),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, parts: list[str]) -> None:
    """With what is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        labels(FILES, WORDS, None, table(tmp_path, text))
    assert all(part in str(caught.value) for part in parts)


def test_a_wrong_option_and_a_missing_table_are_refused(tmp_path: Path) -> None:
    """Naming what there is."""
    with pytest.raises(ConfigError, match="--expect"):
        labels(FILES, WORDS, "computer", None)
    with pytest.raises(ConfigError, match="cannot read"):
        labels(FILES, WORDS, None, tmp_path / "nothing.toml")
