"""The MCP server of an installed device, on booted machines: off by default, confined, and of use to agents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.system.booted import Machine
from tests.system.prepared import INSTALL_LIMIT_S
from tests.system.stage import Stage
from tests.system.test_install import INSTALL

pytestmark = pytest.mark.system

UNIT = "hearthside-mcp.service"
# These machines share the network of the one that they run on, and may run side by side.
PORT = free_port()
PYTHON = "/opt/hearthside/current/venv/bin/python -I"
TOKEN = "4ab4f3a8c2d94f7b8e15d3f6a7b9c0de"

AGENT = """
import asyncio, json, sys
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

async def main(url, token, tool, arguments):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        async with Client(streamable_http_client(url, http_client=http)) as agent:
            told = await agent.call_tool(tool, json.loads(arguments))
            print(json.dumps({"text": told.content[0].text, "failed": told.is_error}))

asyncio.run(main(*sys.argv[1:]))
"""
"""An agent on the device: its address, its token, a tool and its arguments."""

UNMUTE = """
import socket
with socket.socket(socket.AF_UNIX) as daemon:
    daemon.connect("/run/hearthside/agents/control.sock")
    daemon.sendall(b'{"id": 1, "do": "unmute"}' + bytes([10]))
    print(daemon.makefile().readline())
"""
"""What somebody who has taken over the server would try."""


def agent(machine: Machine, tool: str, token: str = "", **arguments: Any) -> dict[str, Any]:
    """Have an agent call a tool; return what it was told."""
    words = f"http://127.0.0.1:{PORT}/mcp '{token}' {tool} '{json.dumps(arguments)}'"
    answer: dict[str, Any] = json.loads(machine.run(f"{PYTHON} - {words}", text=AGENT).stdout)
    return answer


@pytest.fixture
def with_network(device_layers: tuple[Path, ...], stage: Stage) -> Iterator[Machine]:
    """A device that listens; it has this machine's network."""
    with stage.machine(device_layers, with_cable=False) as machine:
        machine.boot()
        machine.wait_for_state("listening")
        yield machine


def started(machine: Machine) -> None:
    """Wait until the server has started, or has given up."""
    machine.run(f"systemctl restart {UNIT}", check=False)
    machine.wait_until(lambda: machine.property("ActiveState", UNIT) in ("active", "failed"), "a server or a complaint")


def test_agents_are_served_once_somebody_wants_that(with_network: Machine) -> None:
    """By a process that is not the daemon's user, restarted with the daemon; the network needs a token."""
    machine = with_network
    machine.write("/etc/hearthside/config.d/50-port.toml", f"[mcp_server]\nport = {PORT}\n")
    assert machine.property("UnitFileState", UNIT) == "disabled"
    started(machine)
    assert machine.property("ExecMainStatus", UNIT) == "78"
    assert machine.journal(UNIT).count("--with mcp") == 1

    machine.run(f"{INSTALL} --with mcp", timeout_s=INSTALL_LIMIT_S)
    machine.wait_for_state("listening")
    machine.run(f"systemctl enable --now {UNIT}")
    assert agent(machine, "get_status")["text"].startswith("listening")
    assert agent(machine, "say", text="hello") == {"text": "said", "failed": False}

    pid = machine.property("MainPID", UNIT)
    assert machine.says(f"stat --format=%U /proc/{pid}") != "hearthside"
    within = f"nsenter --target {pid} --mount --"
    for hidden in ("/var/lib/hearthside", "/etc/credstore"):
        assert machine.run(f"{within} ls -A {hidden}/", check=False).stdout == "", hidden
    # As root, in its view of the machine: there is no way to the socket over which one can unmute.
    assert machine.says(f"{within} ls -A /run/hearthside") == "agents"
    assert "only a person may ask for that" in machine.run(f"{within} {PYTHON} -", text=UNMUTE).stdout
    machine.run("systemctl kill --signal=KILL hearthside")
    machine.wait_for_state("listening")
    assert not agent(machine, "get_status")["failed"]
    machine.run("systemctl restart hearthside")
    machine.wait_for_state("listening")
    machine.wait_until(lambda: machine.property("MainPID", UNIT) not in ("0", pid), "a new server")
    machine.wait_until(lambda: machine.property("ActiveState", UNIT) == "active", "a server that serves")
    assert not agent(machine, "mute")["failed"]
    machine.wait_for_state("muted")

    machine.write("/etc/hearthside/config.d/60-mcp.toml", '[mcp_server]\nhost = "0.0.0.0"\n')
    started(machine)
    assert machine.property("ExecMainStatus", UNIT) == "78"
    assert "needs a token" in machine.journal(UNIT)
    machine.write("/etc/credstore/mcp_server_token", TOKEN, mode=0o600)
    started(machine)
    assert not agent(machine, "get_status", TOKEN)["failed"]
    refused = machine.run(f"{PYTHON} - http://127.0.0.1:{PORT}/mcp '' get_status {{}}", check=False, text=AGENT)
    assert refused.returncode != 0
    assert TOKEN not in machine.journal(UNIT)
    machine.reboot()
    machine.wait_for_state("muted")
    machine.wait_until(lambda: machine.property("ActiveState", UNIT) == "active", "a server after a reboot")
