"""The Ansible role, read as it stands; tests/system plays it on machines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from device.boards import load_profile

parser = pytest.importorskip("yaml", reason="Debian's python3-yaml is not seen by this Python")

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "scripts" / "ansible"
ROLE = FOLDER / "roles" / "hearthside"
SECRETS = ("hearthside_openai_api_key", "hearthside_enrolment_token")


def read(path: Path) -> Any:
    """Return what a file of YAML says."""
    return parser.safe_load(path.read_text(encoding="utf-8"))


def tasks() -> list[dict[str, Any]]:
    """Return all tasks, those of blocks as well."""
    found = [
        *read(ROLE / "tasks" / "main.yml"),
        *read(ROLE / "tasks" / "install.yml"),
        *read(ROLE / "handlers/main.yml"),
    ]
    for task in found:
        found += [*task.get("block", ()), *task.get("always", ())]
    return found


def test_every_variable_has_a_default() -> None:
    """So that what is left out stays as it is on the device."""
    defaults = read(ROLE / "defaults" / "main.yml")
    registered = {task["register"] for task in tasks() if "register" in task}
    used = set(re.findall(r"\bhearthside_[a-z_]+", str(tasks())))
    # The name of a credential looks like one.
    assert used - registered - {"hearthside_enrolment"} == set(defaults)


def test_no_secret_is_shown() -> None:
    """Ansible logs what a task did, on both sides."""
    telling = [task for task in tasks() if any(secret in str(task) for secret in SECRETS)]
    assert len(telling) == 1
    assert all(task["no_log"] for task in telling)


def test_a_device_is_started_anew_where_the_installer_says_so() -> None:
    """A board whose overlay is new appears only then; what is looked for are the installer's words."""
    (task,) = [task for task in tasks() if "ansible.builtin.reboot" in task]
    words = re.search(r"'([^']+)' in\s+\(hearthside_installer", task["when"])
    assert words
    assert f"restart the Pi, {words[1]}: sudo reboot" in (ROOT / "scripts" / "install").read_text(encoding="utf-8")
    names = [task["name"] for task in read(ROLE / "tasks" / "main.yml")]
    assert names.index(task["name"]) < names.index("Wait until it hears")


def test_whatever_changes_what_the_service_reads_restarts_it() -> None:
    """Secrets as well."""
    handlers = {handler["name"] for handler in read(ROLE / "handlers" / "main.yml")}
    writing = [task for task in tasks() if "/etc/hearthside" in str(task.get("ansible.builtin.copy", ""))]
    writing += [task for task in tasks() if "/etc/credstore/" in str(task.get("ansible.builtin.copy", ""))]
    assert len(writing) == 5
    assert all(task["notify"] in handlers for task in writing)


def test_the_example_names_boards_and_variables_that_there_are() -> None:
    """And keeps the key out of the file."""
    speakers = read(FOLDER / "inventory.example.yml")["speakers"]
    for variables in speakers["hosts"].values():
        assert load_profile(variables["hearthside_profile"]).title
    named = {name for name in speakers["vars"] if name.startswith("hearthside_")}
    assert named <= set(read(ROLE / "defaults" / "main.yml"))
    assert "lookup" in speakers["vars"]["hearthside_openai_api_key"]
