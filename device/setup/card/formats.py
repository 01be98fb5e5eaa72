"""Which files a card's image reads at its first boot, told by the files that are on the card, and what they say."""

from __future__ import annotations

import enum
from collections.abc import Collection

from device.errors import ConfigError
from device.setup.card import cloudinit, cmdline, customtoml, firstrun, payload
from device.setup.card.wanted import Card, Hearthside


class Format(enum.Enum):
    """The ways in which images are told what to do at their first boot."""

    CLOUD_INIT = "cloud-init"
    FIRST_RUN = "firstrun.sh"
    CUSTOM = "custom.toml"


KERNEL_LINE = "cmdline.txt"
_HOW = "say which, by --format " + " or ".join(one.value for one in Format)
# What the images of Debian 12 have on their kernel's command line until they have started once.
_FIRST_START = "init=/usr/lib/raspberrypi-sys-mods/firstboot"


def detected(names: Collection[str], kernel_line: str) -> Format:
    """Return the format by the files on the card and its cmdline.txt, never by a release's name. Raise ConfigError."""
    if "rpi-preseed.toml" in names:
        raise ConfigError(f"this image reads rpi-preseed.toml, which is not known here; if it reads another: {_HOW}")
    cloud = cloudinit.USER_DATA in names or cloudinit.META_DATA in names or cmdline.has(kernel_line, cmdline.CLOUD_INIT)
    run = firstrun.SCRIPT_NAME in names or cmdline.has(kernel_line, cmdline.FIRST_RUN)
    found = {Format.CLOUD_INIT: cloud, Format.FIRST_RUN: run, Format.CUSTOM: customtoml.NAME in names}
    formats = [one for one, there in found.items() if there]
    if not formats and cmdline.has(kernel_line, _FIRST_START):
        return Format.FIRST_RUN
    if len(formats) == 1:
        return formats[0]
    if formats:
        raise ConfigError(f"the card has files of {' and of '.join(one.value for one in formats)}; {_HOW}")
    raise ConfigError(f"nothing on the card tells what its image reads at its first boot; {_HOW}")


def files(card: Card, wanted: Format, script: str) -> dict[str, str]:
    """Return what is to be written, by its path on the card; `script`: the text of scripts/first-boot."""
    if wanted is Format.CUSTOM:
        _refuse_what_needs_commands(card.hearthside)
        customtoml.check_wifi(card.wifi)
        return {customtoml.NAME: customtoml.text(card)}
    carried = payload.files(card.hearthside, script) if card.hearthside.wanted else {payload.SCRIPT: script}
    lying = {f"{payload.FOLDER}/{name}": text for name, text in carried.items()}
    if wanted is Format.FIRST_RUN:
        return {firstrun.SCRIPT_NAME: firstrun.script(card), **lying}
    return {**cloudinit.files(card), **(lying if card.hearthside.wanted else {})}


def imager_files(card: Card, script: str) -> dict[str, str]:
    """Return the pair of files for `rpi-imager --cli`. Raise ConfigError for what needs a card to lie on."""
    if card.hearthside.api_key:
        raise ConfigError("--key-on-card needs the card itself: cloud-init keeps its files, and so a key in them")
    if card.hearthside.bundle:
        raise ConfigError("--bundle needs the card itself; give --source, or prepare the card after rpi-imager")
    if card.country and card.wifi is None:
        raise ConfigError("a country without a Wi-Fi stands in cmdline.txt, which rpi-imager is not given")
    return cloudinit.imager_files(card, payload.files(card.hearthside, script) if card.hearthside.wanted else {})


def kernel_line(line: str, card: Card, wanted: Format) -> str:
    """Return cmdline.txt with our words in it."""
    words = {
        Format.CLOUD_INIT: cmdline.cloud_init(card.instance),
        Format.FIRST_RUN: cmdline.first_run(firstrun.PLACE),
        Format.CUSTOM: (),
    }
    return cmdline.rewritten(line, [*words[wanted], *cmdline.radio(card.country)])


def _refuse_what_needs_commands(hearthside: Hearthside) -> None:
    if hearthside.wanted:
        raise ConfigError(
            "custom.toml cannot run a command, so nothing of Hearthside can be installed or set by it: use "
            f"--format {Format.FIRST_RUN.value}, or prepare the card without it and run scripts/provision afterwards"
        )
