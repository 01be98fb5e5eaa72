"""Whatever somebody types is read back as it was typed: by YAML, TOML, a shell and NetworkManager."""

from __future__ import annotations

import configparser
import subprocess
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.setup.card import cloudinit, customtoml, firstrun, payload
from device.setup.card.quoting import keyfile_value, yaml
from device.setup.card.wanted import Wifi
from tests.setup.card.cards import card, texts, wifis

parser = pytest.importorskip("yaml", reason="Debian's python3-yaml is not seen by this Python")

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | texts(0, 40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(0, 10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(texts(0, 20), values, min_size=1))
def test_yaml_reads_back_what_was_written(table: dict[str, object]) -> None:
    """Names of keys as well."""
    assert parser.safe_load(yaml(table)) == table


@given(wifis)
@settings(deadline=None)
def test_cloud_init_reads_the_wifi_as_it_was_typed(wifi: Wifi) -> None:
    """Its name, and its key or passphrase."""
    network = parser.safe_load(cloudinit.network_config(card(wifi=wifi, country="DE")))["network"]
    (name, point) = next(iter(network["wifis"]["wlan0"]["access-points"].items()))
    secret = point["auth"]["password"] if wifi.only_wpa3 else point["password"]
    assert (name, secret, point.get("hidden", False)) == (wifi.ssid, wifi.secret, wifi.hidden)


@given(wifis)
@settings(deadline=None)
def test_toml_reads_the_wifi_as_it_was_typed(wifi: Wifi) -> None:
    """With what is called an encrypted password."""
    table = tomllib.loads(customtoml.text(card(wifi=wifi, country="DE")))["wlan"]
    expected = {"ssid": wifi.ssid, "country": "DE", "hidden": wifi.hidden, "password": wifi.secret}
    assert table == {**expected, "password_encrypted": True}


@given(wifis)
@settings(deadline=None)
def test_network_manager_reads_the_wifi_as_it_was_typed(wifi: Wifi) -> None:
    """The name as bytes; the secret with the escapes of a key file."""
    keyfile = configparser.RawConfigParser(
        delimiters="=", comment_prefixes="#", strict=True, empty_lines_in_values=False
    )
    keyfile.read_string(firstrun.connection(wifi))
    name = bytes(int(byte) for byte in keyfile["wifi"]["ssid"].split(";") if byte)
    assert name.decode() == wifi.ssid
    (line,) = (line for line in firstrun.connection(wifi).split("\n") if line.startswith("psk="))
    assert unescaped(line.removeprefix("psk=")) == wifi.secret


@given(texts(0, 60))
def test_a_key_file_keeps_spaces_at_the_beginning(text: str) -> None:
    """GLib would drop them."""
    written = keyfile_value(text)
    assert not written.startswith(" ")
    assert unescaped(written) == text


def unescaped(value: str) -> str:
    """Return what GLib's g_key_file_get_string makes of a value."""
    letters, result = iter(value), ""
    for letter in letters:
        result += {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}[next(letters)] if letter == "\\" else letter
    return result


@given(st.lists(texts(1, 60) | st.just("one\ntwo's\\n"), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_bash_reads_every_value_as_it_was_written(values: list[str]) -> None:
    """Several lines included; and each assignment is one line, for a script that may be cut at a line."""
    written = payload.assignments({f"v{number}": value for number, value in enumerate(values)})
    assert written.count("\n") == len(values)
    shown = "".join(f"printf '%s\\0' \"$v{number}\"\n" for number in range(len(values)))
    run = subprocess.run(["bash", "-c", written + shown], capture_output=True, check=True, env={"LC_ALL": "C"})
    assert run.stdout.decode().split("\0")[:-1] == values
