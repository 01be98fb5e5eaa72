"""The program of docs/mcp.md under the installed service, with its confinement, on booted machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.booted import Machine, told
from tests.system.stage import Stage

pytestmark = pytest.mark.system
PAGE = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text("utf-8")
PROGRAM = "/usr/local/lib/hearthside-notes.py"
INSTALL_LIMIT_S = 600


@pytest.fixture
def with_network(device_layers: tuple[Path, ...], stage: Stage) -> Iterator[Machine]:
    """A machine that is off, with the device installed; it has this machine's network."""
    with stage.machine(device_layers, with_cable=False) as machine:
        yield machine


def test_a_server_is_used_within_the_services_own_confinement(with_network: Machine) -> None:
    """Without the package the health says what to do; with it, a note is written where the service may write."""
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M)
    table = re.findall(r"^```toml\n(.*?)^```", PAGE, re.S | re.M)[0]
    with_network.write(PROGRAM, program)
    with_network.write("/etc/hearthside/config.d/60-mcp.toml", table)
    with_network.boot()
    with_network.wait_for_state("fault")
    assert "install it: sudo scripts/install --with mcp" in told(with_network.run("hearthside status", check=False))
    with_network.run("/opt/hearthside/current/scripts/install --with mcp", timeout_s=INSTALL_LIMIT_S)
    with_network.wait_for_state("listening")
    with_network.wait_until(
        lambda: "notes_take_note" in told(with_network.run("hearthside tools", check=False)), "the server"
    )
    listed = with_network.says("hearthside tools")
    assert "the MCP server notes" in listed
    assert "notes_forget_notes" not in listed
    call = """hearthside tools call notes_take_note '{"name": "shopping", "text": "milk"}'"""
    assert "«noted under shopping»" in with_network.says(call)
    assert with_network.says("cat /var/lib/hearthside/shopping.txt") == "milk"
    # What speaks with servers goes with the service.
    with_network.run("systemctl stop hearthside")
    assert with_network.run("pgrep -f 'mcp.child|hearthside-notes'", check=False).returncode == 1
