"""The demo as a command: it plays, draws, and refuses what it cannot do before it begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("hearthside")
PNG = b"\x89PNG\r\n\x1a\n"


def demo(*arguments: object, limit_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run `hearthside demo`."""
    return subprocess.run(
        [COMMAND, "demo", *map(str, arguments)], capture_output=True, text=True, timeout=limit_s, check=False
    )


@pytest.mark.card
def test_the_demo_does_everything_it_promises_and_draws_it(tmp_path: Path) -> None:
    """Exit code 0, every check passed, nothing on standard error, a picture."""
    picture = tmp_path / "timeline.png"
    result = demo("--plot", picture)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "FAIL" not in result.stdout
    assert "turn on the light" in result.stdout
    assert result.stderr == ""
    assert picture.read_bytes().startswith(PNG)
    assert picture.stat().st_size > 50_000


@pytest.mark.parametrize(("name", "part"), [("timeline.doc", ".png"), ("nowhere/timeline.png", "nowhere")])
def test_a_picture_that_cannot_be_drawn_is_refused_at_once(tmp_path: Path, name: str, part: str) -> None:
    """Not after half a minute of conversation."""
    result = demo("--plot", tmp_path / name)
    assert result.returncode == 78
    assert len(result.stderr.splitlines()) == 1
    assert part in result.stderr


@pytest.mark.parametrize("module", ["device", "device.sim.realtime"])
def test_without_what_the_simulation_needs_it_says_what_to_run(module: str) -> None:
    """After plain scripts/setup, which a device gets; in one line, for the demo and for the server by itself."""
    script = "import runpy, sys; sys.modules['aiohttp'] = None; runpy.run_module(sys.argv.pop(1), run_name='__main__')"
    arguments = ["demo"] if module == "device" else []
    result = subprocess.run(
        [sys.executable, "-c", script, module, *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "the simulation needs the package aiohttp" in result.stderr
    assert "run scripts/setup --sim" in result.stderr
