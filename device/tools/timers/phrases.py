"""How people ask for timers, for recognisers that need a grammar: no more words than they can tell apart."""

from __future__ import annotations

from collections.abc import Mapping

from device.ports.tools import Phrase

_NUMBERS = {
    1: "one",
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
    11: "eleven",
    12: "twelve",
    15: "fifteen",
    20: "twenty",
    25: "twenty five",
    30: "thirty",
    40: "forty",
    45: "forty five",
    50: "fifty",
    90: "ninety",
}
_HOURS = range(1, 13)


def _lengths() -> dict[str, int]:
    """Return "five minutes": 300, and so on."""
    spoken = {}
    for unit, size, most in (("second", 1, 90), ("minute", 60, 90), ("hour", 3600, 12)):
        for number, word in _NUMBERS.items():
            if number <= most:
                spoken[f"{word} {unit}{'s' * (number != 1)}"] = number * size
    return spoken | {"half an hour": 1800, "an hour": 3600, "an hour and a half": 5400}


def _times() -> dict[str, str]:
    """Return "seven thirty": "07:30", and so on: as said, before noon; and as said "p m"."""
    spoken: dict[str, str] = {}
    for hour in _HOURS:
        word = _NUMBERS[hour]
        morning, evening = hour % 12, hour % 12 + 12
        spoken |= {f"{word} o'clock": f"{morning:02}:00", f"{word} thirty": f"{morning:02}:30"}
        spoken |= {f"{word} a m": f"{morning:02}:00", f"{word} p m": f"{evening:02}:00"}
    return spoken


LENGTHS: Mapping[str, int] = _lengths()
TIMES: Mapping[str, str] = _times()
LABELS: Mapping[str, str] = {word: word for word in ("pasta", "tea", "egg", "pizza", "rice", "bread", "laundry")}
TASKS: Mapping[str, str] = {
    text: text for text in ("turn the oven off", "take the bins out", "water the plants", "call home")
}
_SECONDS, _LABEL, _AT = {"seconds": LENGTHS}, {"label": LABELS}, {"time": TIMES}

SET_TIMER = (
    Phrase("set a timer for {seconds}", _SECONDS),
    Phrase("set a {label} timer for {seconds}", _SECONDS | _LABEL),
)
SET_ALARM = (Phrase("set an alarm for {time}", _AT), Phrase("wake me up at {time}", _AT))
SET_REMINDER = (
    Phrase("remind me to {text} in {seconds}", _SECONDS | {"text": TASKS}),
    Phrase("remind me to {text} at {time}", _AT | {"text": TASKS}),
)
LIST = tuple(Phrase(text) for text in ("what timers are set", "how long is left", "when is my alarm"))
CANCEL = (
    Phrase("cancel the timer", arguments={"name": "timer"}),
    Phrase("cancel the alarm", arguments={"name": "alarm"}),
    Phrase("cancel the {name} timer", {"name": {word: f"{word} timer" for word in LABELS}}),
    Phrase("cancel all timers", arguments={"all": True, "name": "timer"}),
)
EXTEND = (
    Phrase("add {seconds} to the timer", _SECONDS),
    Phrase("add {seconds} to the {name} timer", _SECONDS | {"name": {word: f"{word} timer" for word in LABELS}}),
)
SNOOZE = (Phrase("snooze"), Phrase("snooze the alarm"))
STOP = (Phrase("stop the timer"), Phrase("stop the alarm"), Phrase("stop ringing"))
