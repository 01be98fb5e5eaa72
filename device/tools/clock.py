"""get_time: the time and date, here or in another time zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Meta, Struct

from device.errors import ToolError
from device.ports.feature import Feature, Fitted, Outside
from device.ports.tools import Phrase, Tool
from device.tools.registry import suggestion

Now = Callable[[tzinfo | None], datetime]
"""The time in a zone, None for the device's own; datetime.now is one."""

# Not strftime: its names follow the process's locale, the answer is English.
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

PHRASES = tuple(
    Phrase(text)
    for text in (
        "what time is it",
        "what is the time",
        "what's the time",
        "tell me the time",
        "what day is it",
        "what is the date",
    )
)


class GetTime(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of get_time."""

    timezone: Annotated[
        str, Meta(description='IANA time zone such as "Europe/Berlin"; leave it out for the local time', max_length=64)
    ] = ""


def clock_tool(now: Now = datetime.now) -> Tool[GetTime]:
    """Return get_time, reading the given clock."""

    async def run(arguments: GetTime) -> str:
        if not arguments.timezone:
            return f"It is {spoken(now(None))}"
        name = find_timezone(arguments.timezone)
        return f"In {_place(name)} it is {spoken(now(ZoneInfo(name)))}"

    return Tool(
        name="get_time",
        description="Tell the current time and date, here or in another time zone.",
        arguments=GetTime,
        run=run,
        phrases=PHRASES,
    )


def _open(settings: None, outside: Outside) -> Fitted:
    return Fitted(tools=(clock_tool(),))


CLOCK = Feature("clock", _open)


def spoken(moment: datetime) -> str:
    """Return e.g. "3:05 PM on Sunday, 22 November 2026"."""
    clock = f"{moment.hour % 12 or 12}:{moment.minute:02} {'AM' if moment.hour < 12 else 'PM'}"
    return f"{clock} on {WEEKDAYS[moment.weekday()]}, {moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def find_timezone(wanted: str) -> str:
    """Return the zone of that name, or of that city ("tokyo"). Raise ToolError.

    Looked up among the installed names only: ZoneInfo itself opens whatever file the name leads to.
    """
    names = sorted(available_timezones())
    if not names:
        raise ToolError("no time zones are installed on this device; install the package tzdata")
    key = wanted.strip().replace(" ", "_").casefold()
    for name in names:
        if key in (name.casefold(), name.casefold().rpartition("/")[2]):
            return name
    raise ToolError(f'there is no time zone "{wanted[:60]}"{_hint(wanted, names)}')


def _hint(wanted: str, names: list[str]) -> str:
    hint = suggestion(wanted, names)
    return hint if "did you mean" in hint else "; use an IANA name such as Europe/Berlin"


def _place(name: str) -> str:
    return name.rpartition("/")[2].replace("_", " ")
