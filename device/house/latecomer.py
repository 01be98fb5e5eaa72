"""A board that is plugged in while the house runs without one: the service starts anew with it.

A USB array may take longer to appear than the service, or be bought later. The card of a board that a person has named
is waited for by name; with "auto" nobody knows yet what to wait for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from device.boards import AUTO, GENERIC
from device.boards.finding import Board, find_board
from device.core.status import Phase, Status
from device.errors import HearthsideError
from device.service.systemd import is_service

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
"""Looking takes less than a millisecond."""


class BoardAppearedError(HearthsideError):
    """There is a board now; who ends with this is started again, and finds it."""


def is_awaited(board: Board) -> bool:
    """Tell whether another one would be taken if there were one: nobody has named it, and none was found."""
    return bool(board.why) and not _is_there(board)


async def wait_for_board(status: Callable[[], Status], wants_anew: Callable[[BoardAppearedError], None]) -> None:
    """Look until there is a board; then, when nobody talks, ask for a new start. By hand that is only said."""
    # Neither the kernel nor a phase tells anybody here.
    while not _is_there(board := find_board(AUTO)):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
    if not is_service():
        log.warning("board: %s; it is used from the next start on", board.said)
        return
    while status().phase is not Phase.IDLE:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
    wants_anew(BoardAppearedError(f"a board was plugged in: {board.said}; starting anew with it"))


def _is_there(board: Board) -> bool:
    return board.names != (GENERIC,)
