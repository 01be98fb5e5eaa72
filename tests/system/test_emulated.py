"""The choice of what runs on an emulated arm64: it names what there is, and leaves out nothing that is compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system import emulated
from tests.system.emulated import PYTHON_ALONE, ROOT, SINGLE, TESTS, choice, files_left_out


@pytest.mark.parametrize("folder", PYTHON_ALONE)
def test_what_the_choice_names_is_there(folder: str) -> None:
    """Else a folder that was renamed would run there for hours, or a sample would be forgotten."""
    assert list((TESTS / folder).glob("test_*.py"))
    for name in PYTHON_ALONE[folder]:
        assert (TESTS / folder / name).is_file()


@pytest.mark.parametrize("test", [test for tests in SINGLE.values() for test in tests])
def test_a_single_test_that_the_choice_names_is_there(test: str) -> None:
    """pytest says nothing of a name that fits none."""
    file, _, name = test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8")


def test_what_is_compiled_is_never_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the folder, and wherever in the file it is imported."""
    (tmp_path / "tests" / "core").mkdir(parents=True)
    files = {
        "test_plain.py": "import json\n",
        "test_arrays.py": "import numpy as np\n",
        "test_options.py": "def test() -> None:\n    from socket import SO_KEEPALIVE\n",
        "test_sample.py": "import json\n",
        "helper.py": "import json\n",
    }
    for name, text in files.items():
        (tmp_path / "tests" / "core" / name).write_text(text)
    monkeypatch.setattr(emulated, "ROOT", tmp_path)
    monkeypatch.setattr(emulated, "TESTS", tmp_path / "tests")
    monkeypatch.setattr(emulated, "PYTHON_ALONE", {"core": ("test_sample.py",)})
    monkeypatch.setattr(emulated, "SINGLE", {"slow": ("tests/core/test_arrays.py::test_one",)})
    assert choice() == ["--ignore=tests/core/test_plain.py", "--deselect=tests/core/test_arrays.py::test_one"]


def test_the_rooms_of_sound_run_whole() -> None:
    """The wake word, the sound and what speaks to the kernel: the reason for this test."""
    rooms = {path.relative_to(TESTS).parts[0] for path in files_left_out()}
    assert rooms.isdisjoint({"audio", "wake", "foreign", "service", "kit", "contracts"})
