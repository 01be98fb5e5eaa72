"""A small run of the fuzzer, and that it finds what is broken."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from device.conversation.openai.protocol import protocol
from device.conversation.openai.protocol.responses import Responses

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fuzz_events.py"


@pytest.fixture
def fuzzer() -> ModuleType:
    """The script."""
    spec = importlib.util.spec_from_file_location("fuzz_events", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_breaks_in_a_small_run(fuzzer: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """The large one is scripts/fuzz_events.py without options."""
    code = fuzzer.main(["--events", "20000", "--socket-events", "500", "--seed", "7"])
    assert code == 0, capsys.readouterr().out


def test_what_raises_is_reported_with_its_seed_and_message(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And can be seen again by running only that house."""

    def trip(*_: Any) -> None:
        raise KeyError("tripped")

    monkeypatch.setattr(protocol.errors, "describe", trip)
    assert fuzzer.main(["--events", "20000", "--seed", "7"]) == 1
    said = capsys.readouterr().out
    assert "BROKEN with --seed 7 --house 0" in said
    assert '"type": "error"' in said
    assert "tripped" in said
    assert fuzzer.main(["--seed", "7", "--house", "0"]) == 1
    assert capsys.readouterr().out.split("\n")[1] == next(line for line in said.split("\n") if "last message" in line)


def test_a_call_that_is_never_answered_is_found(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody notices it else but the model, which waits."""
    monkeypatch.setattr(Responses, "answer", lambda responses, call_id: False)
    assert fuzzer.main(["--events", "20000", "--seed", "7"]) == 1
    assert "calls without an answer" in capsys.readouterr().out


def test_memory_that_grows_is_found(fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """By more than a process breathes."""
    readings = iter([50.0, 51.0, 52.0, 60.0])
    monkeypatch.setattr(fuzzer, "resident_mib", lambda: next(readings))
    memory = fuzzer.Memory()
    memory.at(0.3)
    memory.check()
    memory.at(0.4)
    with pytest.raises(fuzzer.Broken, match=r"9\.0 MiB"):
        memory.check()
