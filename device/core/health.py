"""Which parts of the house work and which do not, as far as facts tell, to be reported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from device.core import events as ev
from device.core.events import Device, Failure
from device.core.strain import Burden, in_words
from device.units import Ms

PROVIDER = "provider"
ECHO_CANCELLER = "echo canceller"
PACE = "pace"
"""Whether the machine keeps up with what there is to do."""

WHAT_TO_DO = {
    Device.MICROPHONE: "look at its plug, and at audio.input; it is tried again and again",
    Device.SPEAKER: "look at its plug, and at audio.output; it is tried again and again",
    Device.WAKE_WORD: "restart the service; if that does not help, install again",
    Device.VOICE: "see whether `espeak-ng hello` speaks",
    Device.LIGHT: "look at its wires, and at hardware.led",
    Device.BUTTON: "look at its wires, and at hardware.button; then restart the service",
    Device.MUTE_SWITCH: "look at its wires, and at hardware.mute_switch; it is tried again and again",
    Device.DISK: "look whether service.state_dir is full, or may not be written to",
    Device.BROKER: "see whether the broker runs and knows this device (there: hearthside broker devices)",
    Device.EAR: "restart the service, and report the error in its log",
    Device.CONVERSATION: "restart the service, and report the error in its log",
}

_NETWORK = "check the network"
_SETTINGS = "correct its table in [conversation]"
_LESS_TO_DO = "see what else runs on this machine; it is tried again by itself"
_LATER = "wait; if it stays so, ask whoever runs it"

ABOUT_PROVIDER = {
    Failure.UNREACHABLE: _NETWORK,
    Failure.PROXY: "check the proxy that the environment names",
    Failure.INSECURE: "check this machine's clock, and whether the network wants a login",
    Failure.PLAIN: _SETTINGS,
    Failure.WEB_PAGE: "check whether the network wants a login",
    Failure.SILENT: _LATER,
    Failure.UNCONFIGURED: _LATER,
    Failure.DROPPED: _NETWORK,
    Failure.REFUSED_KEY: "give a key that it takes",
    Failure.REFUSED_REGION: "choose another provider",
    Failure.QUOTA: "look at your account there",
    Failure.UNKNOWN_MODEL: _SETTINGS,
    Failure.REFUSED_CONFIG: _SETTINGS,
    Failure.WRONG_ADDRESS: _SETTINGS,
    Failure.REFUSED: "do what it says",
    Failure.BUSY: _LATER,
    Failure.INTERNAL: "restart the service; if it happens again, report it with the log",
    Failure.PROTOCOL: _LATER,
}
"""What to do about a session that failed. One that expired, or that had no key, is not here: its provider is well."""


@dataclass(frozen=True, slots=True)
class Health:
    """Of one part: whether it is well, `since` when (of the monotonic clock), and if not why and what to do."""

    part: str
    ok: bool
    since: Ms
    why: str = ""
    what_to_do: str = ""


def well(before: Health, now: Ms) -> Health:
    """Return the health of a part that is well now."""
    return before if before.ok else Health(before.part, ok=True, since=now)


def unwell(before: Health, why: str, what_to_do: str, now: Ms) -> Health:
    """Return the health of a part that is not: `since` stays while it has not been well in between."""
    return replace(before, ok=False, since=now if before.ok else before.since, why=why, what_to_do=what_to_do)


class Record:
    """The health of the parts that the machine knows, all well until a fact tells the contrary."""

    def __init__(self, now: Ms) -> None:
        parts = (*map(part_name, Device), PROVIDER, ECHO_CANCELLER, PACE)
        self._of = {part: Health(part, ok=True, since=now) for part in parts}

    @property
    def facts(self) -> tuple[Health, ...]:
        """Of every part."""
        return tuple(self._of.values())

    def note(self, what: object, now: Ms) -> None:
        """Note a fact. Anything else, such as an order, says nothing about health."""
        match what:
            case ev.DeviceFailed():
                self._fail(part_name(what.device), what.message, WHAT_TO_DO[what.device], now)
            case ev.DeviceRecovered():
                self._recover(part_name(what.device), now)
            case ev.SessionFailed() if what.failure in ABOUT_PROVIDER:
                self._fail(PROVIDER, what.message, ABOUT_PROVIDER[what.failure], now)
            case ev.SessionReady():
                self._recover(PROVIDER, now)
            case ev.EchoCancellationLost():
                advice = "restart the service to have it tried again" if what.for_good else _LESS_TO_DO
                self._fail(ECHO_CANCELLER, what.message, advice, now)
            case ev.EchoCancellationRecovered():
                self._recover(ECHO_CANCELLER, now)
            case ev.LoadShed():
                self._note_load(what.without, now)

    def _note_load(self, without: tuple[Burden, ...], now: Ms) -> None:
        if without:
            why = f"this machine fell behind; the house does without {in_words(without)}"
            self._fail(PACE, why, _LESS_TO_DO, now)
        else:
            self._recover(PACE, now)

    def _fail(self, part: str, why: str, what_to_do: str, now: Ms) -> None:
        self._of[part] = unwell(self._of[part], why, what_to_do, now)

    def _recover(self, part: str, now: Ms) -> None:
        self._of[part] = well(self._of[part], now)


class Changes:
    """Compares the health of parts with what it was; a part that was never seen was well."""

    def __init__(self) -> None:
        self._unwell: dict[str, Health] = {}

    def compare(self, facts: Iterable[Health]) -> list[tuple[Health, Ms]]:
        """Return the health of each part that has become well or ceased to be, and for how long it was not."""
        changed = []
        for fact in facts:
            before = self._unwell.get(fact.part)
            if fact.ok and before is not None:
                del self._unwell[fact.part]
                changed.append((fact, Ms(fact.since - before.since)))
            elif not fact.ok and before is None:
                self._unwell[fact.part] = fact
                changed.append((fact, Ms(0)))
        return changed


def part_name(device: Device) -> str:
    """Return what the health of a device is told under."""
    return device.value.replace("_", " ")
