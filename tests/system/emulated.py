"""Which of the tests that need no sound card run on an emulated arm64, where one takes some twenty times as long.

What fails there though it passes on x86 lies in compiled code, or in what the kernel is told and tells in numbers of
its own. So every test runs but two kinds: those in `PYTHON_ALONE`, unless their file imports what is compiled, and
those in `SINGLE`. A new test runs there, then, until somebody writes here why it need not.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"

PYTHON_ALONE: dict[str, tuple[str, ...]] = {
    # The table of states and its rules: no I/O, no clock, no arrays. The longest list of cases is the sample.
    "core": ("test_machine.py",),
    # Data files, read by Python's own tomllib; most tests compare them with pages. The sample asks a chip over USB.
    "boards": ("test_xvf.py",),
    # What the server says, and how it is understood: JSON and state machines. A session from end to end, and those that
    # set options of sockets or make networks, are the sample.
    "conversation": ("test_provider.py", "test_dead_link.py"),
    "conversation/keys": ("test_devicetoken.py",),
    # The simulated server is not on a device. What it hears and how it talks is the sample.
    "sim/realtime": ("test_talk.py",),
    # Layers of tables and what is said about them. The sample puts a house together and takes it down.
    "house": ("test_oversight.py", "test_closing.py"),
    "house/alone": (),
    # Questions and drafts: text in, text out. The sample looks at the machine.
    "setup/wizard": ("test_facts.py", "test_writing.py"),
    # Runs on the computer of whoever writes the card or keeps the fleet; what the device runs of it is the sample.
    "setup/card": ("test_hashes.py", "test_first_boot.py"),
    "setup/fleet": (),
    # Shell scripts between stand-ins for Debian's tools: hundreds of processes. The sample knows machines apart.
    "scripts": ("test_boot_config.py",),
    "update": ("test_health.py",),
    # Text of unit files.
    "systemd": ("test_broker_unit.py",),
    # That each benchmark starts: its imports.
    "bench": (),
    # The protocol once more, by chance.
    "fuzz": (),
    # Pages that are drawn from the program, once for all machines.
    "troubles": (),
    # On whole Debians, which nothing can boot there.
    "system": (),
    # What is left at the top: pages, pins of packages, rules of imports, the controller around the machine.
    ".": ("test_controller.py",),
}
"""Folders below tests/ whose tests are of Python alone, and why; with those of their files that run as a sample."""

_BARGE_IN = "tests/audio/ear/test_bargein.py::test_"
SINGLE: dict[str, tuple[str, ...]] = {
    "qemu-user answers itself what a process asks of its own memory in /proc": (
        "tests/service/metrics/test_tally.py::test_what_is_known_elsewhere_is_asked_for",
        "tests/service/test_heap.py::test_threads_share_one_heap",
    ),
    "qemu-user does not tell how much the other side of a connection has taken (TCP_INFO)": (
        "tests/conversation/test_dead_link.py::test_a_network_that_dies_under_an_answer_does_not_keep_the_microphone_on",
    ),
    # The canceller in a room of [0-20-0], and at the level of [0], is tried.
    "a minute of sound through the canceller takes more than a minute, and other rooms show no more": (
        *(f"{_BARGE_IN}it_does_not_interrupt_itself[{room}]" for room in ("1-150-0", "2-60--5", "3-100--15")),
        f"{_BARGE_IN}a_card_that_runs_dry_does_not_make_it_interrupt_itself",
        *(f"{_BARGE_IN}a_person_interrupts_it[{level}]" for level in (-15, -5)),
    ),
    "an hour of sound through the engine: the rule has tests of its own, and so have the scores": (
        "tests/wake/test_doze.py::test_no_detection_differs_from_those_of_an_engine_that_is_always_on",
        "tests/wake/openwakeword/test_parity.py::test_scores_equal_those_of_openwakeword_once_its_random_start_is_over",
    ),
    "ten thousand requests to the broker, by chance; it is on another machine": (
        "tests/broker/test_fuzz.py::test_wrong_requests_end_in_4xx_and_nothing_else",
    ),
    "how many sentences the simulated person's ear understands; it is on no device": (
        "tests/sim/person/test_understanding.py::test_nearly_every_sentence_of_the_house_is_understood",
    ),
}
"""Single tests, by the reason why they do not run there: each as pytest names it, or the beginning of its name."""

COMPILED = {
    *("array", "livekit", "msgspec", "numpy", "onnxruntime", "pyaudio", "sqlite3", "ssl", "webrtcvad"),
    *("ctypes", "fcntl", "lgpio", "mmap", "pty", "resource", "signal", "socket", "struct", "systemd", "termios", "usb"),
}
"""Modules that are compiled and may come to other results on arm64, or speak with the kernel in its own numbers."""


def choice() -> list[str]:
    """Return the options with which pytest, run at the root of the repository, leaves out what need not run there."""
    files = [f"--ignore={path.relative_to(ROOT)}" for path in files_left_out()]
    return [*files, *(f"--deselect={name}" for name in itertools.chain.from_iterable(SINGLE.values()))]


def files_left_out() -> list[Path]:
    """Return the files whose tests are of Python alone and no sample."""
    files = [path for folder, sample in PYTHON_ALONE.items() for path in _tests_in(folder) if path.name not in sample]
    return [path for path in files if COMPILED.isdisjoint(_imports(path))]


def _tests_in(folder: str) -> list[Path]:
    return sorted((TESTS / folder).glob("test_*.py"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
