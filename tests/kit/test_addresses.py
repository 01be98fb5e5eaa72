"""What stays in the house."""

from __future__ import annotations

import pytest

from device.kit.addresses import is_home, is_home_address, is_home_name, is_loopback

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
