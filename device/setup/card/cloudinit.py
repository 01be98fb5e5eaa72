"""The files of cloud-init: Raspberry Pi OS since Debian 13, and many other images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from device.setup.card.payload import FOLDER, SCRIPT
from device.setup.card.quoting import base64_text, yaml
from device.setup.card.wanted import Card, Wifi

USER_DATA = "user-data"
NETWORK = "network-config"
META_DATA = "meta-data"

MARK = "# Written by Hearthside's prepare-card."
_ON_THE_CARD = f"/boot/firmware/{FOLDER}"
# Where what has no boot partition to lie on waits for the first boot's script.
_ON_THE_SYSTEM = "/var/lib/hearthside-first-boot"


def files(card: Card) -> dict[str, str]:
    """Return the files for a card, which carries the first boot's script and its files itself."""
    return {
        USER_DATA: user_data(card, _ON_THE_CARD),
        NETWORK: network_config(card),
        META_DATA: f"{MARK}\n{yaml({'instance-id': card.instance})}",
    }


def imager_files(card: Card, carried: Mapping[str, str]) -> dict[str, str]:
    """Return the two files that rpi-imager takes: all that is `carried` is in the first of them."""
    written = [_written(name, text) for name, text in carried.items()]
    return {USER_DATA: user_data(card, _ON_THE_SYSTEM, written), NETWORK: network_config(card)}


def user_data(card: Card, folder: str, written: list[dict[str, str]] | None = None) -> str:
    """Return what cloud-init does at the first boot. It keeps this file for ever: no key may be in it."""
    table: dict[str, Any] = {"hostname": card.host, "user": _user(card), "ssh_pwauth": not card.person.ssh_keys}
    if card.time_zone:
        table["timezone"] = card.time_zone
    if written:
        table["write_files"] = written
    commands = []
    if card.person.ssh or card.person.ssh_keys:
        commands.append(["systemctl", "enable", "--now", "ssh"])
    if card.hearthside.wanted:
        commands.append(["bash", f"{folder}/{SCRIPT}", "place", "--now"])
    # cloud-init would take back, at every boot, a name that somebody gives the device later.
    commands.append(["sh", "-c", "echo 'preserve_hostname: true' >/etc/cloud/cloud.cfg.d/99-hearthside.cfg"])
    return f"#cloud-config\n{MARK}\n{yaml({**table, 'runcmd': commands})}"


def network_config(card: Card) -> str:
    """Return the networks. The wired one is named as well, or it would be lost."""
    network: dict[str, Any] = {
        "version": 2,
        "ethernets": {"eth0": {"dhcp4": True, "dhcp6": True, "optional": True}},
    }
    if card.wifi is not None:
        network["wifis"] = {"wlan0": _wlan(card.wifi, card.country)}
    return f"{MARK}\n{yaml({'network': network})}"


def _user(card: Card) -> dict[str, Any]:
    """Describe `user`, in the singular: it has the groups of the image's own user, which a list of users would not."""
    person = card.person
    user: dict[str, Any] = {"name": person.name, "shell": "/bin/bash", "lock_passwd": not person.password_hash}
    if person.password_hash:
        user["passwd"] = person.password_hash
    # Without null, sudo would ask for no password: that is inherited. Who has none is not asked.
    user["sudo"] = None if person.password_hash else "ALL=(ALL) NOPASSWD:ALL"
    if person.ssh_keys:
        user["ssh_authorized_keys"] = list(person.ssh_keys)
    return user


def _wlan(wifi: Wifi, country: str) -> dict[str, Any]:
    point: dict[str, Any] = {"hidden": True} if wifi.hidden else {}
    if wifi.only_wpa3:
        point["auth"] = {"key-management": "sae", "password": wifi.secret}
    elif wifi.secret:
        point["password"] = wifi.secret
    return {
        "dhcp4": True,
        "dhcp6": True,
        "optional": True,
        "regulatory-domain": country,
        "access-points": {wifi.ssid: point},
    }


def _written(name: str, text: str) -> dict[str, str]:
    path = f"{_ON_THE_SYSTEM}/{name}"
    return {"path": path, "permissions": "0600", "encoding": "b64", "content": base64_text(text)}
