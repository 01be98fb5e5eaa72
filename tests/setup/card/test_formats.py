"""Every trap of first boots that is known, and how a card's format is told."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import ConfigError
from device.setup.card import firstrun, formats
from device.setup.card.formats import Format
from device.setup.card.wanted import Card, Hearthside, Wifi
from tests.setup.card.cards import API_KEY, HASH, KEY, SCRIPT, TOKEN, card, full, person, texts, wifis

parser = pytest.importorskip("yaml", reason="Debian's python3-yaml is not seen by this Python")

PLAIN = "console=tty1 root=PARTUUID=4e639091-02 rootwait"
DEBIAN_12 = f"{PLAIN} init=/usr/lib/raspberrypi-sys-mods/firstboot"


def written(wanted: Card, kind: Format) -> dict[str, str]:
    """Return the files."""
    return formats.files(wanted, kind, SCRIPT)


def user_data(wanted: Card) -> dict[str, Any]:
    """Return what cloud-init reads of them."""
    table: dict[str, Any] = parser.safe_load(written(wanted, Format.CLOUD_INIT)["user-data"])
    return table


def network(wanted: Card) -> dict[str, Any]:
    """Return the networks that cloud-init reads."""
    table: dict[str, Any] = parser.safe_load(written(wanted, Format.CLOUD_INIT)["network-config"])["network"]
    return table


# --- which format ---


@pytest.mark.parametrize(
    ("names", "line", "expected"),
    [
        ({"user-data", "network-config", "meta-data"}, PLAIN, Format.CLOUD_INIT),
        ({"meta-data"}, PLAIN, Format.CLOUD_INIT),
        (set(), f"{PLAIN} ds=nocloud;i=rpi-imager-1", Format.CLOUD_INIT),
        # Debian 13's own first start has this word as well.
        ({"user-data"}, DEBIAN_12, Format.CLOUD_INIT),
        ({"firstrun.sh"}, PLAIN, Format.FIRST_RUN),
        (set(), f"{PLAIN} systemd.run=/boot/firstrun.sh", Format.FIRST_RUN),
        (set(), DEBIAN_12, Format.FIRST_RUN),
        ({"custom.toml"}, DEBIAN_12, Format.CUSTOM),
    ],
)
def test_the_format_is_told_by_the_files(names: set[str], line: str, expected: Format) -> None:
    """Never by a release's name."""
    assert formats.detected({*names, "config.txt", "issue.txt"}, line) is expected


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (set(), "nothing on the card"),
        ({"user-data", "firstrun.sh"}, "cloud-init and of firstrun.sh"),
        ({"rpi-preseed.toml"}, "rpi-preseed.toml"),
    ],
)
def test_what_is_not_clear_is_asked(names: set[str], complaint: str) -> None:
    """With the option that answers."""
    with pytest.raises(ConfigError, match=re.escape(complaint)) as caught:
        formats.detected(names, PLAIN)
    assert "--format" in str(caught.value)


# --- cloud-init ---


def test_cloud_init_is_found_by_the_kernels_line() -> None:
    """And the key of the instance has a hyphen, the same on both places."""
    line = formats.kernel_line(PLAIN, full(), Format.CLOUD_INIT)
    assert line == f"{PLAIN} ds=nocloud;i=hearthside-1 cfg80211.ieee80211_regdom=DE\n"
    assert parser.safe_load(written(full(), Format.CLOUD_INIT)["meta-data"]) == {"instance-id": "hearthside-1"}


def test_user_data_begins_as_cloud_init_wants_it() -> None:
    """Else it would be taken for something else, and not read."""
    assert written(full(), Format.CLOUD_INIT)["user-data"].startswith("#cloud-config\n")


def test_the_user_keeps_the_groups_of_the_images_own() -> None:
    """`users:` without `default` would make one without gpio, spi and audio."""
    table = user_data(full())
    assert "users" not in table
    assert table["user"]["name"] == "ada"
    assert "groups" not in table["user"]


def test_sudo_asks_for_the_password() -> None:
    """Password-less sudo would be inherited; who has no password is not asked for it."""
    user = user_data(full())["user"]
    assert (user["sudo"], user["passwd"], user["lock_passwd"]) == (None, HASH, False)
    without = user_data(card(person=person(password_hash="")))["user"]
    assert (without["sudo"], without["lock_passwd"]) == ("ALL=(ALL) NOPASSWD:ALL", True)
    assert "passwd" not in without


def test_ssh_is_switched_on() -> None:
    """It is off in the images."""
    on = ["systemctl", "enable", "--now", "ssh"]
    assert on in user_data(full())["runcmd"]
    assert user_data(full())["ssh_pwauth"] is False
    by_password = card(person=person(ssh_keys=(), ssh=True))
    assert on in user_data(by_password)["runcmd"]
    assert user_data(by_password)["ssh_pwauth"] is True
    assert on not in user_data(card(person=person(ssh_keys=())))["runcmd"]


