"""Write the page of troubles by having them: what the device says and logs, from the code that says and logs it.

.venv/bin/python scripts/draw_troubles.py          rewrites docs/troubles.md
.venv/bin/python scripts/draw_troubles.py --check  exits with 1 when docs/troubles.md is stale

Every row is a run of the real conversation, decisions and log before a server that really does it, at a socket. It
needs openssl for certificates. Takes a quarter of a minute, most of it waiting for servers that say nothing.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

import drawing

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.events import Device, Failure, Shortfall
from device.core.indication import indication
from device.core.machine import Machine
from device.core.memory import Settings
from device.units import Ms, Samples
from tests.troubles import conditions, configurations
from tests.troubles.stage import Told, meet

WRONG = configurations.WRONG

HEAD = """# What it says when something is wrong, and what to do

Made by `scripts/draw_troubles.py`, which causes each of these troubles for real (a real socket, the real decisions, the
real log) and writes down what the device says and logs; do not edit. A test fails when this page is stale.

**You hear a sentence**: find it here; the log says more. **You hear nothing at all**: look at the light first (muted?
press the button for three seconds), then at the log. The log of the service is `journalctl -u hearthside -e`; run by
hand, `hearthside run` writes it to the terminal. A line of trouble says what is wrong, in the provider's own words
where it gave any, and what to do.

`HOST` stands for your provider's host, and N for a number. An error cue is played before each sentence. The sentences
are spoken by espeak-ng: without it (`sudo apt install espeak-ng`) you hear only the cue.
"""

PARTS = """## Parts of the device

The device keeps trying to use the part again. The log says which part it is and why (`microphone failed: ...`).

| What fails | You hear (when) | The light shows |
| --- | --- | --- |
"""

CONFIGURATION = """## The configuration

Nothing is said aloud: `hearthside run` and the service end at once, with exit code 78 and this line.

| In `config.toml` | The line |
| --- | --- |
"""

KEYS = """## The key

The same for the environment variable `OPENAI_API_KEY`; for a systemd credential the line names the file.

| The key | The line |
| --- | --- |
"""

SAY, ANSWER, REST = failures.OF_CONVERSATION, failures.OF_ANSWER, failures.OF_REST

AGAIN = "Ask again. When it happens often, the provider has trouble: look at its status page."

TO_DO = {
    SAY[Failure.UNREACHABLE]: "See whether other devices reach the internet; then check the address.",
    SAY[Failure.PROXY]: "Correct `https_proxy` in the service's environment, or add the host to `no_proxy`.",
    SAY[
        Failure.INSECURE
    ]: "Look at the clock (`timedatectl`). Open a page in this network with a phone: is there a login?",
    SAY[
        Failure.PLAIN
    ]: "Write `wss://` in `conversation.openai.url`: without TLS anybody on the way reads key and voice.",
    SAY[Failure.WEB_PAGE]: "Open a page in this network with a phone, and log in. At home, check the address.",
    SAY[Failure.SILENT]: "Try later. If it is a server of your own: is it loading its model, and does it speak TLS?",
    SAY[
        Failure.UNCONFIGURED
    ]: "Try later. A server of your own may be slow, or speak another API than OpenAI's Realtime API.",
    SAY[Failure.DROPPED]: "Ask again. When it happens often, move the device nearer to the router.",
    SAY[Failure.EXPIRED]: "Ask again: a new conversation begins.",
    SAY[Failure.REFUSED_KEY]: "Make a new key in the provider's console, and put it where the README says.",
    SAY[Failure.REFUSED_REGION]: "Use another provider: `conversation.openai.url`.",
    SAY[
        Failure.BROKER
    ]: "See whether the broker's machine is on and reached from here; its log is `journalctl -u hearthside-broker`.",
    SAY[Failure.BROKER_REFUSED]: "On the broker's machine: `hearthside broker token`; [broker.md](broker.md) goes on.",
    SAY[Failure.BROKER_SPENT]: "Wait for midnight (UTC), or raise `broker.secrets_per_day` there.",
    SAY[Failure.QUOTA]: "Add credit in the provider's console, or raise the limit there.",
    SAY[Failure.UNKNOWN_MODEL]: "Name a model in `conversation.openai.model` that the account may use.",
    SAY[Failure.REFUSED_CONFIG]: "The log names the setting; correct it under `[conversation.openai]`.",
    SAY[Failure.WRONG_ADDRESS]: "Correct `conversation.openai.url`; the log says what answered there.",
    SAY[Failure.REFUSED]: "Read the provider's reason in the log. Often the account lacks a right or a payment.",
    SAY[Failure.BUSY]: "Try later. When it stays so, look at the provider's status page and at your limits there.",
    SAY[Failure.INTERNAL]: "Ask again. When it happens often, restart the device, and report it with the log.",
    SAY[Failure.PROTOCOL]: "Ask again. A server of your own may not speak the Realtime API correctly.",
    **dict.fromkeys((*ANSWER.values(), *REST.values(), failures.NO_SOUND, failures.TOO_SLOW), AGAIN),
    ANSWER[Shortfall.FILTERED]: "Ask in other words.",
    REST[Shortfall.FILTERED]: "Ask in other words.",
    REST[Shortfall.TOO_LONG]: "Say “go on”, or ask for a shorter answer.",
    failures.NO_END_OF_SPEECH: "Turn the radio down, or ask with the button held.",
    failures.NO_END_OF_TOOLS: "Ask for less at once, or choose a better model.",
}
"""What a person does, by what is said."""

READ = "Nothing: the local voice reads aloud what the model only writes. Better choose a model that speaks."


def cell(text: str) -> str:
    """Return text that may stand in a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    """Return text as code in a table, whatever is in it."""
    return f"`` {cell(text)} ``" if "`" in text else f"`{cell(text)}`"


