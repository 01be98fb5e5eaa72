"""Where scripts/first-boot fetches a release from, and by what it knows that it is the one that was meant."""

from __future__ import annotations

import functools
import http.server
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from device.setup.card.wanted import Hearthside
from tests.setup.card.devices import Device, carried, make_tree, pack


@dataclass(frozen=True)
class Server:
    """The folder that a server gives, and its address."""

    folder: Path
    url: str


class Handler(http.server.SimpleHTTPRequestHandler):
    """Gives the files of a folder; of those named so only a part, and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with a file."""
        content = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if "cut-off" in self.path else content)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of releases."""
    folder = tmp_path / "server"
    folder.mkdir()
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield Server(folder, f"http://127.0.0.1:{serving.server_port}")
        serving.shutdown()


@pytest.mark.parametrize(("name", "mode"), [("hearthside-1.0.tar", "w"), ("main.tar.gz", "w:gz")])
def test_an_archive_of_a_server_is_known_by_its_sum(
    device: Device, server: Server, name: str, mode: Literal["w", "w:gz"]
) -> None:
    """Of a bundle the installation is told the sum as well: it need not be sent again."""
    sha256 = pack(make_tree(server.folder / "tree"), server.folder / name, mode)
    device.put(carried(Hearthside(source=f"{server.url}/{name}", sha256=sha256.upper())))
    device.first_boot("boot")
    assert f"install  {sha256}" in device.calls
    assert not (device.boot / "hearthside").exists()
    assert list((device.root / "var" / "tmp").iterdir()) == []


def test_another_archive_than_the_one_that_was_meant_is_refused(device: Device, server: Server) -> None:
    """Nothing of it is run, and it is not fetched again and again: the exit code ends the tries of this boot."""
    pack(make_tree(server.folder / "tree"), server.folder / "bundle.tar")
    device.put(carried(Hearthside(source=f"{server.url}/bundle.tar", sha256="0" * 64)))
    run = device.run("hearthside/first-boot", "boot")
    assert run.returncode == 78
    (complaint,) = (line for line in run.stderr.splitlines() if "fetching" not in line)
    assert "bundle.tar is not the release that was meant: its SHA-256 is " in complaint
    assert not any(call.startswith("install") for call in device.calls)
    assert list((device.root / "var" / "tmp").iterdir()) == []
    device.first_boot("place")
    assert "RestartPreventExitStatus=78" in device.text("etc/systemd/system/hearthside-first-boot.service")


@pytest.mark.parametrize("name", ["cut-off.tar", "bundle.tar"])
def test_an_archive_that_does_not_come_whole_is_fetched_again(device: Device, server: Server, name: str) -> None:
    """A connection that was lost, or none, is no wrong release."""
    sha256 = pack(make_tree(server.folder / "tree"), server.folder / name)
    address = f"{server.url}/{name}" if name == "cut-off.tar" else "http://127.0.0.1:9/bundle.tar"
    device.put(carried(Hearthside(source=address, sha256=sha256)))
    run = device.run("hearthside/first-boot", "boot")
    assert run.returncode == 1
    assert f"cannot fetch {address}" in run.stderr
    assert "Traceback" not in run.stderr
    assert not any(call.startswith("install") for call in device.calls)


def git(folder: Path, *words: str) -> str:
    """Run git as somebody."""
    options = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.check_output(["git", "-C", folder, *options, *words], text=True).strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A release as two commits of a branch."""
    folder = make_tree(tmp_path / "repository")
    git(folder, "init", "--quiet", "--initial-branch=main")
    for message in ("Install", "Break"):
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", f"--message={message}")
        (folder / "scripts" / "install").write_text("exit 1\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("gives_single_commits", [True, False])
def test_a_commit_of_a_repository_is_known_by_its_name(
    device: Device, repository: Path, gives_single_commits: bool
) -> None:
    """The one that was meant, and not what the branch leads to by now; whatever its server gives."""
    if not gives_single_commits:
        # As servers did before protocol 2.
        git(repository, "config", "protocol.version", "0")
        (device.root / ".gitconfig").write_text("[protocol]\nversion = 0\n", encoding="utf-8")
    commit = git(repository, "rev-parse", "HEAD~1")
    device.put(carried(Hearthside(source=f"file://{repository}", commit=commit)))
    device.first_boot("boot")
    assert "install  " in device.calls


def test_a_commit_that_the_repository_does_not_have_is_refused(device: Device, repository: Path) -> None:
    """Also where a branch has its name."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    git(repository, "update-ref", f"refs/heads/{commit}", "HEAD")
    device.put(carried(Hearthside(source=f"file://{repository}", commit=commit)))
    run = device.run("hearthside/first-boot", "boot")
    assert run.returncode == 78
    assert f"has no commit {commit}" in run.stderr
    assert not any(call.startswith("install") for call in device.calls)


def test_a_source_of_which_nothing_is_known_is_refused(device: Device, server: Server) -> None:
    """Whatever wrote that on the card."""
    pack(make_tree(server.folder / "tree"), server.folder / "bundle.tar")
    device.put(carried(Hearthside()) | {"hearthside/settings": f"source={server.url}/bundle.tar\n"})
    run = device.run("hearthside/first-boot", "boot")
    assert run.returncode == 78
    assert "nothing says which release of" in run.stderr
    assert not any(call.startswith("install") for call in device.calls)