def test_the_wired_network_is_kept() -> None:
    """Beside a Wi-Fi, and without one; and no start waits for a cable."""
    for wanted in (full(), card()):
        assert network(wanted)["ethernets"]["eth0"] == {"dhcp4": True, "dhcp6": True, "optional": True}


def test_there_is_no_wifi_without_an_access_point() -> None:
    """`wifis` needs one; a country alone goes to the kernel."""
    wanted = card(country="DE")
    assert "wifis" not in network(wanted)
    assert "cfg80211.ieee80211_regdom=DE" in formats.kernel_line(PLAIN, wanted, Format.CLOUD_INIT)
    (points,) = (wlan["access-points"] for wlan in network(full())["wifis"].values())
    assert len(points) == 1
    assert network(full())["wifis"]["wlan0"]["regulatory-domain"] == "DE"
    assert network(card(wifi=Wifi("open"), country="DE"))["wifis"]["wlan0"]["access-points"] == {"open": {}}


def test_nothing_is_asked_of_the_rpi_module() -> None:
    """Debian 13's cloud-init has none and refuses its key, and `serial` would start the device anew at once."""
    assert "rpi" not in user_data(full())


def test_a_later_host_name_stays() -> None:
    """`update_hostname` runs at every boot: it is told to leave the name alone, after it was set."""
    assert "preserve_hostname" not in user_data(full())
    assert any("preserve_hostname: true" in " ".join(command) for command in user_data(full())["runcmd"])


def test_no_secret_is_in_what_cloud_init_keeps() -> None:
    """user-data outlives its deletion: neither key nor token is in it, and no password of a Wi-Fi."""
    hearthside = Hearthside(broker="https://b", enrolment_token=TOKEN, api_key=API_KEY)
    wanted = card(hearthside=hearthside, wifi=Wifi("home", "correct horse"), country="DE")
    files = written(wanted, Format.CLOUD_INIT)
    kept = files["user-data"] + files["network-config"] + files["meta-data"]
    for secret in (TOKEN, API_KEY, "correct horse"):
        assert secret not in kept
    assert files["hearthside/enrolment-token"] == f"{TOKEN}\n"
    assert files["hearthside/openai-api-key"] == f"{API_KEY}\n"


# --- for rpi-imager ---


def test_the_imagers_pair_carries_everything_in_user_data() -> None:
    """There is no card to put files on."""
    files = formats.imager_files(full(), SCRIPT)
    assert set(files) == {"user-data", "network-config"}
    table = parser.safe_load(files["user-data"])
    paths = {entry["path"]: entry for entry in table["write_files"]}
    assert all(entry["permissions"] == "0600" for entry in paths.values())
    assert "/var/lib/hearthside-first-boot/first-boot" in paths
    assert ["bash", "/var/lib/hearthside-first-boot/first-boot", "place", "--now"] in table["runcmd"]


@pytest.mark.parametrize(
    ("hearthside", "country"),
    [(Hearthside(api_key=API_KEY), ""), (Hearthside(bundle="b.tar"), ""), (Hearthside(), "DE")],
)
def test_the_imager_is_not_given_what_it_cannot_carry(hearthside: Hearthside, country: str) -> None:
    """A key would be kept by cloud-init; a bundle and the kernel's line need the card."""
    with pytest.raises(ConfigError):
        formats.imager_files(card(hearthside=hearthside, country=country), SCRIPT)


# --- firstrun.sh ---


def test_firstrun_is_on_the_kernels_line() -> None:
    """As the images of Debian 12 mount it: with /boot their initramfs would rewrite it, and drop words of others."""
    line = formats.kernel_line(f"{PLAIN} systemd.log_level=debug", full(), Format.FIRST_RUN)
    assert line.split()[-4:] == [
        "systemd.run=/boot/firmware/firstrun.sh",
        "systemd.run_success_action=reboot",
        "systemd.unit=kernel-command-line.target",
        "cfg80211.ieee80211_regdom=DE",
    ]
    assert "systemd.log_level=debug" in line


@given(wifis, texts(1, 40))
@settings(deadline=None)
def test_the_initramfs_finds_nowhere_to_cut_firstrun(wifi: Wifi, comment: str) -> None:
    """It cuts at the first line that ends in `rm ... firstrun.sh`, whatever somebody calls a network or a key."""
    comment = "".join(letter for letter in comment if letter.isprintable())
    keys = (f"{KEY} {comment} rm firstrun.sh", f"{KEY} rm -f firstrun.sh")
    script = firstrun.script(card(wifi=wifi, country="DE", person=person(ssh_keys=keys)))
    assert not re.search(r"rm.*firstrun\.sh$", script, re.MULTILINE)


def test_firstrun_always_ends_well() -> None:
    """systemd starts the device again only after a success."""
    assert firstrun.script(full()).endswith("exit 0\n}\n")


def test_firstrun_comes_with_the_script_that_does_the_work() -> None:
    """Also when nothing of Hearthside is wanted: it sets the system up."""
    assert "hearthside/first-boot" in written(card(), Format.FIRST_RUN)
    assert "first-boot" not in str(written(card(), Format.CLOUD_INIT))
    assert " place" not in written(card(), Format.FIRST_RUN)["firstrun.sh"]