def tidy(line: str) -> str:
    """Return a line of the log without what differs from run to run and from machine to machine."""
    line = re.sub(r"127\.0\.0\.\d|203\.0\.113\.7|provider\.test|nobody\.invalid", "HOST", line)
    line = re.sub(r"(as it should|is not trusted) \([^)]*\)", r"\1 (...)", line)
    line = re.sub(r"(not valid TOML:) .*", r"\1 ...", line)
    return re.sub(r"\b[\d.]+ (ms|s)\b", r"N \1", line)


def row(what: str, told: Told) -> str:
    """Return a line of a table."""
    said = [*(["the answer, read by the local voice"] if told.read else []), *(f"“{text}”" for text in told.said)]
    logged = [code(tidy(line)) for line in dict.fromkeys(told.logged)]
    to_do = dict.fromkeys([*([READ] if told.read else []), *(TO_DO[text] for text in told.said)])
    heard, do = " ".join(said) or "the answer, as far as it came", " ".join(to_do) or "Nothing."
    return f"| {cell(what)} | {heard} | {' '.join(logged)} | {do} |"


async def table(title: str, troubles: tuple[conditions.Trouble, ...]) -> str:
    """Have every trouble of a group; return its table."""
    head = ["| What is wrong | You hear | The log says | What to do |", "| --- | --- | --- | --- |"]
    lines = [f"## {title}", "", *head]
    for trouble in troubles:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(row(trouble.what, await meet(trouble.provider, Path(folder))))
    return "\n".join(lines)


def parts() -> str:
    """Return the table of what is said and shown of parts that fail, as the machine decides it."""
    rows = [part(device.value.replace("_", " "), device) for device in Device]
    rows.append(part("light, with `hardware.led.required = true`", Device.LIGHT, Settings(light_required=True)))
    return PARTS + "\n".join(rows)


def part(what: str, device: Device, settings: Settings = Settings()) -> str:  # noqa: B008  it is frozen
    """Return a line of that table."""
    return f"| {what} | {' '.join(said_of(device, settings))} | {shown_of(device, settings)} |"


def said_of(device: Device, settings: Settings) -> list[str]:
    """Return the sentences with the moments at which they are said."""
    said: dict[str, list[str]] = {}
    for moment, machine in machines(settings).items():
        failed = machine.handle_event(ev.DeviceFailed(device, "why"), Ms(0))
        pressed = [] if moment == "muted" else machine.handle_event(ev.ButtonClicked(Samples(0)), Ms(0))
        then = "at a press" if moment == "idle" else "after the conversation"
        for when, orders in ((moment, failed), (then, pressed)):
            for text in (what.text for what in orders if isinstance(what, order.Announce)):
                said.setdefault(text, []).append(when)
    return [f"“{text}” ({', '.join(dict.fromkeys(moments))})" for text, moments in said.items()] or ["nothing"]


def shown_of(device: Device, settings: Settings) -> str:
    """Return what the light shows when nobody talks."""
    machine = machines(settings)["idle"]
    machine.handle_event(ev.DeviceFailed(device, "why"), Ms(0))
    return indication(machine.status).value


def machines(settings: Settings) -> dict[str, Machine]:
    """Return a machine at each moment that counts."""
    wake, ready, begun = (
        ev.WakeWordDetected("hey_jarvis", 0.9, Samples(0)),
        ev.SessionReady(1),
        ev.ResponseStarted(1, "r"),
    )
    facts: dict[str, tuple[ev.Event, ...]] = {
        "idle": (),
        "listening": (wake, ready),
        "speaking": (wake, ready, begun, ev.PlaybackStarted(1)),
    }
    made = {moment: Machine(settings) for moment in facts} | {"muted": Machine(settings, True)}
    for moment, happened in facts.items():
        for fact in happened:
            made[moment].handle_event(fact, Ms(0))
    return made


def configuration() -> str:
    """Return the tables of configurations and keys that are refused."""
    files = [
        f"| {' '.join(map(code, text.splitlines()))} | {code(tidy(configurations.refusal(text)))} |" for text in WRONG
    ]
    keys = [f"| {name_of_key(key)} | {code(configurations.refusal_of_key(key))} |" for key in configurations.KEYS]
    return "\n".join([CONFIGURATION + "\n".join(files), "", KEYS + "\n".join(keys)])


def name_of_key(key: str | None) -> str:
    """Return a key as it stands in the table."""
    return "(none)" if key is None else code(key) if key else "(empty)"


async def page() -> str:
    """Return the whole page."""
    tables = [await table(title, troubles) for title, troubles in conditions.GROUPS.items()]
    return "\n\n".join([HEAD.rstrip(), *tables, parts(), configuration()]) + "\n"


if __name__ == "__main__":
    sys.exit(drawing.main(__doc__ or "", "troubles.md", lambda: asyncio.run(page())))
