"""firstrun.sh: the images of Debian 12, whose systemd is told on the kernel's command line to run it once.

Their initramfs may cut the script short, at the first line that ends in `rm ... firstrun.sh`: there must be none.
What the script does stands in scripts/first-boot; this one knows the values.
"""

from __future__ import annotations

from device.setup.card.payload import FOLDER, SCRIPT, assignments
from device.setup.card.quoting import keyfile_value
from device.setup.card.wanted import Card, Wifi

SCRIPT_NAME = "firstrun.sh"
PLACE = f"/boot/firmware/{SCRIPT_NAME}"
"""Where the system has it. With /boot, as Imager writes it, the initramfs would rewrite the script and start again."""

MARK = "# Written by Hearthside's prepare-card."


def script(card: Card) -> str:
    """Return it. One command to the end, so that the shell has read all of it before it is erased."""
    person = card.person
    values = {
        "host": card.host,
        "user": person.name,
        "password_hash": person.password_hash,
        "ssh": "yes" if person.ssh or person.ssh_keys else "",
        "ssh_keys": "\n".join(person.ssh_keys),
        "time_zone": card.time_zone,
        "country": card.country,
        "wifi": connection(card.wifi) if card.wifi is not None else "",
    }
    place = f'bash "$here/{FOLDER}/{SCRIPT}" place\n' if card.hearthside.wanted else ""
    return (
        f"#!/bin/bash\n{MARK}\n{{\n"
        'here=$(dirname "$(readlink -f "$0")")\n'
        # Nothing set is left to whoever called.
        f"unset {' '.join(values)}\n"
        f"set -a\n{assignments(values)}set +a\n"
        f'bash "$here/{FOLDER}/{SCRIPT}" system\n{place}'
        f'bash "$here/{FOLDER}/{SCRIPT}" finish "$0"\nexit 0\n}}\n'
    )


def connection(wifi: Wifi) -> str:
    """Return the Wi-Fi as NetworkManager keeps it: the name byte for byte, the only form without exceptions."""
    name = "".join(f"{byte};" for byte in wifi.ssid.encode())
    lines = ["[connection]", "id=hearthside", "type=wifi", "[wifi]", "mode=infrastructure", f"ssid={name}"]
    lines += ["hidden=true"] if wifi.hidden else []
    if wifi.secret:
        kind = "sae" if wifi.only_wpa3 else "wpa-psk"
        lines += ["[wifi-security]", f"key-mgmt={kind}", f"psk={keyfile_value(wifi.secret)}"]
    return "\n".join([*lines, "[ipv4]", "method=auto", "[ipv6]", "method=auto", ""])