def test_no_key_is_in_firstrun() -> None:
    """They lie beside it, in files of their own."""
    hearthside = Hearthside(broker="https://b", enrolment_token=TOKEN, api_key=API_KEY)
    script = written(card(hearthside=hearthside), Format.FIRST_RUN)["firstrun.sh"]
    assert TOKEN not in script
    assert API_KEY not in script


# --- custom.toml ---


def test_custom_toml_says_what_it_can() -> None:
    """The password as a hash: its reader imports `crypt` to make one, which Python 3.13 lacks."""
    wanted = card(wifi=Wifi("home", "correct horse"), country="DE", time_zone="Europe/Berlin")
    table = tomllib.loads(written(wanted, Format.CUSTOM)["custom.toml"])
    assert table["config_version"] == 1
    assert table["system"] == {"hostname": "kitchen"}
    assert table["user"] == {"name": "ada", "password": HASH, "password_encrypted": True}
    assert table["ssh"] == {"enabled": True, "password_authentication": False, "authorized_keys": [KEY]}
    assert table["wlan"]["password"] != "correct horse"
    assert table["locale"] == {"timezone": "Europe/Berlin"}


def test_custom_toml_adds_nothing_but_the_country_to_the_kernels_line() -> None:
    """And takes away what another format had there."""
    line = formats.kernel_line(f"{PLAIN} ds=nocloud;i=1", card(country="DE"), Format.CUSTOM)
    assert line == f"{PLAIN} cfg80211.ieee80211_regdom=DE\n"


@pytest.mark.parametrize(
    ("wifi", "is_garbled"),
    [
        (Wifi("Café #1: 'home' \"$x\" `y`", "correct horse"), False),
        (Wifi("2;home", "correct\\horse"), False),
        (Wifi("home\\office", "correct horse"), True),
        (Wifi(" home", "correct horse"), True),
        (Wifi("104;111;", "correct horse"), True),
        (Wifi("home", "correct\\horse", only_wpa3=True), True),
    ],
)
def test_custom_toml_refuses_a_wifi_that_its_reader_would_garble(wifi: Wifi, is_garbled: bool) -> None:
    """A device in no network cannot be asked what is wrong."""
    wanted = card(wifi=wifi, country="DE")
    if is_garbled:
        with pytest.raises(ConfigError, match=r"--format firstrun\.sh"):
            written(wanted, Format.CUSTOM)
    else:
        assert "custom.toml" in written(wanted, Format.CUSTOM)


def test_custom_toml_refuses_what_needs_a_command() -> None:
    """And names the way out."""
    with pytest.raises(ConfigError, match=r"firstrun\.sh.*scripts/provision"):
        written(full(), Format.CUSTOM)


# --- what people want ---


@pytest.mark.parametrize("host", ["", "a b", "-a", "ü", "a" * 64, "a.b"])
def test_a_host_name_is_one(host: str) -> None:
    """Else the device would have none, or another."""
    with pytest.raises(ConfigError, match="host name"):
        card(host=host)


@given(st.sampled_from(["root", "Ada", "1a", "", "a b", "hearthside", "a" * 40]))
def test_a_user_is_a_person(name: str) -> None:
    """Neither root nor a service."""
    with pytest.raises(ConfigError, match="cannot be the user"):
        person(name=name)


def test_somebody_can_log_in() -> None:
    """Or the device would be lost."""
    with pytest.raises(ConfigError, match="nobody could log in"):
        person(password_hash="", ssh_keys=())


@pytest.mark.parametrize(
    ("ssid", "passphrase"), [("", "12345678"), ("x" * 33, "12345678"), ("é" * 17, ""), ("a", "short"), ("a\nb", "")]
)
def test_a_wifi_is_one(ssid: str, passphrase: str) -> None:
    """By the bytes of its name, and the length of its passphrase."""
    with pytest.raises(ConfigError, match="Wi-Fi"):
        Wifi(ssid, passphrase)


def test_a_wifi_needs_its_country() -> None:
    """The radio stays off without."""
    with pytest.raises(ConfigError, match="--country"):
        card(wifi=Wifi("home", "12345678"))


def test_a_time_zone_looks_like_one() -> None:
    """Where this computer knows none itself."""
    with pytest.raises(ConfigError, match="not a time zone"):
        card(time_zone="nowhere at all")


def test_a_configuration_with_a_key_is_refused() -> None:
    """It would lie on the card, and be read by everybody on the device."""
    with pytest.raises(ConfigError, match="API key") as caught:
        Hearthside(config=f'key = "{API_KEY}"')
    assert API_KEY not in str(caught.value)


def test_no_secret_is_shown() -> None:
    """In a traceback, for instance."""
    hearthside = Hearthside(broker="https://b", enrolment_token=TOKEN, api_key=API_KEY)
    shown = repr(card(hearthside=hearthside, wifi=Wifi("home", "correct horse"), country="DE"))
    for secret in (TOKEN, API_KEY, "correct horse", HASH):
        assert secret not in shown
