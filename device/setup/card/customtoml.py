"""custom.toml: read by the images of Debian 12 alone, and it can run no command: Hearthside comes later, over SSH."""

from __future__ import annotations

import re
from collections.abc import Mapping

from device.errors import ConfigError
from device.setup.card.quoting import quoted
from device.setup.card.wanted import Card, Wifi

NAME = "custom.toml"
MARK = "# Written by Hearthside's prepare-card."


def text(card: Card) -> str:
    """Return the file. The password is given as its hash: to make one, its reader needs what Python 3.13 lacks."""
    person = card.person
    user: dict[str, object] = {"name": person.name}
    if person.password_hash:
        user |= {"password": person.password_hash, "password_encrypted": True}
    ssh = {
        "enabled": person.ssh or bool(person.ssh_keys),
        "password_authentication": not person.ssh_keys,
        "authorized_keys": person.ssh_keys,
    }
    tables: dict[str, Mapping[str, object]] = {"system": {"hostname": card.host}, "user": user, "ssh": ssh}
    if card.wifi is not None:
        tables["wlan"] = _wlan(card.wifi, card.country)
    if card.time_zone:
        tables["locale"] = {"timezone": card.time_zone}
    return f"{MARK}\nconfig_version = 1\n" + "".join(_table(name, table) for name, table in tables.items())


def check_wifi(wifi: Wifi | None) -> None:
    """Raise ConfigError for what its reader does not pass on as it is.

    It puts the texts into a file of NetworkManager's (imager_custom of raspberrypi-sys-mods) without escaping them.
    There a backslash begins an escape, blanks at the beginning do not count, and numbers with semicolons are bytes.
    """
    for text in (wifi.ssid, wifi.secret) if wifi is not None else ():
        if "\\" in text or text[:1] == " " or re.fullmatch(r"[0-9;]+;", text):
            raise ConfigError(
                "what reads custom.toml garbles a Wi-Fi whose name (or password, with --wifi-wpa3) has a backslash, "
                "begins with a blank, or is made of numbers and semicolons: use --format firstrun.sh"
            )


def _wlan(wifi: Wifi, country: str) -> dict[str, object]:
    table: dict[str, object] = {"ssid": wifi.ssid, "country": country, "hidden": wifi.hidden}
    if wifi.secret:
        # "Encrypted" is the field's word for: do not make a WPA2 key of it.
        table |= {"password": wifi.secret, "password_encrypted": True}
    return table


def _table(name: str, table: Mapping[str, object]) -> str:
    return f"\n[{name}]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(quoted(item) for item in value) + "]"
    return quoted(str(value))
