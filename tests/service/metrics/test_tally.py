"""Which figures there are, and what they count."""

from __future__ import annotations

from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from device.core import actions as order
from device.core import events as ev
from device.core.actions import TurnEnd
from device.core.events import Failure
from device.core.health import Health
from device.core.report import Report
from device.core.standing import Standing, State
from device.core.status import Status
from device.ports.provider import Usage
from device.service.ledger import Ledger
from device.service.metrics.tally import Sources, Tally
from device.units import Ms, Samples


class House:
    """What the figures are of; each fact comes a quarter of a second after the one before."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.now_s = 0.0
        self.state = State.LISTENING
        parts = (Health("speaker", ok=False, since=Ms(0)), Health("light", ok=True, since=Ms(0)))
        sources = Sources(
            version="1.2.3",
            report=lambda: Report(Standing(self.state, Ms(0)), Status(), parts, 42),
            near_misses=lambda: Counter(hey_jarvis=3),
            lost_sound=lambda: {"capture": 1, "playback": 2},
            behind_s=lambda: 0.25,
            ledger=self.ledger,
        )
        self.tally = Tally(sources, lambda: self.now_s)

    def tell(self, *what: object) -> None:
        """Tell facts and orders."""
        for one in what:
            self.now_s += 0.25
            self.tally.observe(one, Status())

    def figures(self) -> dict[str, float]:
        """Return what is fetched, as Prometheus reads it."""
        text = self.tally.text().decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {
            sample.name.removeprefix("hearthside_")
            + "".join(f"[{value}]" for name, value in sample.labels.items()): sample.value
            for sample in samples
        }


def test_what_is_known_elsewhere_is_asked_for() -> None:
    """The state is one of all that there are."""
    house = House()
    house.ledger.note(Usage({"input_audio": 10, "output_audio": 5}, 0.25))
    house.ledger.note(Usage({"input_audio": 1}, None))
    figures = house.figures()
    assert figures["info[1.2.3]"] == 1
    assert {name: value for name, value in figures.items() if name.startswith("state[")} == {
        f"state[{state.value}]": float(state is State.LISTENING) for state in State
    }
    assert (figures["part_ok[speaker]"], figures["part_ok[light]"]) == (0, 1)
    assert figures["scored_frames_total"] == 42
    assert figures["near_misses_total[hey_jarvis]"] == 3
    assert (figures["lost_sound_total[capture]"], figures["lost_sound_total[playback]"]) == (1, 2)
    assert (figures["tokens_total[input_audio]"], figures["tokens_total[output_audio]"]) == (11, 5)
    assert figures["cost_usd_total"] == 0.25
    assert figures["process_resident_memory_bytes"] > 1e6
    assert figures["process_cpu_seconds_total"] > 0
    house.state = State.DEAF
    assert house.figures()["state[deaf]"] == 1


def test_turns_and_their_waits_are_counted() -> None:
    """In histograms."""
    house = House()
    house.tell(
        ev.WakeWordDetected("hey_jarvis", 1.0, Samples(0)),
        *(order.OpenSession(1, TurnEnd.PROVIDER), ev.SessionReady(1), ev.SpeechStopped(1), ev.ResponseStarted(1, "r")),
        *(ev.PlaybackStarted(1), ev.PlaybackFinished(1), order.BeginTurn(2, TurnEnd.PROVIDER)),
    )
    figures = house.figures()
    assert figures["wake_words_total[hey_jarvis]"] == 1
    assert figures["turns_total"] == 2
    assert (figures["session_seconds_count"], figures["session_seconds_sum"]) == (1, 0.25)
    assert (figures["reply_seconds_bucket[0.35]"], figures["reply_seconds_bucket[0.5]"]) == (0, 1)
    assert figures["reconnects_total"] == 0


@pytest.mark.parametrize(("between", "reconnects"), [((), 1), ((ev.ButtonClicked(Samples(1)),), 0)])
def test_a_session_in_the_place_of_a_lost_one_is_a_reconnect(between: tuple[object, ...], reconnects: int) -> None:
    """And one that a person asks for after a failure is not."""
    house = House()
    open_session = order.OpenSession(2, TurnEnd.PROVIDER)
    house.tell(ev.SessionFailed(1, Failure.DROPPED, "gone"), order.CloseSession(), *between, open_session)
    figures = house.figures()
    assert figures["session_failures_total[dropped]"] == 1
    assert figures["reconnects_total"] == reconnects
