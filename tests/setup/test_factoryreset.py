"""Factory reset: everything that was told and learned goes, and nothing else."""

from __future__ import annotations

import contextlib
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from device.errors import SetupError
from device.setup import factoryreset
from device.setup.factoryreset import Places

KEY = "sk-proj-Zx81kQ7yTn0123456789"
BROKERS = "hearthside_broker_openai_api_key"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A device that was used."""
    made = Places(tmp_path / "etc", (tmp_path / "store", tmp_path / "store.encrypted"), tmp_path / "state")
    for folder in (made.configuration / "config.d", *made.stores, made.state / "clips"):
        folder.mkdir(parents=True)
    (made.configuration / "config.toml").write_text("[wake]\n", encoding="utf-8")
    (made.configuration / "config.toml.before").write_text("[wake]\n", encoding="utf-8")
    (made.configuration / "config.d" / "30-broker.toml").write_text("[tools]\n", encoding="utf-8")
    for name in (
        "openai_api_key",
        "hearthside_broker_token",
        "home_assistant_token",
        "mqtt_password",
        "mcp_home_token",
        "openai_mcp_calendar_token",
        "somebody_elses",
        BROKERS,
    ):
        (made.stores[0] / name).write_text(KEY, encoding="utf-8")
    (made.state / "muted").touch()
    (made.state / "clips" / "1.wav").write_bytes(b"RIFF")
    return made


def test_all_of_it_goes_but_the_board(places: Places) -> None:
    """And secrets of others: of other programs, and of a broker that runs on the same machine."""
    factoryreset.ask_for(places)
    # As the unit has it.
    before = os.umask(0o077)
    try:
        factoryreset.carry_out(places, "respeaker_2mic_v2")
    finally:
        os.umask(before)
    (configuration,) = (path for path in places.configuration.rglob("*") if path.is_file())
    assert tomllib.loads(configuration.read_text(encoding="utf-8")) == {"hardware": {"profile": "respeaker_2mic_v2"}}
    assert configuration.stat().st_mode & 0o777 == 0o640
    assert (places.configuration / "config.d").stat().st_mode & 0o777 == 0o750
    assert {path.name for path in places.stores[0].iterdir()} == {"somebody_elses", BROKERS}
    assert list(places.state.iterdir()) == []


def test_whose_releases_are_trusted_stays(places: Places) -> None:
    """As it was; a device that was reset still takes the signed updates that it took before."""
    signers = places.configuration / "release-signers"
    signers.write_text("releases@example.org ssh-ed25519 AAAA\n", encoding="utf-8")
    signers.chmod(0o644)
    factoryreset.carry_out(places, "generic")
    assert signers.read_text(encoding="utf-8") == "releases@example.org ssh-ed25519 AAAA\n"
    assert signers.stat().st_mode & 0o777 == 0o644
    assert {path.name for path in places.configuration.iterdir()} == {"release-signers", "config.toml", "config.d"}


def test_a_secret_is_overwritten_before_it_is_removed(places: Places, tmp_path: Path) -> None:
    """A second name of the file shows it."""
    (tmp_path / "other").hardlink_to(places.stores[0] / "openai_api_key")
    factoryreset.carry_out(places, "generic")
    assert (tmp_path / "other").read_bytes() == bytes(len(KEY))


def test_links_are_removed_and_not_followed(places: Places, tmp_path: Path) -> None:
    """The service, which may have been broken into, could have made them."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter").write_text("dear", encoding="utf-8")
    (places.state / "link").symlink_to(mine)
    (places.state / "clips" / "link").symlink_to(mine / "letter")
    factoryreset.carry_out(places, "generic")
    assert (mine / "letter").read_text(encoding="utf-8") == "dear"


def test_an_interrupted_reset_is_still_wanted(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark goes last, so the next start takes it up again."""
    factoryreset.ask_for(places)

    def fail(folder: Path, profile: str) -> None:
        raise OSError(28, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr(factoryreset, "_write_profile", fail)
        with pytest.raises(SetupError, match="No space left"):
            factoryreset.carry_out(places, "generic")
    assert places.mark.exists()
    factoryreset.carry_out(places, "generic")
    assert not places.mark.exists()


@pytest.mark.parametrize("step", range(1, 12))
def test_wherever_the_power_is_cut_the_board_is_known_afterwards(
    places: Places, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Who takes the reset up again reads it from the configuration, as it is then."""
    factoryreset.ask_for(places)
    (places.configuration / "config.toml").write_text('[hardware]\nprofile = "codec_zero"\n', encoding="utf-8")
    # Whatever changes a name is a step.
    steps = iter(range(1, 100))

    def cut(change: Callable[..., None]) -> Callable[..., None]:
        def changed(*names: object, **options: object) -> None:
            if next(steps) == step:
                raise KeyboardInterrupt
            change(*names, **options)

        return changed

    with monkeypatch.context() as patch:
        for name in ("unlink", "mkdir", "rmdir", "rename", "replace"):
            patch.setattr(os, name, cut(getattr(os, name)))
        with contextlib.suppress(KeyboardInterrupt):
            factoryreset.carry_out(places, "codec_zero")
    assert places.mark.exists()
    found = tomllib.loads((places.configuration / "config.toml").read_text(encoding="utf-8"))
    assert found["hardware"]["profile"] == "codec_zero"
    factoryreset.carry_out(places, found["hardware"]["profile"])
    assert not places.mark.exists()


def test_a_device_that_was_never_used_can_be_reset(tmp_path: Path) -> None:
    """Nothing is there yet."""
    places = Places(tmp_path / "etc", (tmp_path / "store",), tmp_path / "state")
    factoryreset.ask_for(places)
    factoryreset.carry_out(places, "generic")
    assert (tmp_path / "etc" / "config.toml").exists()
