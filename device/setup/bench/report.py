"""The figures as Markdown, to be pasted into a report, with what they mean in sentences. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence

from device.setup.bench.figures import Machine, Missing, PartSpeed, Rehearsal, Yardsticks

# Shares of a core. Beside each part the rest of the program has its turns, some of which come at a bad moment.
WITH_ROOM, JUST, ALL = 0.4, 0.7, 1.0
# An interruption that is noticed so much later is hardly worse: people need 200 ms to fall silent themselves.
UNNOTICED_MS, BEARABLE_MS = 50.0, 200.0


def report(
    machine: Machine,
    rest: str,
    measured: Sequence[PartSpeed | Missing],
    rehearsals: Sequence[Rehearsal],
    simple: Yardsticks,
) -> str:
    """Return everything. `rest`: what else went on meanwhile."""
    about = [(name, text) for name, text in dataclasses.asdict(machine).items()]
    head = ("part by part, without pauses", "one each, ms", "takes, ms", "slowest of 100, ms", "of a core", "")
    real = ("all at its real pace", "of a core", "late, ms", "slowest of 100, ms", "longest, ms", "not listened to, s")
    tables = [
        markdown(("this machine", ""), [*about, ("meanwhile", rest)]),
        markdown(head, [_part(one) for one in measured]),
        markdown(real, [_rehearsal(one) for one in rehearsals]),
        markdown(("yardsticks", ""), _yardsticks(simple)),
        "\n".join(f"- {sentence}" for sentence in meaning(measured, rehearsals)),
    ]
    return "\n\n".join(tables)


def as_json(
    machine: Machine,
    rest: str,
    measured: Sequence[PartSpeed | Missing],
    rehearsals: Sequence[Rehearsal],
    simple: Yardsticks,
) -> str:
    """Return the same for programs."""
    table = {
        "machine": {**dataclasses.asdict(machine), "meanwhile": rest},
        "parts": [dataclasses.asdict(one) for one in measured],
        "rehearsals": [dataclasses.asdict(one) for one in rehearsals],
        "yardsticks": dataclasses.asdict(simple),
        "meaning": meaning(measured, rehearsals),
    }
    return json.dumps(table, indent=2, ensure_ascii=False)


def meaning(measured: Iterable[PartSpeed | Missing], rehearsals: Iterable[Rehearsal]) -> list[str]:
    """Return what the figures mean for whoever lives with the device."""
    sentences = []
    for one in measured:
        if isinstance(one, Missing):
            sentences.append(f"{one.part}: {one.why}")
        elif one.share > JUST:
            sentences.append(f"{one.part}: {verdict(one.share)}; {one.remedy or 'this machine is not made for it'}")
    if not sentences:
        sentences.append("every part of the work fits")
    for scene in rehearsals:
        sentences.append(f"while {scene.scene}: {_lateness(scene)}")
    return sentences


def verdict(share: float) -> str:
    """Return what it means that a part takes this share of a core."""
    if share <= WITH_ROOM:
        return "fits with room"
    if share <= JUST:
        return "fits"
    return "hardly fits" if share <= ALL else "too slow here"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that is readable as it stands."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * max(3, width) for width in widths], *rows]
    return "\n".join(
        f"| {' | '.join(cell.ljust(max(3, width)) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )


def _part(one: PartSpeed | Missing) -> tuple[str, ...]:
    if isinstance(one, Missing):
        return (one.part, "", "", "", "", "not here")
    times = (f"{one.usual_ms:.3f}", f"{one.slow_ms:.3f}")
    return (one.part, f"{one.each_ms:g}", *times, _percent(one.share), verdict(one.share))


def _rehearsal(one: Rehearsal) -> tuple[str, ...]:
    late = (f"{late:.1f}" for late in (one.usual_late_ms, one.slow_late_ms, one.longest_late_ms))
    return (one.scene, _percent(one.core_share), *late, f"{one.unheard_s:.1f}")


def _yardsticks(simple: Yardsticks) -> list[tuple[str, str]]:
    return [
        ("Python adds up 100,000 numbers, ms", f"{simple.python_ms:.1f}"),
        ("products of 256 x 256 (float32), GFLOP/s", f"{simple.products_gflops:.2f}"),
        ("products as in the wake word (160 x 217 by 217 x 24), GFLOP/s", f"{simple.small_products_gflops:.2f}"),
        ("Fourier transforms of 16 x 320, µs", f"{simple.transforms_us:.0f}"),
        ("40 x 161 complex numbers multiplied one by one, µs", f"{simple.elementwise_us:.0f}"),
    ]


def _lateness(scene: Rehearsal) -> str:
    if scene.unheard_s > 0:
        return f"too slow here: for {scene.unheard_s:.1f} s nobody listened for the wake word"
    late = f"what is due comes up to {scene.longest_late_ms / 1000:.1f} s late"
    if scene.longest_late_ms > BEARABLE_MS and scene.core_share <= WITH_ROOM:
        return f"{late}, though there is little to do: something else keeps this machine busy"
    if scene.slow_late_ms > BEARABLE_MS:
        return f"too slow here: {late}"
    if scene.longest_late_ms <= UNNOTICED_MS:
        return "it keeps up with room; nothing is late that anybody would notice"
    return f"it keeps up; now and then something comes up to {scene.longest_late_ms:.0f} ms late"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %" if share < 0.1 else f"{share * 100:.0f} %"
