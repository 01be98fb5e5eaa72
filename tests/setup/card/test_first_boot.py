"""scripts/first-boot on a root of its own, with the system's programs replaced by some that write down their call."""

from __future__ import annotations

import stat
from pathlib import Path

from device.setup.card import firstrun, formats
from device.setup.card.formats import Format
from device.setup.card.wanted import Hearthside, Wifi
from tests.setup.card.cards import API_KEY, HASH, KEY, TOKEN, card, person
from tests.setup.card.devices import INSTALL, SCRIPT, Device, carried


def mode(path: Path) -> int:
    """Return its permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def everything(device: Device) -> dict[str, bytes]:
    """Return all files but the programs of the test."""
    return {str(path): path.read_bytes() for path in device.root.rglob("*") if path.is_file() and not path.is_symlink()}


def test_secrets_leave_the_card_at_once(device: Device) -> None:
    """Into the store of credentials, for root alone; and nothing told shows them."""
    device.put(carried(Hearthside(broker="https://b", enrolment_token=TOKEN, api_key=API_KEY)))
    run = device.first_boot("place", "--now")
    store = device.root / "etc" / "credstore"
    assert (store / "openai_api_key").read_text(encoding="utf-8") == f"{API_KEY}\n"
    assert (store / "hearthside_enrolment").read_text(encoding="utf-8") == f"{TOKEN}\n"
    assert [mode(path) for path in sorted(store.iterdir())] == [0o600, 0o600]
    for secret in (API_KEY, TOKEN):
        places = [name for name, content in everything(device).items() if secret.encode() in content]
        assert len(places) == 1, places
        assert secret not in run.stdout + run.stderr
    assert device.calls == [
        "systemctl daemon-reload",
        "systemctl --quiet enable hearthside-first-boot.service",
        "systemctl start --no-block hearthside-first-boot.service",
    ]


def test_secrets_that_cannot_be_taken_at_once_are_taken_at_the_next_start(device: Device) -> None:
    """A disk that is full, say: firstrun.sh runs only once, so the unit that tries again is there before anything."""
    device.put(carried(Hearthside(api_key=API_KEY)))
    store = device.root / "etc" / "credstore"
    store.parent.mkdir(exist_ok=True)
    store.touch()
    run = device.first_boot("place")
    assert "could not take secrets" in run.stderr
    assert device.calls[-1] == "systemctl --quiet enable hearthside-first-boot.service"
    store.unlink()
    device.first_boot("boot")
    assert (store / "openai_api_key").read_text(encoding="utf-8") == f"{API_KEY}\n"
    assert [name for name, content in everything(device).items() if API_KEY.encode() in content] == [
        str(store / "openai_api_key")
    ]


def test_cloud_inits_copies_of_the_token_are_overwritten(device: Device) -> None:
    """rpi-imager's file holds it; each copy keeps its length, since one of them is a Python object."""
    wanted = card(hearthside=Hearthside(broker="https://b", enrolment_token=TOKEN))
    files = formats.imager_files(wanted, SCRIPT)
    instance = device.root / "var" / "lib" / "cloud" / "instances" / "1"
    instance.mkdir(parents=True)
    device.put(carried(wanted.hearthside))
    device.put({"user-data": files["user-data"]})
    for name in ("user-data.txt", "obj.pkl"):
        (instance / name).write_text(f"{files['user-data']} raw: {TOKEN}", encoding="utf-8")
    size = (instance / "obj.pkl").stat().st_size
    (encoded,) = (line for line in files["user-data"].splitlines() if "enrolment-token" in line)
    device.first_boot("place")
    left = "".join(path.read_text("utf-8") for path in [device.boot / "user-data", *instance.iterdir()])
    assert TOKEN not in left
    assert encoded not in left
    assert (instance / "obj.pkl").stat().st_size == size


