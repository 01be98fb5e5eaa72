"""docs/remote-mcp.md: what it says to write is right, and does what it says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from device.conversation.openai.protocol.remote.reader import what
from device.conversation.openai.provider import OPENAI, TABLE
from device.conversation.openai.remoteservers import as_tools
from device.conversation.openai.settings import RemoteServer
from device.core.confirmation import says_yes
from device.core.memory import Settings
from device.house import configuration
from device.secrets import Secret, find_secret

PAGE = (Path(__file__).parents[2] / "docs" / "remote-mcp.md").read_text(encoding="utf-8")


def test_the_example_is_what_openai_is_told(tmp_path: Path) -> None:
    """With the token from where the page puts it."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    settings = configuration.parse(tomllib.loads(block)).of(TABLE)
    (credential,) = re.findall(r"^LoadCredential=(\w+)$", PAGE, re.MULTILINE)
    (name,) = OPENAI.optional(settings)
    assert name.lower() == credential
    assert name in PAGE
    (tmp_path / credential).write_text("token-of-the-calendar\n", encoding="utf-8")
    secrets: dict[str, Secret] = {name: find_secret(name, {"CREDENTIALS_DIRECTORY": str(tmp_path)})}
    (tool,) = as_tools(settings, secrets)
    assert tool.server_label == "calendar"
    assert tool.authorization == "token-of-the-calendar"
    assert tool.allowed_tools == ["look_up", "add_event"]
    assert not isinstance(tool.require_approval, str)
    assert tool.require_approval.never.tool_names == ["look_up"]


def test_the_page_explains_every_key() -> None:
    """And the defaults that it names."""
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [*RemoteServer.__struct_fields__]
    server = RemoteServer(url="https://x")
    assert (server.require_approval, server.confirm) == ("always", "press")
    assert f"*Press the button to {what('calendar', 'add_event')}*" in PAGE
    assert says_yes("yes let calendar do add event", what("calendar", "add_event"))
    assert f"(`conversation.think_s`, {Settings().think / 1000:g} s)" in PAGE
    assert f"`tools.confirm_s` ({Settings().confirm / 1000:g} s)" in PAGE
    assert f"within {Settings().silence / 1000:g} seconds" in " ".join(PAGE.split())
