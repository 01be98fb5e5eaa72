"""What facts tell of the health of the house."""

from __future__ import annotations

from device.core import events as ev
from device.core.health import (
    ABOUT_PROVIDER,
    ECHO_CANCELLER,
    PACE,
    PROVIDER,
    WHAT_TO_DO,
    Changes,
    Health,
    Record,
    unwell,
    well,
)
from device.core.strain import Burden
from device.units import Ms


def of(record: Record, part: str) -> Health:
    """Return the health of one part."""
    return next(health for health in record.facts if health.part == part)


def test_everything_is_well_until_a_fact_tells_the_contrary() -> None:
    """Since the start."""
    record = Record(Ms(5))
    assert {(health.ok, health.since) for health in record.facts} == {(True, 5)}
    assert {"microphone", "speaker", "light", "wake word", PROVIDER} <= {health.part for health in record.facts}


def test_a_part_that_failed_says_since_when_why_and_what_to_do() -> None:
    """A second failure of it does not begin anew; a recovery does."""
    record = Record(Ms(0))
    record.note(ev.DeviceFailed(ev.Device.MICROPHONE, "unplugged"), Ms(10))
    record.note(ev.DeviceFailed(ev.Device.MICROPHONE, "busy"), Ms(20))
    assert of(record, "microphone") == Health("microphone", False, Ms(10), "busy", WHAT_TO_DO[ev.Device.MICROPHONE])
    record.note(ev.DeviceRecovered(ev.Device.MICROPHONE), Ms(30))
    record.note(ev.DeviceRecovered(ev.Device.MICROPHONE), Ms(40))
    assert of(record, "microphone") == Health("microphone", True, Ms(30))


def test_there_is_something_to_do_about_every_failure() -> None:
    """Whoever adds one thinks of the person."""
    assert set(WHAT_TO_DO) == set(ev.Device)
    not_the_provider_s = {ev.Failure.EXPIRED, ev.Failure.BROKER, ev.Failure.BROKER_REFUSED, ev.Failure.BROKER_SPENT}
    assert set(ABOUT_PROVIDER) == set(ev.Failure) - not_the_provider_s


def test_the_provider_is_as_well_as_its_last_session() -> None:
    """But a session that reached its time limit tells nothing against it."""
    record = Record(Ms(0))
    record.note(ev.SessionFailed(1, ev.Failure.EXPIRED, "60 minutes"), Ms(1))
    assert of(record, PROVIDER).ok
    record.note(ev.SessionFailed(1, ev.Failure.REFUSED_KEY, "401"), Ms(2))
    health = of(record, PROVIDER)
    assert (health.ok, health.since, health.why) == (False, 2, "401")
    assert "key" in health.what_to_do
    record.note(ev.SessionReady(2), Ms(3))
    assert of(record, PROVIDER).ok


def test_a_lost_echo_canceller_stays_lost() -> None:
    """Until the next start."""
    record = Record(Ms(0))
    record.note(ev.EchoCancellationLost("livekit is broken"), Ms(1))
    assert not of(record, ECHO_CANCELLER).ok


def test_an_echo_canceller_that_rests_is_well_again_later() -> None:
    """Nothing must be started anew for that."""
    record = Record(Ms(0))
    record.note(ev.EchoCancellationLost("too slow", for_good=False), Ms(1))
    assert "by itself" in of(record, ECHO_CANCELLER).what_to_do
    record.note(ev.EchoCancellationRecovered(), Ms(2))
    assert of(record, ECHO_CANCELLER).ok


def test_what_the_house_does_without_is_told_until_it_does_everything_again() -> None:
    """All of it, and since when anything is missing."""
    record = Record(Ms(0))
    this, that = Burden.ECHO_FILTER, Burden.OTHER_WORDS
    for now, without in enumerate([(this,), (this, that), (this,)], start=1):
        record.note(ev.LoadShed(without), Ms(now))
        told = of(record, PACE)
        assert (told.ok, told.since) == (False, 1)
        assert told.why.endswith(f"without {', '.join(one.value for one in without)}")
    record.note(ev.LoadShed(()), Ms(4))
    assert of(record, PACE).ok


def test_changes_are_told_once() -> None:
    """Going wrong, and being well again with how long it took; never that something is as it was."""
    changes, fine = Changes(), Health("relay light", True, Ms(0))
    assert changes.compare([fine]) == []
    broken = unwell(fine, "stuck", "look", Ms(10))
    assert changes.compare([broken]) == [(broken, 0)]
    assert changes.compare([unwell(broken, "still stuck", "look", Ms(20))]) == []
    mended = well(broken, Ms(40))
    assert changes.compare([mended]) == [(mended, 30)]
    assert changes.compare([well(mended, Ms(50))]) == []
