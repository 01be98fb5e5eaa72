"""The doctor says which board it is, and asks where only a person can tell."""

from __future__ import annotations

import pytest

from device.boards import GENERIC, load_profile
from device.boards.finding import Board
from device.setup.doctor.board import judge_board
from device.setup.doctor.finding import Grade

V1, ADAFRUIT = "respeaker_2mic_v1", "adafruit_voice_bonnet"


@pytest.mark.parametrize(
    ("board", "grade", "parts"),
    [
        (Board((V1,), load_profile(V1)), Grade.WELL, [V1, "hardware.profile says"]),
        (Board((V1,), load_profile(V1), 'the sound card "x"'), Grade.WELL, [V1, 'found by the sound card "x"']),
        (Board((GENERIC,), load_profile(GENERIC)), Grade.WELL, ["generic", "hardware.profile says"]),
        (Board((GENERIC,), load_profile(GENERIC), "no board"), Grade.SKIPPED, ["no board", "HAT without an EEPROM"]),
        (Board((V1, ADAFRUIT), load_profile(V1), "both fit"), Grade.HINT, ["fits all of them", "both fit"]),
    ],
)
def test_which_board_it_is_and_why(board: Board, grade: Grade, parts: list[str]) -> None:
    """In one line."""
    [found] = judge_board(board)
    assert found.grade is grade
    assert all(part in found.text for part in parts), found.text
    assert (f'profile = "{ADAFRUIT}"' in found.fix) is (grade is Grade.HINT)
