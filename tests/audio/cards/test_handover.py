"""Sound on its way between threads."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from device.audio.cards.capture import Piece
from device.audio.cards.handover import MOST_S, Handover

FRAME = 320


def piece(number: int) -> Piece:
    """Return a frame that can be told from the others."""
    return Piece(number.to_bytes(2, "little") * FRAME, number / 50)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("take"), st.just("")),
        st.tuples(st.just("wait"), st.sampled_from(["0.02", "0.3", "1.1"])),
    ),
    max_size=200,
)


@how(deadline=None)
@given(steps=steps)
def test_every_piece_is_taken_in_order_or_told_to_be_lost(
    steps: list[tuple[str, str]],
) -> None:
    """Whoever takes is called often enough for all that is left."""
    now, calls = 0.0, 0
    way: Handover[str] = Handover(lambda: now)
    given_in: Counter[str] = Counter()
    got: Counter[str] = Counter()

    def take() -> None:
        if (taken := way.take()) is None:
            return
        got.update(taken.lost)
        assert taken.piece == piece(got[taken.source] // FRAME)
        got[taken.source] += FRAME

    for what, detail in [*steps, ("wait", "0.5"), ("put", "a")]:
        if what == "wait":
            now += float(detail)
        elif what == "put":
            calls += way.put(detail, piece(given_in[detail] // FRAME))
            given_in[detail] += FRAME
        elif calls:
            calls -= 1
            take()
    while calls:
        calls -= 1
        take()
    assert got == given_in


def test_only_sound_that_has_waited_for_too_long_is_dropped() -> None:
    """A second, as it was put: not as it was captured."""
    now = 0.0
    way: Handover[str] = Handover(lambda: now)
    for number in range(50):
        now = number / 50
        assert way.put("a", piece(number))
    now = MOST_S
    way.put("a", piece(50))
    first = way.take()
    assert first is not None
    assert (first.piece, first.lost, first.waited_s) == (piece(0), {}, MOST_S)
    now = MOST_S + 0.05
    assert not way.put("a", piece(51)), "who comes for the others will find it"
    newest = way.take()
    assert newest is not None
    assert (newest.piece, newest.lost, newest.waited_s) == (piece(51), {"a": 50 * FRAME}, 0.0)
    assert way.take() is None
