"""What scripts/install does to a machine, told from its folders and from what it calls."""

from __future__ import annotations

import os
import tomllib

import pytest

from device.house import configuration
from tests.scripts.machine import Machine

CONFIG = "etc/hearthside/config.toml"
WANTS = "etc/systemd/system/multi-user.target.wants/hearthside.service"


def restarts(machine: Machine) -> int:
    """Return how often the last run started the service."""
    return sum(call.startswith("systemctl restart") for call in machine.calls)


def change(machine: Machine) -> None:
    """Change the code, and not its version."""
    (machine.source / "device" / "__main__.py").write_text("# changed\n", encoding="utf-8")


def test_it_installs_enables_and_starts(machine: Machine) -> None:
    """One command, from a bare Debian to a service that listens."""
    machine.boot()
    done = machine.run("install")
    assert done.returncode == 0, done.stderr
    assert str(machine.current.readlink()) == "releases/0.1.0"
    assert (machine.root / "usr/local/bin/hearthside").is_symlink()
    assert "systemctl --quiet enable hearthside.service" in machine.calls
    assert restarts(machine) == 1
    assert "it listens" in done.stderr


def test_of_a_new_device_nothing_was_said_before(machine: Machine) -> None:
    """That it hears is what an installation is about: a network, and a lamp, may still be missing."""
    machine.boot()
    machine.run("install")
    (waiting,) = [call for call in machine.calls if "health.py" in call]
    assert waiting.endswith("--version 0.1.0 --within 120 --before ")


def test_a_device_that_had_its_network_is_to_have_it_afterwards(machine: Machine) -> None:
    """A release that finds none where there is one does not take the place of one that did."""
    machine.boot()
    machine.run("install")
    health = machine.root / "run/hearthside/health.json"
    health.parent.mkdir()
    said = '{"state": "listening", "parts": []}'
    health.write_text(said)
    change(machine)
    machine.run("install")
    (waiting,) = [call for call in machine.calls if "health.py" in call]
    assert waiting.endswith(f"--before {said}")


def test_a_second_time_it_does_nothing(machine: Machine) -> None:
    """Nor does it disturb whoever is speaking."""
    machine.boot()
    machine.run("install")
    before = machine.tree()
    done = machine.run("install")
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stderr
    assert machine.tree() == before
    assert restarts(machine) == 0
    assert not any(call.startswith(("apt-get", "systemctl --quiet enable")) for call in machine.calls)


def test_a_dry_run_changes_nothing(machine: Machine) -> None:
    """And says all that would be done."""
    boot = machine.boot()
    before = machine.tree()
    done = machine.run("install", "--dry-run", "--profile", "waveshare_wm8960", MISSING="espeak-ng")
    assert done.returncode == 0, done.stderr
    assert machine.tree() == before
    assert not [call for call in machine.calls if call.startswith(("apt-get", "systemctl"))]
    for part in ("espeak-ng", "release 0.1.0", CONFIG, "dtoverlay=wm8960-soundcard", str(boot), "nothing was changed"):
        assert part in done.stderr


def test_a_dry_run_comes_to_its_end_on_a_bare_system(machine: Machine) -> None:
    """Where there is no configuration yet that would name a board."""
    machine.boot()
    done = machine.run("install", "--dry-run")
    assert done.returncode == 0
    assert "nothing was changed" in done.stderr


def test_the_first_configuration_drives_no_pin(machine: Machine) -> None:
    """What the example has wired, nobody has wired here."""
    machine.run("install")
    table = tomllib.loads((machine.root / CONFIG).read_text("utf-8"))
    settings = configuration.parse(table)
    assert settings.hardware.profile == "auto"
    assert settings.hardware.led.pin is None
    assert not settings.tools.relays
    assert (machine.root / CONFIG).stat().st_mode & 0o777 == 0o640


def test_a_configuration_is_never_touched(machine: Machine) -> None:
    """It is somebody's; where the board that is named now is another one, that is said."""
    config = machine.root / CONFIG
    config.parent.mkdir(parents=True)
    config.write_text('[hardware]\nprofile = "codec_zero"\n')
    done = machine.run("install", "--profile", "respeaker_lite")
    assert config.read_text() == '[hardware]\nprofile = "codec_zero"\n'
    assert 'write profile = "respeaker_lite" under [hardware]' in done.stderr


def test_a_named_board_is_set_and_its_lines_are_added(machine: Machine) -> None:
    """With a copy of what was there, and the word that the Pi must be restarted."""
    boot = machine.boot()
    done = machine.run("install", "--profile", "waveshare_wm8960")
    assert "dtoverlay=wm8960-soundcard" in boot.read_text().splitlines()
    assert boot.with_name("config.txt.before-hearthside").read_text() == "dtparam=audio=on\n"
    assert 'profile = "waveshare_wm8960"' in (machine.root / CONFIG).read_text()
    assert "sudo reboot" in done.stderr
    assert not any("health.py" in call for call in machine.calls)
    again = machine.run("install", "--profile", "waveshare_wm8960")
    assert "nothing to do" in again.stderr


