"""The broker's commands: what its keeper types, and what it says to wrong settings."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from device.broker import tokens
from device.broker.store import Entry, Store
from device.cli import main
from tests.ports import free_port
from tests.waiting import block_until

COMMAND = Path(sys.executable).with_name("hearthside")
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs a subcommand with a folder of the test's."""
    (tmp_path / "config.toml").write_text(f'[broker]\nstate_dir = "{tmp_path}/state"\nnames = ["127.0.0.1"]\n')
    return lambda *words: main(["broker", *words, "--config", str(tmp_path / "config.toml")])


def test_a_token_is_printed_once_and_kept_as_a_hash(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone on standard output, for scripts; what people want to know beside it."""
    assert run("token", "kitchen", "--hours", "1") == 0
    out, err = capsys.readouterr()
    assert tokens.is_token(out.strip(), tokens.ENROLMENT)
    assert "kitchen, once, within 1 hours" in err
    store = Store(tmp_path / "state")
    assert store.enrol(tokens.hash_of(out.strip()), "x", b"d", 0, "") == "kitchen"
    store.close()


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "1e300", "soon"])
def test_a_token_is_good_for_a_time_that_can_be(run: Run, hours: str, capsys: pytest.CaptureFixture[str]) -> None:
    """None is made that would be worth nothing."""
    with pytest.raises(SystemExit, match="2"):
        run("token", "--hours", hours)
    out, err = capsys.readouterr()
    assert out == ""
    assert "give hours: more than 0, and at most 8784 (a year)" in err


def test_devices_are_listed_and_revoked(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what was done is in the audit log."""
    assert run("devices") == 0
    assert "no device is enrolled" in capsys.readouterr().out
    store = Store(tmp_path / "state")
    store.add_enrolment(b"t", "", 0, 10**10)
    store.enrol(b"t", "kitchen", b"d", 0, "10.0.0.7")
    store.note(Entry(0, "", "10.0.0.9", "enrol", "invalid_token"))
    store.close()
    assert run("devices") == 0
    assert re.match(r"kitchen +enrolled 1970-01-01 00:00:00Z, last secret never, 0 today\n", capsys.readouterr().out)
    assert run("revoke", "kitchen") == 0
    assert run("devices") == 0
    assert "REVOKED 20" in capsys.readouterr().out
    assert run("audit", "kitchen") == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in said] == ["ok", "ok"]
    assert "10.0.0.7" in said[0]
    assert run("audit", "-n", "2") == 0
    assert "10.0.0.9" in capsys.readouterr().out


def test_who_is_not_there_cannot_be_revoked(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """It says where to look."""
    assert run("revoke", "kitchen") == 1
    assert "hearthside broker devices" in capsys.readouterr().err
    assert run("token", "The Kitchen") == os.EX_CONFIG


def test_its_authority_is_printed_and_stays(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Devices that trust it go on to."""
    assert run("ca") == 0
    first = capsys.readouterr().out
    assert ssl.PEM_cert_to_DER_cert(first)
    assert run("ca") == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('broker.tls="off"', ""),
        ('broker.listen="0.0.0.0"', ""),
        ('broker.tls="given"', "broker.certificate"),
        ('broker.provider_url="http://api.openai.com/x"', "https://"),
        ('broker.names=["a b"]', "no name or address"),
        ("broker.models=[]", "at least one"),
        ("broker.secret_s=9", "from 10 to 7200"),
        ("broker.port=0", "from 1 to 65535"),
    ],
)
def test_wrong_settings_are_refused(run: Run, setting: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the key, what is wrong and what to do; what is right by itself is not."""
    assert run("devices", "--set", setting) == (os.EX_CONFIG if said else 0)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("listen", ["0.0.0.0", "::", "192.168.1.7", "broker.home"])
def test_it_never_listens_in_clear_where_others_could_hear(
    run: Run, listen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On no address but loopback."""
    assert run("serve", "--set", 'broker.tls="off"', "--set", f'broker.listen="{listen}"') == os.EX_CONFIG
    assert "in clear" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["nonsense", None])
def test_a_given_certificate_that_is_none_is_refused(
    run: Run, tmp_path: Path, text: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything listens."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefghijklmnop")
    if text:
        (tmp_path / "cert.pem").write_text(text)
    given = [f'broker.{key}="{tmp_path}/cert.pem"' for key in ("certificate", "certificate_key")]
    sets = [word for setting in ('broker.tls="given"', *given) for word in ("--set", setting)]
    assert run("serve", *sets) == os.EX_CONFIG
    assert "broker.certificate" in capsys.readouterr().err


def test_the_service_listens_with_tls_and_ends_when_told(tmp_path: Path) -> None:
    """As systemd would start it: key by credential; a second one at the same port is told what is wrong."""
    port = free_port()
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "openai_api_key").write_text("sk-abcdefghijklmnop")
    env = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(credentials), "STATE_DIRECTORY": f"{tmp_path}/s"}
    (tmp_path / "config.toml").write_text(f'[broker]\nport = {port}\nnames = ["127.0.0.1"]\n')
    command = [COMMAND, "broker", "serve", "--config", tmp_path / "config.toml"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as service:
        try:
            assert service.stderr is not None
            assert "ready" in service.stderr.readline()
            trusting = ssl.create_default_context(cafile=f"{tmp_path}/s/tls/ca.pem")
            with socket.create_connection(("127.0.0.1", port)) as plain:
                trusting.wrap_socket(plain, server_hostname="127.0.0.1").close()
            second = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=30)
            assert second.returncode == os.EX_CONFIG
            assert "broker.listen" in second.stderr
            assert b"sk-abcdefghijklmnop" not in Path(f"/proc/{service.pid}/environ").read_bytes()
            service.send_signal(signal.SIGTERM)
            block_until(lambda: service.poll() is not None)
            assert service.returncode == 0
        finally:
            service.kill()


def test_root_writes_as_the_user_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the service could not write what the command has made; nothing of it is done here for real."""
    from device.cli import broker

    done: list[object] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for call in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, call, lambda who, call=call: done.append((call, who)))
    folder = tmp_path / "state"
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, 1234, 1235)
    owner = folder.stat()
    broker.become_owner(folder)
    assert done == [("setgroups", []), ("setgid", owner.st_gid), ("setuid", owner.st_uid)]
