"""The kernel's command line, cmdline.txt: one line, of which only our own words are ours to change."""

from __future__ import annotations

from collections.abc import Iterable

CLOUD_INIT = "ds=nocloud"
FIRST_RUN = "systemd.run="
_ACTION = "systemd.run_success_action="
_TARGET = "systemd.unit=kernel-command-line.target"
_COUNTRY = "cfg80211.ieee80211_regdom="


def has(line: str, beginning: str) -> bool:
    """Tell whether the line has a word that begins so."""
    return any(word.startswith(beginning) for word in line.split())


def rewritten(line: str, words: Iterable[str]) -> str:
    """Return the line with these words of ours instead of those that it had; all others stay, in their order."""
    wanted = list(words)
    kept = [word for word in line.split() if not _is_ours(word, wanted)]
    return " ".join([*kept, *wanted]) + "\n"


def cloud_init(instance: str) -> tuple[str, ...]:
    """Return what makes cloud-init read the card."""
    return (f"{CLOUD_INIT};i={instance}",)


def first_run(script: str) -> tuple[str, ...]:
    """Return what makes systemd run a script instead of the system, once, and start again."""
    return (f"{FIRST_RUN}{script}", f"{_ACTION}reboot", _TARGET)


def radio(country: str) -> tuple[str, ...]:
    """Return what tells the kernel the country, also where no Wi-Fi is configured."""
    return (f"{_COUNTRY}{country}",) if country else ()


def _is_ours(word: str, wanted: list[str]) -> bool:
    """Of all formats: a card that is prepared anew in another one loses the words of the first."""
    if word.startswith(_COUNTRY):
        # One that somebody set stays when none is given now.
        return any(new.startswith(_COUNTRY) for new in wanted)
    return word == _TARGET or word.startswith((CLOUD_INIT, FIRST_RUN, _ACTION))
