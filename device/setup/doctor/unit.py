"""The configuration, and the service that runs with it: what systemd and the service itself say."""

from __future__ import annotations

from dataclasses import dataclass

from device.kit.programs import run
from device.setup.daemon import Part, Running
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import Finding, hint, skipped, well, wrong
from device.setup.doctor.patient import Patient

NAME = "hearthside.service"
_PROPERTIES = (
    "LoadState",
    "UnitFileState",
    "ActiveState",
    "SubState",
    "Result",
    "ExecMainStatus",
    "NRestarts",
    "WatchdogUSec",
)
_LOG = "journalctl -u hearthside -e"
_OFF = ("", "0", "infinity")
_WRONG_CONFIGURATION = "78"


async def look_at_configuration(patient: Patient) -> str:
    """It was read already."""
    return patient.complaint


def judge_configuration(complaint: str) -> Findings:
    """Say whether it is right."""
    if complaint:
        fix = "correct it; what follows was looked at as if nothing were configured"
        return [wrong("configuration", complaint, fix, misconfigured=True)]
    return [well("configuration", "it is right")]


@dataclass(frozen=True, slots=True)
class Unit:
    """The service: what systemd says (empty where there is no systemd), and what it says itself."""

    properties: dict[str, str]
    running: Running | None


async def look_at_unit(patient: Patient) -> Unit:
    """Ask systemd."""
    return Unit(await properties(NAME, _PROPERTIES), patient.running)


async def properties(unit: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return what systemd says of a unit; nothing where no systemd runs."""
    told = await run("systemctl", "show", unit, f"--property={','.join(names)}")
    if told is None or told.code:
        return {}
    return dict(line.partition("=")[::2] for line in told.output.splitlines())


def judge_unit(unit: Unit) -> Findings:
    """Say whether the service runs, is watched, and is well."""
    said = unit.properties
    if not said or said.get("LoadState") == "not-found":
        why = "systemd does not run here" if not said else "it is not installed as a service"
        return [skipped("service", why), *_judge_parts(unit.running)]
    return [*_judge_state(said), *_judge_parts(unit.running)]


def _judge_state(said: dict[str, str]) -> Findings:
    state = said.get("ActiveState", "")
    if state == "active":
        return [*_judge_start(said), *_judge_restarts(said), *_judge_watchdog(said)]
    if state == "activating" and said.get("SubState") == "auto-restart":
        return [_judge_failure(said, "it failed, and is tried again")]
    if state == "activating":
        return [hint("service", "it is starting", "wait a moment, and run the doctor again")]
    if state == "failed":
        return [_judge_failure(said, "it failed")]
    return [hint("service", f"it is not running ({state})", "sudo systemctl start hearthside")]


def _judge_failure(said: dict[str, str], text: str) -> Finding:
    if said.get("ExecMainStatus") == _WRONG_CONFIGURATION:
        return wrong("service", f"{text}: the configuration is wrong", f"see {_LOG}", misconfigured=True)
    return wrong("service", f"{text} ({said.get('Result', 'no reason given')})", f"see {_LOG}")


def _judge_start(said: dict[str, str]) -> Findings:
    if said.get("UnitFileState") == "enabled":
        return [well("service", "it is running, and starts with the machine")]
    return [hint("service", "it is running, but will not start with the machine", "sudo systemctl enable hearthside")]


def _judge_restarts(said: dict[str, str]) -> Findings:
    count = said.get("NRestarts", "0")
    return [] if count == "0" else [hint("restarts", f"it was started again {count} times", f"see why: {_LOG}")]


def _judge_watchdog(said: dict[str, str]) -> Findings:
    watchdog = said.get("WatchdogUSec", "")
    if watchdog in _OFF:
        return [hint("watchdog", "systemd does not watch it", "install its unit again: `systemctl cat hearthside`")]
    return [well("watchdog", f"systemd starts it again when it hears nothing for {watchdog}")]


def _judge_parts(running: Running | None) -> Findings:
    """Say what the house says of itself."""
    if running is None:
        return []
    ill = [_judge_part(part) for part in running.parts if not part.ok]
    return ill or [_state(running)]


def _judge_part(part: Part) -> Finding:
    return wrong("house", f"{part.part}: {part.why}", part.what_to_do or f"see {_LOG}")


def _state(running: Running) -> Finding:
    reason = f": {running.why}" if running.why else ""
    match running.state:
        case "listening":
            return well("house", f"it is listening ({running.scored_frames:,} frames scored)")
        case "muted":
            return hint("house", f"it is muted{reason}", running.what_to_do or "run `hearthside unmute`")
        case "starting":
            return hint("house", "it is starting", "wait a moment, and run the doctor again")
        case "unknown":
            return skipped("house", f"{running.why}; {running.what_to_do}")
    return wrong("house", f"it is {running.state}{reason}", running.what_to_do or f"see {_LOG}")


_HANGS = "see whether `systemctl status hearthside` answers"

CONFIGURATION = Check("configuration", look_at_configuration, judge_configuration, 1, "run the doctor again")
SERVICE = Check("service", look_at_unit, judge_unit, 6, _HANGS)