def test_the_release_is_installed_and_the_card_cleared(device: Device) -> None:
    """The configuration is there before the service starts; nothing of ours stays on the card."""
    hearthside = Hearthside(
        profile="generic",
        config="[wake]\n",
        bundle="release.tar",
        broker="https://broker.local",
        broker_ca="-----BEGIN CERTIFICATE-----\n",
    )
    device.put(carried(hearthside))
    device.put_bundle()
    device.first_boot("boot")
    assert f"install --profile generic --bundle {device.boot}/hearthside/release.tar " in device.calls
    assert device.text("etc/hearthside/config.toml") == "[wake]\n"
    assert 'broker = "https://broker.local"' in device.text("etc/hearthside/config.d/30-broker.toml")
    assert 'broker_ca = "/etc/hearthside/broker-ca.pem"' in device.text("etc/hearthside/config.d/30-broker.toml")
    assert not (device.boot / "hearthside").exists()
    assert "systemctl --quiet disable hearthside-first-boot.service" in device.calls
    assert list((device.root / "var" / "tmp").iterdir()) == []


def test_a_board_that_needs_it_gets_another_start(device: Device) -> None:
    """Its overlay counts from then on, and there is nobody who would switch the device off and on."""
    device.put(carried(Hearthside(profile="waveshare_wm8960", bundle="release.tar")))
    device.put_bundle()
    run = device.first_boot("boot")
    assert not (device.boot / "hearthside").exists()
    assert device.calls[-1] == "systemctl reboot"
    assert "so that the board appears" in run.stderr


def test_over_ssh_a_board_that_needs_another_start_says_so(device: Device) -> None:
    """Nobody is switched off without being asked; the second time all is there."""
    for expected in ("state restart", "state listening"):
        device.put(carried(Hearthside(profile="waveshare_wm8960", bundle="release.tar")))
        if not (device.boot / "hearthside" / "release.tar").exists():
            device.put_bundle()
        assert expected in device.first_boot("install").stdout.splitlines()
    assert "systemctl reboot" not in device.calls


def test_a_board_that_is_new_is_fitted_though_the_release_is_there(device: Device) -> None:
    """The configuration that is there stays, and another file names the board."""
    device.put(carried(Hearthside(bundle="release.tar")))
    device.put_bundle()
    device.first_boot("install")
    folder = device.root / "etc/hearthside"
    folder.mkdir()
    (folder / "config.toml").write_text('[hardware]\nprofile = "generic"\n', encoding="utf-8")
    installer = device.root / "opt/hearthside/current/scripts/install"
    installer.parent.mkdir()
    installer.write_text(INSTALL, encoding="utf-8")
    device.put(carried(Hearthside(profile="waveshare_wm8960")))
    said = device.first_boot("install").stdout.splitlines()
    assert said[:3] == ["changed config.d/20-board.toml", "release 1.0", "state restart"]
    assert "install --profile waveshare_wm8960 --offline " in device.calls
    (device.boot / "hearthside" / "board.toml").unlink()
    assert device.first_boot("install").stdout.splitlines() == ["release 1.0", "state listening"]


def test_a_first_boot_that_fails_is_tried_again(device: Device) -> None:
    """The unit says so, and everything is still there."""
    device.put(carried(Hearthside(bundle="release.tar")))
    (device.boot / "hearthside" / "release.tar").write_bytes(b"half a rele")
    device.first_boot("place")
    unit = device.text("etc/systemd/system/hearthside-first-boot.service")
    assert "Restart=on-failure" in unit
    assert f"ExecStart=/bin/bash {device.boot}/hearthside/first-boot boot" in unit
    run = device.run("hearthside/first-boot", "boot")
    assert run.returncode == 1
    assert "release.tar is no bundle, or damaged" in run.stderr
    assert (device.boot / "hearthside" / "release.tar").exists()
    assert not any("disable" in call for call in device.calls)


def test_a_card_without_a_release_leaves_the_configuration(device: Device) -> None:
    """Somebody brings the release over SSH; nothing is tried for ever."""
    device.put(carried(Hearthside(config="[wake]\n")))
    device.first_boot("boot")
    assert device.text("etc/hearthside/config.toml") == "[wake]\n"
    assert not (device.boot / "hearthside").exists()
    assert "systemctl --quiet disable hearthside-first-boot.service" in device.calls


