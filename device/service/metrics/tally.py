"""The figures: some counted as things happen, the others asked for when somebody fetches them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from device.core import actions as order
from device.core import events as ev
from device.core.latencies import Latencies, Wait
from device.core.report import Report
from device.core.standing import State
from device.service.ledger import Ledger
from device.units import ms_from_seconds

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# In seconds: an answer is pleasant below one, and a nuisance above three.
_BUCKETS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked for when somebody fetches the figures; must be quick."""

    version: str
    report: Callable[[], Report]
    near_misses: Callable[[], Mapping[str, int]]
    lost_sound: Callable[[], Mapping[str, int]]
    """By direction."""
    behind_s: Callable[[], float]
    ledger: Ledger


class Tally:
    """An observer of the controller, with a registry of its own."""

    def __init__(self, sources: Sources, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latencies = Latencies()
        self._lost_session = False
        registry = self._registry = CollectorRegistry()
        waits = {
            Wait.SESSION: "Seconds from the order to open a session until it was ready",
            Wait.REPLY: "Seconds from the noticed end of a person's turn until the answer was heard",
        }
        self._waits = {
            wait: Histogram(f"hearthside_{wait.value}_seconds", about, registry=registry, buckets=_BUCKETS)
            for wait, about in waits.items()
        }
        self._words = _counter(registry, "wake_words", "Wake words heard", "word")
        self._turns = _counter(registry, "turns", "Turns of a person")
        self._failures = _counter(registry, "session_failures", "Sessions that failed", "failure")
        self._reconnects = _counter(registry, "reconnects", "Sessions opened in the place of one that was lost")
        registry.register(_Asked(sources))
        ProcessCollector(registry=registry)

    def text(self) -> bytes:
        """Return all figures, in Prometheus' text format."""
        return generate_latest(self._registry)

    def observe(self, what: object, status: object) -> None:
        """Count a fact or an order."""
        if (wait := self._latencies.note(what, ms_from_seconds(self._clock()))) is not None:
            self._waits[wait[0]].observe(wait[1] / 1000)
        match what:
            case ev.WakeWordDetected():
                self._words.labels(what.word).inc()
            case ev.SessionFailed():
                self._failures.labels(what.failure.value).inc()
            case order.OpenSession():
                self._turns.inc()
                # Opened in one go with the end of the one before.
                self._reconnects.inc(self._lost_session)
            case order.BeginTurn():
                self._turns.inc()
        self._note_loss(what)

    def _note_loss(self, what: object) -> None:
        """A session that was lost is followed by orders only, until another fact comes."""
        if isinstance(what, ev.SessionFailed):
            self._lost_session = True
        elif isinstance(what, ev.Event):
            self._lost_session = False


class _Asked(Collector):
    """What is known elsewhere."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        sources = self._sources
        report = sources.report()
        yield _gauge("info", "Which Hearthside it is", "version", {sources.version: 1})
        states = {state.value: int(state is report.standing.state) for state in State}
        yield _gauge("state", "1 for the state that the house is in", "state", states)
        parts = {part.part: int(part.ok) for part in report.parts}
        yield _gauge("part_ok", "Whether a part of the house is well", "part", parts)
        yield _total("scored_frames", "Frames of 80 ms that the wake word has heard", "", {"": report.scored_frames})
        yield _total("near_misses", "Sounds that were almost a wake word", "word", sources.near_misses())
        yield _total("lost_sound", "How often sound was lost on a busy machine", "direction", sources.lost_sound())
        yield _gauge("behind_seconds", "How late the newest piece of sound was handled", "", {"": sources.behind_s()})
        yield _total("tokens", "Tokens that the provider counted", "kind", sources.ledger.tokens)
        yield _total("cost_usd", "US dollars, where the model's price is known", "", {"": sources.ledger.usd})


def _counter(registry: CollectorRegistry, name: str, about: str, *labels: str) -> Counter:
    return Counter(f"hearthside_{name}", about, labels, registry=registry)


def _total(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    return _filled(CounterMetricFamily(f"hearthside_{name}", about, labels=[label] if label else []), label, values)


def _gauge(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    return _filled(GaugeMetricFamily(f"hearthside_{name}", about, labels=[label] if label else []), label, values)


def _filled(family: Any, label: str, values: Mapping[str, float]) -> Metric:
    for value, number in values.items():
        family.add_metric([value] if label else [], number)
    metric: Metric = family
    return metric
