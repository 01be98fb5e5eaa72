"""scripts/prepare-card as people run it."""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.setup.card.cards import API_KEY, KEY

ROOT = Path(__file__).parents[3]
COMMAND = ROOT / "scripts" / "prepare-card"
LINE = "console=tty1 root=PARTUUID=4e639091-02 rootwait\n"
EX_CONFIG = 78


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Make a card of an image with cloud-init."""
    boot = tmp_path / "bootfs"
    boot.mkdir()
    (boot / "cmdline.txt").write_text(LINE, encoding="utf-8")
    (boot / "meta-data").write_text("instance_id: rpios-image\n", encoding="utf-8")
    (tmp_path / "id.pub").write_text(f"{KEY}\n", encoding="utf-8")
    (tmp_path / "wifi").write_text("correct horse\n", encoding="utf-8")
    return boot


def prepare(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run it, without a terminal and without the packages of this environment."""
    command = [sys.executable, "-I", "-S", str(COMMAND), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, input=given, timeout=60)


def system(card: Path) -> list[object]:
    """Return the options that every card needs."""
    return ["--host", "kitchen", "--user", "ada", "--ssh-key", card.parent / "id.pub"]


def test_a_card_is_prepared(card: Path) -> None:
    """With the Wi-Fi's password from standard input; the format is that of the files there."""
    wifi = ["--wifi", "home", "--country", "DE", "--wifi-password-file", "-"]
    run = prepare(card, *system(card), *wifi, "--profile", "generic", given="correct horse\n")
    assert run.returncode == 0, run.stderr
    assert "ds=nocloud;i=hearthside-" in (card / "cmdline.txt").read_text(encoding="utf-8")
    assert "correct horse" not in "".join(path.read_text("utf-8") for path in card.rglob("*") if path.is_file())
    assert (card / "hearthside" / "settings").read_text(encoding="utf-8") == "profile=generic\n"
    script = (card / "hearthside" / "first-boot").read_text(encoding="utf-8")
    assert script == (ROOT / "scripts" / "first-boot").read_text(encoding="utf-8")


def test_a_source_lies_there_with_what_it_is_known_by(card: Path) -> None:
    """As the first boot reads it."""
    run = prepare(card, *system(card), "--source", "https://a/b.tar", "--sha256", "0" * 64)
    assert run.returncode == 0, run.stderr
    settings = (card / "hearthside" / "settings").read_text(encoding="utf-8")
    assert settings == f"source=https://a/b.tar\nsha256={'0' * 64}\n"


