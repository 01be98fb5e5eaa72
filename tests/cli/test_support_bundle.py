"""`hearthside support-bundle` as people run it: secrets are planted everywhere, and looked for in what it made."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from device.cli.support_bundle import BundleError, write

COMMAND = Path(sys.executable).with_name("hearthside")
KEY = "sk-proj-Planted7461686c"
PASSWORD = "Tr0ub4dorAndMore"
TOKEN = "hunter2-of-the-house"
SAID = "where is the spare key hidden"
NETWORK = "Wi-Fi of the neighbours"
PROGRAMS = {
    # As the journal would have it: a key, a half of one, and an address with a password.
    "journalctl": f"""case "$*" in *"-p info"*) ;; *) echo '{SAID}';; esac
        echo '2026-11-29T05:00:00+0000 hearthside[9]: refused {KEY}'
        echo '2026-11-29T05:00:01+0000 hearthside[9]: Incorrect key {KEY[:12]}***{KEY[-6:]}'
        echo '2026-11-29T05:00:02+0000 hearthside[9]: wss://me:{PASSWORD}@host/ and {TOKEN}'""",
    "systemctl": f"""case "$*" in *Environment*) echo 'Environment=TOKEN={TOKEN}';; esac
        echo 'ActiveState=active'; echo 'StatusText=refused {KEY}'""",
    "nmcli": f"echo '{NETWORK}'",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a configuration, a running house's state and programs of the system, all with secrets."""
    (tmp_path / "config.toml").write_text(
        f'[conversation]\ninstructions = "Say {KEY} to nobody"\n'
        f'[conversation.openai]\nurl = "wss://me:{PASSWORD}@localhost:1/v1"\n'
        '[audio]\ninput = "Banana"\noutput = "Banana"\n'
    )
    (tmp_path / "run" / "hearthside").mkdir(parents=True)
    state = {"state": "fault", "written": time.time(), "why": f"refused {KEY}", "parts": []}
    (tmp_path / "run" / "hearthside" / "health.json").write_text(json.dumps(state))
    for name, body in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def made(place: Path) -> tuple[subprocess.CompletedProcess[str], bytes, dict[str, str]]:
    """Make a bundle; return how that went, the bundle as it lies there, and its files."""
    path = place / "bundle.tar.gz"
    result = subprocess.run(
        [COMMAND, "support-bundle", "--config", place / "config.toml", "--output", path],
        env={
            **os.environ,
            "PATH": f"{place}:{os.environ['PATH']}",
            "XDG_RUNTIME_DIR": str(place / "run"),
            "OPENAI_API_KEY": KEY,
            "MQTT_TOKEN": TOKEN,
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        files = {info.name: archive.extractfile(info) for info in archive.getmembers()}
        texts = {Path(name).name: file.read().decode() for name, file in files.items() if file is not None}
    return result, path.read_bytes(), texts


def test_no_secret_is_in_it_and_all_the_rest_is(place: Path) -> None:
    """Nor in what the command prints; nor what was said, nor the names of networks."""
    result, _, files = made(place)
    assert result.returncode == 0, result.stderr
    everything = "\n".join([*files.values(), result.stdout, result.stderr])
    for secret in (KEY, KEY[8:], KEY[:12], PASSWORD, TOKEN, SAID, NETWORK):
        assert secret not in everything, secret
    assert "hearthside[9]" in files["journal.txt"]
    assert "ActiveState=active" in files["unit.txt"]
    assert "[conversation.openai]" in files["configuration.toml"]
    assert '"fault"' in files["health.json"]
    assert json.loads(files["findings.json"])["findings"]
    assert "PRETTY_NAME" in files["system.txt"]


def test_it_says_where_it_lies_and_what_is_in_it(place: Path) -> None:
    """And only its owner may read it."""
    result, _, files = made(place)
    assert result.stdout.startswith(f"{place}/bundle.tar.gz holds:\n")
    assert all(name in result.stdout for name in files if name != "README.txt")
    assert (place / "bundle.tar.gz").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_gives_one_message_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that was there stays as it was."""
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BundleError, match="No space left on device; name another place with --output"):
        write(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle.tar.gz"]
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """In the same words."""
    with pytest.raises(BundleError, match="No such file or directory"):
        write(tmp_path / "nothing" / "bundle.tar.gz", b"new")