def test_a_second_installation_says_that_nothing_changed(device: Device) -> None:
    """And one with another configuration says so, keeps the old one, and starts the service anew."""
    device.put(carried(Hearthside(config="[wake]\n", bundle="release.tar", api_key=API_KEY)))
    device.put_bundle()
    first = device.first_boot("install").stdout.splitlines()
    assert first == ["changed secret", "changed config.toml", "changed release", "release 1.0", "state listening"]
    device.put(carried(Hearthside(config="[wake]\n", bundle="release.tar", api_key=API_KEY)))
    assert device.first_boot("install").stdout.splitlines() == ["release 1.0", "state listening"]
    device.put(carried(Hearthside(config="[tools]\n", bundle="release.tar")))
    assert device.first_boot("install").stdout.splitlines() == ["changed config.toml", "release 1.0", "state listening"]
    assert device.text("etc/hearthside/config.toml.before") == "[wake]\n"
    assert device.calls[-1] == "systemctl restart hearthside.service"


def test_a_service_that_cannot_start_says_why(device: Device) -> None:
    """A wrong configuration is the operator's to know."""
    device.put(carried(Hearthside(config="[wake]\n", bundle="release.tar", profile="generic")))
    device.put_bundle()
    (device.root / "run" / "hearthside" / "health.json").unlink()
    (device.root / "shown-ActiveState").write_text("failed", encoding="utf-8")
    said = device.first_boot("install").stdout.splitlines()
    assert said[-2:] == ["state failed", "why OPENAI_API_KEY is missing"]
    assert 'profile = "generic"' in device.text("etc/hearthside/config.d/20-board.toml")


def test_a_device_without_a_release_says_what_is_missing(device: Device) -> None:
    """Nothing was given to install."""
    device.put(carried(Hearthside(config="[wake]\n")))
    run = device.run("hearthside/first-boot", "install")
    assert run.returncode == 1
    assert "give a bundle or a source" in run.stderr


def test_firstrun_sets_the_system_up(device: Device) -> None:
    """Host name, user, key, Wi-Fi and radio; then it leaves the kernel's line as it was, and erases itself."""
    wanted = card(wifi=Wifi("Café 'x' $y", "correct horse"), country="DE", time_zone="Europe/Berlin")
    device.put(formats.files(wanted, Format.FIRST_RUN, SCRIPT))
    before = "console=tty1 systemd.log_level=debug rootwait"
    device.put({"cmdline.txt": formats.kernel_line(before, wanted, Format.FIRST_RUN)})
    run = device.run("firstrun.sh")
    assert run.returncode == 0, run.stderr
    assert device.text("etc/hostname") == "kitchen\n"
    assert "127.0.1.1\tkitchen\n" in device.text("etc/hosts")
    assert device.text("home/ada/.ssh/authorized_keys") == f"{KEY}\n"
    assert device.text("etc/timezone") == "Europe/Berlin\n"
    connection = device.root / "etc/NetworkManager/system-connections/hearthside.nmconnection"
    assert connection.read_text(encoding="utf-8").strip() == firstrun.connection(wanted.wifi or Wifi("-")).strip()
    assert mode(connection) == 0o600
    assert "rfkill unblock wifi" in device.calls
    assert not (device.boot / "firstrun.sh").exists()
    assert device.text("boot/firmware/cmdline.txt") == f"{before} cfg80211.ieee80211_regdom=DE\n"


def test_a_hash_is_given_on_standard_input(device: Device) -> None:
    """Every program may read command lines."""
    device.put(formats.files(card(), Format.FIRST_RUN, SCRIPT))
    device.put({"cmdline.txt": "quiet\n"})
    device.run("firstrun.sh")
    assert "chpasswd --encrypted" in device.calls
    assert not any(HASH in call for call in device.calls)


def test_a_step_that_fails_does_not_keep_the_others(device: Device) -> None:
    """No such time zone: the device still lets people in, and firstrun.sh ends well."""
    wanted = card(time_zone="Mars/Olympus", person=person(password_hash=""))
    device.put(formats.files(wanted, Format.FIRST_RUN, SCRIPT))
    device.put({"cmdline.txt": "quiet systemd.run=/boot/firmware/firstrun.sh\n"})
    run = device.run("firstrun.sh")
    assert run.returncode == 0
    assert "could not set time zone" in run.stderr
    assert device.text("home/ada/.ssh/authorized_keys") == f"{KEY}\n"
    assert "ada ALL=(ALL) NOPASSWD:ALL" in device.text("etc/sudoers.d/010-hearthside")
    assert device.text("boot/firmware/cmdline.txt") == "quiet\n"
