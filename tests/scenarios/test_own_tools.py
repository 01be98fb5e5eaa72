"""A tool of one's own, from the spoken words to what its command does."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Call, Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.scenarios.test_faults import outputs
from tests.tools.own.test_own import write

pytestmark = pytest.mark.patient


async def test_spoken_words_run_a_command(open_house: Open, server: SimulatedRealtime, tmp_path: Path) -> None:
    """Wake word, the model's call, a file written, and the answer about it."""
    folder, written = tmp_path / "tools.d", tmp_path / "written"
    more = '[arguments.what]\ntype = "choice"\nchoices = ["milk", "bread"]\ndescription = "what"\n'
    write(folder, "remember", "/bin/sh", "-c", f'echo "$1" >{written}; echo noted', "sh", "{what}", more=more)
    calls = Reply(calls=(Call("remember", '{"what": "milk"}'),))
    server.script = Script(answer=lambda text: Reply("Noted.", audio=tone(200)) if "noted" in text else calls)
    async with open_house(f"tools.own.folder={folder}") as house:
        await house.converse("we need milk")
        assert outputs(server) == ["noted"]
        assert written.read_text() == "milk\n"
