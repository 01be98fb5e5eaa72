"""What Hearthside's own first boot reads: the script scripts/first-boot, and the files beside it that tell it more."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from device.setup.card.quoting import quoted
from device.setup.card.wanted import Hearthside

FOLDER = "hearthside"
"""On the boot partition."""
SCRIPT = "first-boot"

# The names that scripts/first-boot knows them by.
TOKEN = "enrolment-token"
API_KEY = "openai-api-key"
_AUTHORITY = "broker-ca.pem"
# Where the script puts it: the broker's settings name it.
_AUTHORITY_PLACE = "/etc/hearthside/broker-ca.pem"


def files(wanted: Hearthside, script: str) -> dict[str, str]:
    """Return the files by their names: the script, and what there is to say to it."""
    said = {
        "settings": settings(wanted),
        "config.toml": wanted.config,
        "board.toml": _board(wanted),
        "broker.toml": _broker(wanted),
        _AUTHORITY: wanted.broker_ca,
        TOKEN: wanted.enrolment_token,
        API_KEY: wanted.api_key,
    }
    return {SCRIPT: script, **{name: _ended(text) for name, text in said.items() if text}}


def settings(wanted: Hearthside) -> str:
    """Return the lines that the script reads as a shell's."""
    names = ("profile", "bundle", "source", "sha256", "commit")
    return assignments({name: getattr(wanted, name) for name in names})


def assignments(values: Mapping[str, str]) -> str:
    """Return name='value' for all that have one, as bash reads it, each in a line of its own."""
    return "".join(f"{name}={_one_line(value)}\n" for name, value in values.items() if value)


def _one_line(value: str) -> str:
    if "\n" not in value:
        return shlex.quote(value)
    return "$'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _board(wanted: Hearthside) -> str:
    """Without a configuration, the installation writes one that names the board."""
    if not (wanted.profile and wanted.config):
        return ""
    return f"# Written by prepare-card or provision.\n[hardware]\nprofile = {quoted(wanted.profile)}"


def _broker(wanted: Hearthside) -> str:
    if not wanted.broker:
        return ""
    lines = ["# Written by prepare-card or provision.", "[conversation.openai]", f"broker = {quoted(wanted.broker)}"]
    if wanted.broker_ca:
        lines.append(f"broker_ca = {quoted(_AUTHORITY_PLACE)}")
    return "\n".join(lines)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
