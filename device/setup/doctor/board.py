"""The board: which one it is, and how that is known."""

from __future__ import annotations

from device.boards import AUTO
from device.boards.finding import Board, find_board
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import hint, skipped, well
from device.setup.doctor.patient import Patient

_SEEN_WITH = "a HAT without an EEPROM is seen with its lines in the boot configuration only: hardware.md"


async def look_at_board(patient: Patient) -> Board:
    """Return the one that holds; where the configuration is wrong the one that is plugged in. Raise ConfigError."""
    return patient.effective.board if patient.effective else find_board(AUTO)


def judge_board(board: Board) -> Findings:
    """Say which it is; of several that fit, that somebody has to choose."""
    if not board.is_sure:
        return [hint("board", board.said, board.to_do)]
    if board.why and not board.profile.found_by:
        return [skipped("board", f"{board.said} ({_SEEN_WITH})")]
    return [well("board", board.said)]


BOARD = Check("board", look_at_board, judge_board, 2, "run the doctor again")
