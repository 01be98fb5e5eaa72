"""How late the engine is, by when its sound should have been scored."""

from __future__ import annotations

from device.wake.agenda import Agenda

SECOND = 16_000


def test_a_piece_is_overdue_once_it_has_waited_for_longer_than_it_lasts() -> None:
    """And what follows it may wait for as much longer as it lasts itself; what was scored counts no more."""
    now = [0.0]
    agenda = Agenda(lambda: now[0])
    assert agenda.overdue_s == 0.0
    agenda.add(SECOND, SECOND)
    agenda.add(2 * SECOND, SECOND)
    for moment, overdue in ((0.5, 0.0), (1.0, 0.0), (1.25, 0.25)):
        now[0] = moment
        assert agenda.overdue_s == overdue
    agenda.strike(SECOND)
    assert agenda.overdue_s == 0.0
    now[0] = 2.5
    assert agenda.overdue_s == 0.5
    agenda.clear()
    assert agenda.overdue_s == 0.0
