"""What stays in the house."""

from __future__ import annotations

import pytest

from device.kit.addresses import is_home, is_home_address, is_home_name, is_loopback, leaves_home_in_clear, of_web

HOME = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "10.0.0.1",
    "172.31.255.255",
    "192.168.1.9",
    "169.254.3.4",
    "fe80::1",
    "fd00::7",
    "fe80::1%eth0",
    "::ffff:192.168.1.9",
    "127.1",
    "2130706433",
]

OUTSIDE = [
    "8.8.8.8",
    "172.32.0.1",
    "100.64.0.1",
    "192.0.2.1",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "134744072",
    "0x08080808",
    "8.2056",
    "224.0.0.1",
    "2002:808:808::1",
    "64:ff9b::808:808",
    "example.com",
]


@pytest.mark.parametrize("address", HOME)
def test_addresses_of_the_house(address: str) -> None:
    """Loopback, RFC 1918, link local, unique local; however they are written."""
    assert is_home_address(address)


@pytest.mark.parametrize("address", [*OUTSIDE, ""])
def test_addresses_out_of_the_house(address: str) -> None:
    """A carrier's own network and what is reserved for other ends are not ours."""
    assert not is_home_address(address)


@pytest.mark.parametrize("name", ["localhost", "printer", "nas.local", "NAS.Local.", "api.localhost"])
def test_names_of_the_house(name: str) -> None:
    """Nobody outside can be meant."""
    assert is_home_name(name)


@pytest.mark.parametrize("name", ["example.com", "my.lan", "8.8.8.8", "134744072", "::1", "local.example.com"])
def test_names_that_may_lead_anywhere(name: str) -> None:
    """An address in disguise is no name."""
    assert not is_home_name(name)


def test_this_machine() -> None:
    """No proxy can reach it there."""
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.1", "::1"))
    assert not any(is_loopback(host) for host in ("printer", "10.0.0.1", "example.com"))


def test_a_name_or_an_address_can_be_at_home() -> None:
    """Either of the two says so."""
    assert is_home("printer.local")
    assert is_home("192.168.1.2")
    assert not is_home("example.com")
    assert not is_home("203.0.113.7")


@pytest.mark.parametrize(
    "url", ["http://nas.local:8000/mcp", "https://example.com", "http://[fe80::1]/", "https://10.0.0.1/?a=b#c"]
)
def test_addresses_of_servers_are_taken_apart(url: str) -> None:
    """What else is in them is for others to judge."""
    parts = of_web(url)
    assert parts is not None
    assert parts.geturl() == url


@pytest.mark.parametrize(
    "url",
    ["", "nas.local", "ws://nas.local", "http://", "http://nas:port", "http://[nas", "https://me:secret@nas.local"],
)
def test_what_is_none_is_not(url: str) -> None:
    """Nor one that holds a password, which would get into logs."""
    assert of_web(url) is None


@pytest.mark.parametrize(
    ("url", "leaves"),
    [
        ("https://example.com", False),
        ("http://example.com", True),
        ("http://203.0.113.7:80", True),
        ("http://nas.local", False),
        ("http://192.168.1.2", False),
    ],
)
def test_what_is_said_in_clear_stays_at_home(url: str, leaves: bool) -> None:
    """Encrypted it may go anywhere."""
    parts = of_web(url)
    assert parts is not None
    assert leaves_home_in_clear(parts) == leaves
