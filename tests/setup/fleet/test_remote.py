"""What is asked over SSH and answered, and the table of it."""

from __future__ import annotations

import pytest

from device.setup.fleet import remote, table
from device.setup.fleet.remote import Answer

WELL = "changed config.toml\nchanged release\nrelease 1.0\nstate listening\n"


def test_an_answer_is_read() -> None:
    """Line by line; what else is there is not ours."""
    answer = Answer("kitchen", 0, f"Welcome!\n{WELL}", "")
    assert (answer.changed, answer.release, answer.state) == (("config.toml", "release"), "1.0", "listening")
    assert answer.is_well
    assert answer.problem == ""


@pytest.mark.parametrize(
    ("code", "said", "complained", "problem"),
    [
        (255, "", "ssh: connect to host attic port 22: No route to host\n", "No route to host"),
        (255, "", "Host key verification failed.\r\n", "--accept-new-host-keys"),
        (1, "", "sudo: a password is required\n", "--ask-sudo-password"),
        (1, "", "install: hm\nfirst-boot: there is no scripts/install in b.tar\n", "there is no scripts/install"),
        (1, "", "", "exit code 1"),
        (0, "release 1.0\nstate failed\nwhy the key is missing\n", "", "the key is missing"),
        (0, "release 1.0\nstate starting\n", "", "does not say how it is"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(code: int, said: str, complained: str, problem: str) -> None:
    """With what to do about it, where that is known."""
    answer = Answer("attic", code, said, complained)
    assert not answer.is_well
    assert problem in answer.problem
    assert "\n" not in answer.problem


@pytest.mark.parametrize("state", ["listening", "muted", "offline"])
def test_a_device_that_hears_or_is_muted_is_well(state: str) -> None:
    """A network that is away is not the installation's fault."""
    assert Answer("a", 0, f"release 1\nstate {state}\n", "").is_well


def test_ssh_never_asks() -> None:
    """And trusts no key that it does not know, unless told to."""
    command = remote.ssh("ada@kitchen", "true", ["Port=2222"], accept_new=False)
    assert command[:3] == ["ssh", "-o", "Port=2222"]
    assert "BatchMode=yes" in command
    assert command[-3:] == ["--", "ada@kitchen", "true"]
    assert not any("StrictHostKeyChecking" in word for word in command)
    assert "StrictHostKeyChecking=accept-new" in remote.ssh("a", "true", [], accept_new=True)


def test_the_table_has_a_line_for_each_device() -> None:
    """And counts."""
    answers = [Answer("kitchen", 0, WELL, "", 61.4), Answer("attic", 255, "", "ssh: no route\n", 10)]
    assert table.lines(answers) == [
        "device   release  changed               state      took",
        "kitchen  1.0      config.toml, release  listening  61 s",
        "attic    -        -                     failed     10 s  ssh: no route",
        "1 of 2 work, 1 do not",
    ]
