"""The device's tokens on its disk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from device.conversation.openai.keys import ENROLMENT, TOKEN
from device.conversation.openai.keys.devicetoken import DeviceTokens, device_name
from device.secrets import Secret


def revealed(tokens: list[Secret]) -> list[str]:
    """Return what they are."""
    return [token.reveal() for token in tokens]


def test_what_is_exchanged_is_kept_for_its_owner_alone_and_the_other_removed(tmp_path: Path) -> None:
    """Over a restart."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "hearthside_enrolment").write_text("hse_1\n")
    tokens = DeviceTokens(folder, {})
    assert revealed(tokens.enrolments()) == ["hse_1"]
    tokens.make_room()
    tokens.keep(Secret("hsd_1"), Secret("hse_1"))
    assert tokens.enrolments() == []
    again = DeviceTokens(folder, {})
    assert (revealed(again.known()), again.enrolments()) == (["hsd_1"], [])
    (kept,) = folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_what_systemd_gives_comes_first_and_is_not_tried_again(tmp_path: Path) -> None:
    """A credential cannot be removed by who uses it."""
    given = {TOKEN: Secret("hsd_given"), ENROLMENT: Secret("hse_given")}
    tokens = DeviceTokens(tmp_path, given)
    tokens.make_room()
    tokens.keep(Secret("hsd_kept"), given[ENROLMENT])
    assert revealed(tokens.known()) == ["hsd_given", "hsd_kept"]
    assert tokens.enrolments() == []
    (tmp_path / "hearthside_enrolment").write_text("hse_later")
    assert revealed(tokens.enrolments()) == ["hse_later"]
    tokens.spend(Secret("hse_later"))
    assert tokens.enrolments() == []


def test_room_is_made_before_anything_is_used_up(tmp_path: Path) -> None:
    """A file stands where the folder should be, as on a disk that is full or broken; what was kept stays."""
    (tmp_path / "state").write_text("")
    with pytest.raises(OSError, match="state"):
        DeviceTokens(tmp_path / "state", {}).make_room()
    tokens = DeviceTokens(tmp_path, {})
    tokens.make_room()
    tokens.keep(Secret("hsd_1"), Secret("hse_1"))
    tokens.make_room()
    assert revealed(DeviceTokens(tmp_path, {}).known()) == ["hsd_1"]


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe\0", b"two words", b"x" * 10_000 + b" "])
def test_a_file_without_a_token_is_as_good_as_none(tmp_path: Path, data: bytes) -> None:
    """Half written, or something else."""
    (tmp_path / "hearthside_broker_token").write_bytes(data)
    known = DeviceTokens(tmp_path, {}).known()
    assert known == [] or len(known[0].reveal()) == 4096


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("kitchen", "kitchen"),
        ("Living_Room.local", "living-room"),
        ("-", "speaker"),
        ("", "speaker"),
        ("k" * 70, "k" * 63),
    ],
)
def test_a_host_name_becomes_a_device_s_name(host: str, name: str) -> None:
    """As the broker takes it."""
    assert device_name(host) == name
