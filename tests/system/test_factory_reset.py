"""Factory reset on a device that runs: by the command, by the mark that the button leaves, and through a power cut."""

from __future__ import annotations

import pytest

from tests.system.booted import Machine
from tests.system.stage import CONFIG, KEY, Stage

pytestmark = pytest.mark.system

MARK = "/var/lib/hearthside/factory-reset"
CREDENTIAL = "/etc/credstore/openai_api_key"
BOARD = "waveshare_wm8960"
CLIPS = "/var/lib/hearthside/clips"
CLIPS_KEPT = 5000
"""So many that to remove them takes a while."""
KEY_GONE = f"[[ ! -e {CREDENTIAL} ]]"
CLIPS_GOING = f"clips=({CLIPS}/*) && ((${{#clips[@]}} < {CLIPS_KEPT}))"
# Without programs, which would come too late.
STOP_IT_WHEN = """
until pid=$(systemctl show --value --property=MainPID hearthside-factory-reset.service) && ((pid)); do sleep 0.05; done
until {moment}; do [[ -e /proc/$pid ]] || exit 1; done
kill -STOP "$pid"
"""
SIGNERS = "/etc/hearthside/release-signers"


def is_reset(machine: Machine) -> bool:
    """Whether nothing of the stage is left but the release."""
    left = machine.run(f"ls {CONFIG} {CREDENTIAL} {MARK} 2>/dev/null", check=False).stdout
    return not left and machine.property("ActiveState", "hearthside-factory-reset.service") == "inactive"


def test_the_command_erases_all_but_the_release(speaker: Machine) -> None:
    """State, secrets and configuration; the service is started again, and says that its key is missing."""
    release = speaker.says("readlink /opt/hearthside/current")
    speaker.run("touch /var/lib/hearthside/muted && mkdir /var/lib/hearthside/clips")
    speaker.write(SIGNERS, "releases@example.org ssh-ed25519 AAAA\n")
    speaker.run("hearthside factory-reset --yes", timeout_s=120)
    assert is_reset(speaker)
    assert "profile" in speaker.read("/etc/hearthside/config.toml")
    assert speaker.says("stat --format=%a:%U:%G /etc/hearthside/config.toml") == "640:root:hearthside"
    assert speaker.run("ls /var/lib/hearthside/muted /var/lib/hearthside/clips", check=False).returncode
    assert speaker.says("readlink /opt/hearthside/current") == release
    assert speaker.read(SIGNERS) == "releases@example.org ssh-ed25519 AAAA\n"
    assert speaker.says("ls -A /etc/hearthside").split() == ["config.d", "config.toml", "release-signers"]
    speaker.wait_until(lambda: "OPENAI_API_KEY is missing" in speaker.journal(), "a service that says what it lacks")
    assert KEY not in speaker.journal("hearthside-factory-reset.service")


def test_the_mark_of_the_service_is_enough(speaker: Machine) -> None:
    """It may write nowhere else; root's unit sees it."""
    speaker.run(f"runuser -u hearthside -- touch {MARK}")
    speaker.wait_until(lambda: is_reset(speaker), "a reset")


def test_a_reset_that_was_asked_for_is_carried_out_after_a_power_cut(device: Machine) -> None:
    """The mark is all that there is of it."""
    device.run(f"touch {MARK}")
    device.boot()
    device.wait_until(lambda: is_reset(device), "a reset")


def test_a_reset_is_finished_after_a_power_cut_in_the_middle(speaker: Machine, stage: Stage) -> None:
    """Wherever; then the device is whole: it knows its board, and listens as soon as it is told the rest again."""
    speaker.run(f"sed -i 's/^profile = .*/profile = \"{BOARD}\"/' /etc/hearthside/config.toml")
    for moment in (KEY_GONE, CLIPS_GOING):
        speaker.run(f"mkdir {CLIPS} && cd {CLIPS} && seq {CLIPS_KEPT} | xargs touch && touch {MARK}")
        speaker.run(STOP_IT_WHEN.format(moment=moment))
        assert speaker.says(f"ls {MARK}")
        assert 0 < int(speaker.says(f"ls -U {CLIPS} | wc -l")) <= CLIPS_KEPT
        speaker.cut_power()
        speaker.boot()
        speaker.wait_until(lambda: is_reset(speaker), "a reset")
        assert f'profile = "{BOARD}"' in speaker.read("/etc/hearthside/config.toml")
        assert speaker.run(f"ls {CLIPS}", check=False).returncode
    speaker.write(CONFIG, stage.config())
    speaker.write(CREDENTIAL, KEY, 0o600)
    speaker.run("systemctl restart hearthside")
    speaker.wait_for_state("listening")