def test_the_lines_of_a_board_are_only_said_where_nobody_asked_for_them(machine: Machine) -> None:
    """The boot configuration of a Pi is its owner's."""
    boot = machine.boot()
    config = machine.root / CONFIG
    config.parent.mkdir(parents=True)
    config.write_text('[hardware]\nprofile = "waveshare_wm8960"\n')
    done = machine.run("install")
    assert boot.read_text() == "dtparam=audio=on\n"
    assert "--profile waveshare_wm8960 adds them" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--profile", "respeaker"), "there is no board respeaker; there are: auto adafruit_voice_bonnet"),
        (("--profile",), "install: --profile takes the name of a board; try --help"),
        (("--bundle", ""), "install: --bundle takes a file; try --help"),
        (("--with", "onyx"), "--with takes onnx"),
        (("--fast",), "unknown option --fast"),
        (("--bundle", "/nowhere.tar"), "there is no file /nowhere.tar"),
    ],
)
def test_what_it_does_not_know_is_refused_before_anything_is_done(
    machine: Machine, options: tuple[str, ...], said: str
) -> None:
    """With what it does know."""
    done = machine.run("install", *options)
    assert done.returncode == 1
    assert said in done.stderr
    assert machine.tree() == {}


def test_without_a_network_what_is_missing_is_named(machine: Machine) -> None:
    """In a line to run where there is one."""
    done = machine.run("install", "--offline", MISSING="espeak-ng python3-pyaudio")
    assert done.returncode == 1
    assert "apt-get install --no-install-recommends espeak-ng python3-pyaudio" in done.stderr
    assert not any(call.startswith("apt-get") for call in machine.calls)


def test_a_new_release_takes_the_place_of_the_one_before_it(machine: Machine) -> None:
    """Two are kept."""
    machine.boot()
    names = []
    for number in range(3):
        (machine.source / "device" / "__main__.py").write_text(f"# {number}\n")
        assert machine.run("install").returncode == 0
        assert restarts(machine) == 1
        names.append(machine.current.readlink().name)
    assert sorted(path.name for path in machine.releases.iterdir()) == sorted(names[1:])
    # systemd itself has made links into the first release, which is gone.
    assert str((machine.root / WANTS).readlink()) == "/usr/local/lib/systemd/system/hearthside.service"
    assert not (machine.root / "etc/systemd/system/hearthside.service").is_symlink()
    assert (machine.current.parent / "previous").readlink().name == names[1]


def test_a_release_that_does_not_listen_gives_way_to_the_one_before_it(machine: Machine) -> None:
    """And the exit code says that it is not the new one."""
    machine.boot()
    machine.run("install")
    change(machine)
    done = machine.run("install", DEAF="deaf, no sound card")
    assert done.returncode == 1
    assert "does not listen: deaf, no sound card" in done.stderr
    assert machine.current.readlink().name == "0.1.0"
    assert restarts(machine) == 2


def test_a_first_installation_that_lacks_its_key_has_not_failed(machine: Machine) -> None:
    """The wizard asks for it next."""
    machine.boot()
    done = machine.run("install", STATUS="78")
    assert done.returncode == 0
    assert "it does not listen yet: OPENAI_API_KEY is missing" in done.stderr
    assert "next: sudo hearthside setup" in done.stderr


def test_in_a_system_that_is_not_running_it_is_only_enabled(machine: Machine) -> None:
    """As in the image of a card."""
    done = machine.run("install")
    assert done.returncode == 0
    assert "starts at the next boot" in done.stderr
    assert restarts(machine) == 0
    assert (machine.root / WANTS).is_symlink()


def test_the_service_gets_at_what_a_strict_root_installs(machine: Machine) -> None:
    """With the umask of scripts/provision, for instance: a folder that is root's alone would keep it from starting."""
    machine.boot()
    before = os.umask(0o077)
    try:
        assert machine.run("install").returncode == 0
    finally:
        os.umask(before)
    folders = [path for path in machine.root.rglob("*") if path.is_dir() and not path.is_symlink()]
    assert [path for path in folders if path.stat().st_mode & 0o005 != 0o005] == []


def test_a_bundle_is_looked_for_where_the_command_was_given(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not in the clone that the script is in."""
    (machine.folder / "here").mkdir()
    (machine.folder / "here" / "no bundle.tar").write_text("?", encoding="utf-8")
    monkeypatch.chdir(machine.folder / "here")
    done = machine.run("install", "--bundle", "no bundle.tar", TMPDIR=str(machine.folder))
    assert f"{machine.folder}/here/no bundle.tar is no bundle, or damaged" in done.stderr


@pytest.mark.parametrize("line", ['profile = "nonesuch"', 'profile = "waveshare_wm8960"  # not "generic"'])
def test_a_configuration_with_any_board_is_installed_over(machine: Machine, line: str) -> None:
    """What is wrong in it is the service's to say: an installation that stops here would not have enabled it."""
    machine.boot()
    config = machine.root / CONFIG
    config.parent.mkdir(parents=True)
    config.write_text(f"[hardware]\n{line}\n", encoding="utf-8")
    done = machine.run("install")
    assert done.returncode == 0, done.stderr
    assert (machine.root / WANTS).is_symlink()
    assert ("--profile waveshare_wm8960 adds them" in done.stderr) == ("wm8960" in line)


def test_an_interrupted_update_is_ended_first(machine: Machine) -> None:
    """It is to fall back to what ran before it, whatever is installed meanwhile."""
    machine.run("install")
    (machine.current.parent / "trial").symlink_to("releases/0.1.0")
    done = machine.run("install")
    assert done.returncode == 1
    assert "systemctl start hearthside-settle" in done.stderr
