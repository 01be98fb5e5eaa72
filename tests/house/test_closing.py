"""The two stacks of the end: safety first, and nobody keeps the next one from closing."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from device.errors import AudioError
from device.house import closing
from device.house.closing import Close, Closing


@pytest.fixture
def closed() -> list[str]:
    """Return what was closed, in order."""
    return []


def noting(closed: list[str], name: str) -> Close:
    """Return what closes a healthy part."""
    return lambda: closed.append(name)


async def hang() -> None:
    """Stand for a part that waits for something that never comes."""
    await asyncio.sleep(3600)


async def hang_on() -> None:
    """Stand for one that does not even let itself be cancelled."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.5)  # it goes on regardless
            return


TEXT = "nobody foresaw this, and it may quote a key"


def raise_at_once() -> None:
    """Stand for a part with a mistake in it."""
    raise LookupError(TEXT)


async def raise_later() -> None:
    """Stand for one that says what is wrong."""
    raise AudioError("the card is gone")


async def test_safety_is_first_in_its_order_and_the_rest_follows_from_the_end(closed: list[str]) -> None:
    """However the parts were opened among each other."""
    async with Closing() as parts:
        parts.add("cards", noting(closed, "cards"))
        parts.add_safety("relays", noting(closed, "relays"))
        parts.add("session", noting(closed, "session"))
        parts.add_safety("lights", noting(closed, "lights"))
        parts.add_safety("microphone", noting(closed, "microphone"))
        assert closed == []
    assert closed == ["relays", "lights", "microphone", "session", "cards"]


@pytest.mark.parametrize("bad", [hang, hang_on, raise_at_once, raise_later], ids=lambda bad: bad.__name__)
async def test_a_part_that_hangs_or_raises_keeps_no_other_from_closing(
    bad: Close, closed: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In either stack, the first or the last."""
    monkeypatch.setattr(closing, "LIMIT_S", 0.01)
    async with Closing() as parts:
        for name in ("one", "two", "three"):
            parts.add_safety(f"bad {name}", bad)
            parts.add_safety(f"safe {name}", noting(closed, f"safe {name}"))
            parts.add(name, noting(closed, name))
            parts.add(f"bad {name}", bad)
    assert closed == ["safe one", "safe two", "safe three", "three", "two", "one"]
    assert caplog.text.count("closing the bad two") == 2
    assert TEXT not in caplog.text


async def test_however_many_hang_the_end_has_its_limit(closed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty would take 7 s, each within its own."""
    monkeypatch.setattr(closing, "ALL_S", 0.1)
    monkeypatch.setattr(closing, "LEAST_S", 0.001)
    async with asyncio.timeout(5), Closing() as parts:
        parts.add("first", noting(closed, "first"))
        for _ in range(20):
            parts.add("hanging", hang)
    assert closed == ["first"]


async def test_who_is_cancelled_meanwhile_closes_the_rest_first(closed: list[str]) -> None:
    """And is cancelled all the same."""
    reached = asyncio.Event()

    async def wait() -> None:
        reached.set()
        await asyncio.sleep(0.05)  # the cancellation comes meanwhile
        closed.append("slow")

    async def live() -> None:
        async with Closing() as parts:
            parts.add("rest", noting(closed, "rest"))
            parts.add_safety("slow", wait)
            parts.add_safety("relays", noting(closed, "relays"))

    living = asyncio.create_task(live())
    await reached.wait()
    living.cancel()
    with pytest.raises(asyncio.CancelledError):
        await living
    assert closed[:2] == ["relays", "rest"]


async def test_an_error_of_the_house_comes_through(closed: list[str]) -> None:
    """What ended it is not hidden by its end."""

    async def live() -> None:
        async with Closing() as parts:
            parts.add("rest", noting(closed, "rest"))
            parts.add("bad", raise_later)
            raise LookupError

    with pytest.raises(LookupError):
        await live()
    assert closed == ["rest"]