def test_a_dry_run_writes_nothing(card: Path) -> None:
    """And says what would be written."""
    run = prepare(card, *system(card), "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "would write user-data" in run.stderr
    assert {path.name for path in card.iterdir()} == {"cmdline.txt", "meta-data"}


def test_the_imagers_pair_is_written(tmp_path: Path, card: Path) -> None:
    """With the command that takes it."""
    run = prepare("--imager", tmp_path / "pair", *system(card))
    assert run.returncode == 0, run.stderr
    assert {path.name for path in (tmp_path / "pair").iterdir()} == {"user-data", "network-config"}
    assert "rpi-imager --cli --cloudinit-userdata" in run.stderr


def test_a_dry_run_writes_no_pair(tmp_path: Path, card: Path) -> None:
    """A folder that is to be made is not made either."""
    run = prepare("--imager", tmp_path / "pair", *system(card), "--dry-run")
    assert run.returncode == 0, run.stderr
    assert f"would write {tmp_path}/pair/user-data" in run.stderr
    assert not (tmp_path / "pair").exists()


def test_the_imagers_command_can_be_pasted(tmp_path: Path, card: Path) -> None:
    """Whatever the folder is called."""
    run = prepare("--imager", tmp_path / "my pair", *system(card))
    command = next(line for line in run.stderr.splitlines() if "rpi-imager" in line).partition("now: ")[2]
    assert f"{tmp_path}/my pair/user-data" in shlex.split(command)


def test_who_locks_himself_out_is_told(card: Path) -> None:
    """A device without a screen whose SSH is off."""
    (card.parent / "password").write_text("correct horse\n", encoding="utf-8")
    run = prepare(card, "--host", "kitchen", "--user", "ada", "--password-file", card.parent / "password")
    assert run.returncode == 0, run.stderr
    assert "nobody can log in over the network" in run.stderr


def test_a_key_on_the_card_is_warned_about(card: Path) -> None:
    """And never shown."""
    (card.parent / "key").write_text(f"{API_KEY}\n", encoding="utf-8")
    run = prepare(card, *system(card), "--key-on-card", card.parent / "key")
    assert run.returncode == 0, run.stderr
    assert "whoever holds the card can read the API key" in run.stderr
    assert API_KEY not in run.stderr + run.stdout
    assert (card / "hearthside" / "openai-api-key").read_text(encoding="utf-8") == f"{API_KEY}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--profile", "respeaker_2mic_v3"], "did you mean respeaker_2mic_v"),
        (["--bundle", "nowhere.tar"], "there is no file nowhere.tar"),
        (["--config", "nowhere.toml"], "cannot read nowhere.toml"),
        (["--wifi-hidden"], "which Wi-Fi?"),
        (["--wifi", "home", "--country", "DE"], "give --wifi-password-file"),
        (["--enrolment-token-file", "/dev/null", "--broker", "https://b"], "must hold one line"),
        (["--broker", "http://b"], "must be https:// with a host"),
        (["--broker", "https://b/path"], "must be https:// with a host"),
        (["--broker", "https://me:word@b"], "must be https:// with a host"),
        (["--broker", "https://b", "--enrolment-token-file", "WIFI"], "this is no enrolment token"),
        (["--key-on-card", "WIFI"], "this is no API key"),
        (["--no-password", "--password-file", "WIFI"], "give one of the two"),
        (["--wifi", "home", "--country", "DE", "--wifi-open", "--wifi-password-file", "WIFI"], "give one of the two"),
        (["--format", "custom.toml", "--profile", "generic"], "custom.toml cannot run a command"),
        (["--ssh"], "give one of the two"),
        (["--time-zone", "Europe/Berln"], "did you mean Europe/Berlin?"),
        (["--source", "https://a/b.tar"], "--sha256 SUM for a bundle or another archive, or --commit NAME"),
        (["--source", "https://a/b", "--sha256", "0" * 64, "--commit", "0" * 40], "--sha256 SUM for a bundle"),
        (["--sha256", "0" * 64], "--sha256 SUM for a bundle"),
        (["--source", "https://a/b.tar", "--sha256", "0" * 63], "is no SHA-256"),
        (["--source", "https://a/b.git", "--commit", "main"], "git ls-remote https://a/b.git tells the commits"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(card: Path, arguments: list[str], complaint: str) -> None:
    """In one line, with the exit code of a wrong configuration."""
    # A file with the two words of a passphrase.
    given = [card.parent / "wifi" if word == "WIFI" else word for word in arguments]
    run = prepare(card, *system(card), *given)
    assert run.returncode == EX_CONFIG
    assert complaint in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert {path.name for path in card.iterdir()} == {"cmdline.txt", "meta-data"}


def test_a_private_key_is_refused(card: Path) -> None:
    """With the name of the public one."""
    private = card.parent / "id"
    private.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n", encoding="utf-8")
    run = prepare(card, "--host", "a", "--user", "ada", "--ssh-key", private)
    assert run.returncode == EX_CONFIG
    assert f"give {private}.pub" in run.stderr


def test_it_runs_on_the_python_of_an_older_computer() -> None:
    """3.9, as macOS has it: no newer syntax, and nothing but the standard library and its own files."""
    device = ROOT / "device"
    files = [*(device / "setup").glob("card/*.py"), *(device / "setup").glob("fleet/*.py")]
    shared = [device / "__init__.py", device / "errors.py", device / "setup" / "__init__.py"]
    for path in [COMMAND, COMMAND.with_name("provision"), *files, *shared]:
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                own = name.startswith(("device.setup.card", "device.setup.fleet")) or name == "device.errors"
                assert own or name.partition(".")[0] in sys.stdlib_module_names, f"{path}: {name}"
