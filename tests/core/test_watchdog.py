"""Whether the watchdog is fed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.core.events import Device
from device.core.status import Phase, Status
from device.core.watchdog import LONGEST_DEAF, Look, Watchdog
from device.units import CAPTURE_RATE, Ms, Samples, ms_from_seconds, samples_from_ms

STEP = Ms(4_000)
DEAF = Status(faults=frozenset({Device.MICROPHONE}))
MUTED = Status(muted=True)

statuses = st.builds(
    Status,
    phase=st.sampled_from(Phase),
    muted=st.booleans(),
    faults=st.frozensets(st.sampled_from(Device)),
)
shares = st.floats(0.0, 1.5)


class House:
    """One that is looked at every STEP."""

    def __init__(self) -> None:
        self.now = Ms(1_000)
        self.scored = Samples(0)
        self.watchdog = Watchdog(Look(Status(), self.scored, self.now))

    def live(self, status: Status, share: float) -> str:
        """Score this share of a step; return the complaint at its end."""
        self.now = Ms(self.now + STEP)
        self.scored = Samples(self.scored + samples_from_ms(STEP * share, CAPTURE_RATE))
        return self.watchdog.complaint(Look(status, self.scored, self.now))

    def complaints(self, status: Status, share: float, seconds: float) -> list[str]:
        """Live for a while; return what is complained of."""
        steps = int(ms_from_seconds(seconds) / STEP)
        return [complaint for _ in range(steps) if (complaint := self.live(status, share))]


def test_who_scores_sound_is_alive() -> None:
    """Even where a card sleeps for a part of the time."""
    house = House()
    assert not house.complaints(Status(), 1.0, 60)
    assert not house.complaints(Status(), 0.5, 60)


def test_sound_that_is_not_scored_any_more_is_told() -> None:
    """Though no part has failed: an engine that hangs, a card that gives nothing."""
    house = House()
    house.live(Status(), 1.0)
    assert house.live(Status(), 0.0) == "no sound has been scored for 4 s"


def test_a_trickle_is_not_hearing() -> None:
    """A frame now and then is no wake word."""
    assert House().live(Status(), 0.1)


def test_who_is_muted_need_not_hear() -> None:
    """For as long as it is."""
    assert not House().complaints(MUTED, 0.0, 3_600)


def test_who_is_deaf_and_has_never_heard_is_left_alone() -> None:
    """Another process would hear no more; this one shows it and looks for its microphone."""
    assert not House().complaints(DEAF, 0.0, 3_600)


def test_who_could_hear_is_given_up_after_a_while_of_deafness() -> None:
    """Perhaps only this process's sound system hangs."""
    house = House()
    house.live(Status(), 1.0)
    assert not house.complaints(DEAF, 0.0, LONGEST_DEAF / 1000)
    complaints = house.complaints(DEAF, 0.0, 60)
    assert len(complaints) >= 60_000 / STEP - 2
    assert "has been deaf for" in complaints[0]


def test_nobody_is_cut_off_for_it() -> None:
    """A conversation has deadlines of its own."""
    house = House()
    house.live(Status(), 1.0)
    assert not house.complaints(Status(phase=Phase.SPEAKING, faults=DEAF.faults), 0.0, 600)


def test_a_microphone_that_comes_back_begins_anew() -> None:
    """And so does a mute."""
    for between in ((Status(), 1.0), (MUTED, 0.0)):
        house = House()
        house.live(Status(), 1.0)
        for _ in range(20):
            assert not house.complaints(DEAF, 0.0, LONGEST_DEAF / 1000 - 10)
            assert not house.live(*between)


@given(st.lists(st.tuples(statuses, shares), min_size=1, max_size=60))
def test_whoever_is_fed_hears_or_is_muted_or_knows_that_it_is_deaf(life: list[tuple[Status, float]]) -> None:
    """And whoever hears, or is muted, is fed."""
    house = House()
    for status, share in life:
        complaint = house.live(status, share)
        knows = bool(status.faults & {Device.MICROPHONE, Device.WAKE_WORD})
        if status.muted or share >= 0.3:
            assert not complaint
        elif not knows and share < 0.2:
            assert complaint


@given(st.lists(st.tuples(statuses, shares), max_size=40))
def test_silence_without_a_reason_is_told_within_one_look(life: list[tuple[Status, float]]) -> None:
    """Whatever went before."""
    house = House()
    for status, share in life:
        house.live(status, share)
    assert house.live(Status(), 0.0)
