"""get_time."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

import pytest

from device.errors import ToolError
from device.tools.clock import clock_tool, find_timezone, spoken
from device.tools.registry import Registry

MOMENT = datetime(2026, 11, 22, 15, 5, tzinfo=UTC)


def now(zone: tzinfo | None) -> datetime:
    """Stand still at five past three, London time."""
    return MOMENT.astimezone(zone) if zone else MOMENT.replace(tzinfo=None)


@pytest.fixture
def registry() -> Registry:
    """Return get_time on that clock."""
    return Registry([clock_tool(now)], 10)


async def test_the_local_time_is_told_with_the_date(registry: Registry) -> None:
    """Both, as the model may be asked for either."""
    assert await registry.call("get_time", "{}") == "It is 3:05 PM on Sunday, 22 November 2026"


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "asia/tokyo", "Tokyo", "tokyo"])
async def test_a_zone_may_be_named_by_its_city(registry: Registry, zone: str) -> None:
    """Models do not always know the IANA name."""
    answer = await registry.call("get_time", f'{{"timezone": "{zone}"}}')
    assert answer == "In Tokyo it is 12:05 AM on Monday, 23 November 2026"


async def test_a_city_of_two_words_is_found(registry: Registry) -> None:
    """As spoken, with a space."""
    assert "In New York it is 10:05 AM" in await registry.call("get_time", '{"timezone": "New York"}')


async def test_an_unknown_zone_is_refused_with_a_hint(registry: Registry) -> None:
    """A typing error is guessed; nonsense gets an example."""
    with pytest.raises(ToolError, match='did you mean "Europe/Berlin"'):
        await registry.call("get_time", '{"timezone": "Europe/Berln"}')
    with pytest.raises(ToolError, match="use an IANA name"):
        await registry.call("get_time", '{"timezone": "the moon"}')


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/localtime", "Europe", "", "\0"])
def test_a_zone_is_never_a_path(path: str) -> None:
    """The name comes from outside and must not choose a file."""
    with pytest.raises(ToolError):
        find_timezone(path)


@pytest.mark.parametrize(
    ("hour", "minute", "expected"), [(0, 0, "12:00 AM"), (11, 59, "11:59 AM"), (12, 0, "12:00 PM"), (23, 9, "11:09 PM")]
)
def test_midnight_and_noon_are_twelve(hour: int, minute: int, expected: str) -> None:
    """The twelve-hour clock has no zero."""
    assert spoken(datetime(2026, 1, 2, hour, minute)) == f"{expected} on Friday, 2 January 2026"


async def test_the_real_clock_answers() -> None:
    """Without an injected one it reads the device's."""
    answer = await Registry([clock_tool()], 10).call("get_time", "")
    assert answer.startswith("It is ")
    assert answer.endswith(str(datetime.now().year))
