"""The provider's key: is it there, may only root read it, and does the provider take it? It is never shown.

And the broker that gives keys, where one is configured: is it there, is it the right one, does it know this device?
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from device.house.catalogue import optional_secret_names, provider_of
from device.kit.threads import Threads
from device.ports.provider import BrokerVisit, KeyTrial, KeyVerdict
from device.service.statefolder import state_folder_of_house
from device.setup.credentials import Kept, find_key
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import Finding, hint, skipped, well, wrong
from device.setup.doctor.patient import Patient
from device.units import Ms

SLOW = Ms(1_500)
# Certificates and tokens bear a minute; a clock that is further off is not kept right.
_CLOCK_OFF_S = 60.0


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """Of one key."""

    name: str
    kept: Kept
    trial: KeyTrial | None = None
    """None: it was not tried."""
    now: float = 0.0


async def try_keys(patient: Patient) -> list[KeyFacts]:
    """Find every key that the provider needs, and try it."""
    provider = provider_of(patient.settings)
    found = []
    for name in provider.secrets:
        kept, trial = await find_key(name, patient.given), None
        if kept.secret is None and not kept.forbidden and name in optional_secret_names(patient.settings):
            continue
        if kept.secret is not None and provider.try_key is not None:
            settings = patient.settings.of(provider.table)
            trial = await Threads("key").call(provider.try_key, settings, kept.secret)
        found.append(KeyFacts(name, kept, trial, time.time()))
    return found


def judge_keys(keys: list[KeyFacts]) -> Findings:
    """Say whether each is there and good."""
    return [finding for key in keys for finding in _judge(key)] or [skipped("key", "this device needs none of its own")]


def _judge(key: KeyFacts) -> Findings:
    kept = key.kept
    if kept.forbidden:
        return [skipped("key", f"{kept.problem}: run the doctor with sudo")]
    if kept.secret is None:
        return [
            wrong(
                "key",
                kept.problem,
                "give it one: sudo hearthside setup --key",
                misconfigured=True,
            )
        ]
    readable = f"others than root may read {kept.place} (mode {kept.mode:o})"
    exposed = [wrong("key file", readable, f"sudo chmod 600 {kept.place}")] if kept.mode & 0o077 else []
    return [*exposed, *_judge_trial(key)]


def _judge_trial(key: KeyFacts) -> Findings:
    trial, name = key.trial, f"{key.name} from {key.kept.place}"
    if trial is None:
        return [well("key", f"{name} is there")]
    if trial.verdict is KeyVerdict.REFUSED:
        return [wrong("key", f"{name} is refused: {trial.why}", trial.what_to_do, misconfigured=True)]
    if trial.verdict is KeyVerdict.UNKNOWN:
        return [hint("key", f"{name} could not be tried: {trial.why}", trial.what_to_do)]
    text = f"{name} is taken; it took {trial.took:.0f} ms"
    quick = hint("key", f"{text}: slow", "nothing, if it happens rarely") if trial.took > SLOW else well("key", text)
    return [quick, *_judge_clock(trial, key.now)]


def _judge_clock(trial: KeyTrial, now: float) -> Findings:
    off_s = now - trial.server_time if trial.server_time is not None else 0.0
    if abs(off_s) <= _CLOCK_OFF_S:
        return []
    way = "ahead of" if off_s > 0 else "behind"
    fix = "sudo timedatectl set-ntp true, and wait a minute"
    return [hint("clock", f"this machine's clock is {abs(off_s):.0f} s {way} the provider's", fix)]


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """Of the broker."""

    visit: BrokerVisit | None = None
    """None: none is configured."""
    hidden: bool = False
    """This user may not see whether this device has a token."""


async def visit_broker(patient: Patient) -> BrokerFacts:
    """Ask it, with the token that the house would use. Raise HearthsideError, which says what is wrong."""
    provider = provider_of(patient.settings)
    settings = patient.settings.of(provider.table)
    if not provider.has_broker(settings) or provider.visit_broker is None:
        return BrokerFacts()
    kept = {name: await find_key(name, patient.given) for name in optional_secret_names(patient.settings)}
    state = state_folder_of_house(patient.settings.service)
    hidden = any(one.forbidden for one in kept.values()) or (state.exists() and not os.access(state, os.R_OK | os.X_OK))
    secrets = {name: one.secret for name, one in kept.items() if one.secret is not None}
    return BrokerFacts(await provider.visit_broker(settings, secrets, state), hidden)


def judge_broker(facts: BrokerFacts) -> Findings:
    """Say whether keys can come from it."""
    visit = facts.visit
    if visit is None:
        return [skipped("broker", "none is configured: the key is this device's own")]
    if not visit.device:
        return [_judge_stranger(visit, facts.hidden)]
    text = f"{visit.host} knows this device as {visit.device}; it took {visit.took:.0f} ms"
    if visit.took > SLOW:
        return [hint("broker", f"{text}: slow", "nothing, if it happens rarely")]
    return [well("broker", text)]


def _judge_stranger(visit: BrokerVisit, hidden: bool) -> Finding:
    if hidden:
        return skipped("broker", f"{visit.host} answers; whether it knows this device only root can ask: use sudo")
    if visit.can_enrol:
        text = f"{visit.host} answers, and this device has a token to enrol with, but has not done so"
        return hint("broker", text, "sudo systemctl restart hearthside, and look at its log")
    text = f"{visit.host} answers, but this device is not enrolled there"
    fix = "make a token there (sudo hearthside broker token), and put it into /etc/credstore/hearthside_enrolment here"
    return wrong("broker", text, f"{fix}: docs/broker.md", misconfigured=True)


KEY = Check("key", try_keys, judge_keys, 25, "check the network, then run the doctor again")
BROKER = Check("broker", visit_broker, judge_broker, 25, "see `resolvectl status`: does the name server answer?")
