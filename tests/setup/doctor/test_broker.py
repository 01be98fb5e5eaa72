"""What the doctor finds of a broker: a real one, over TLS."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.broker.store import Store
from device.conversation.openai import keys
from device.house import configuration
from device.secrets import Secret
from device.setup.credentials import Kept
from device.setup.doctor import key
from device.setup.doctor.check import examine
from device.setup.doctor.finding import Finding, Grade
from device.setup.doctor.patient import Patient
from tests.broker.stage import Stage, broker


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Stage]:
    """A broker that speaks TLS with an authority of its own."""
    async with broker(tmp_path / "broker", tls="own") as stage:
        yield stage


class Speaker:
    """A device that has a broker."""

    def __init__(self, folder: Path, there: Stage) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        self.settings = {
            "broker": f"https://127.0.0.1:{there.caller.port}",
            "broker_ca": str(there.folder / "tls" / "ca.pem"),
        }
        self.given: dict[str, Kept] = {}

    @property
    def table(self) -> dict[str, object]:
        """Its configuration."""
        return {"conversation": {"openai": self.settings}, "service": {"state_dir": str(self.state)}}

    def enrolled(self, token: str) -> Speaker:
        """Let it have a token of its own."""
        (self.state / keys.TOKEN.lower()).write_text(token, encoding="ascii")
        return self

    async def found(self) -> Finding:
        """Return what is found of the broker."""
        findings: list[Finding] = []
        patient = Patient(configuration.parse(self.table), None, "", None, self.given)
        await examine([[key.BROKER]], patient, findings.append)
        [finding] = findings
        return finding


@pytest.fixture
def speaker(tmp_path: Path, there: Stage) -> Speaker:
    """One that was never enrolled."""
    return Speaker(tmp_path, there)


async def test_a_device_that_is_enrolled_is_well(speaker: Speaker, there: Stage) -> None:
    """By the name that the broker has for it; and no secret is used up for that."""
    found = await speaker.enrolled(await there.device("kitchen")).found()
    assert (found.grade, "knows this device as kitchen" in found.text) == (Grade.WELL, True), found
    assert not [outcome for outcome in there.outcomes() if " secret:" in outcome]


async def test_one_that_is_not_is_told_how_to_become_so(speaker: Speaker) -> None:
    """It has come as far as the broker."""
    found = await speaker.found()
    assert found.grade is Grade.WRONG
    assert found.misconfigured
    assert "answers, but this device is not enrolled there" in found.text
    assert "hearthside broker token" in found.fix


async def test_one_that_has_yet_to_enrol_is_a_hint_and_keeps_its_token(speaker: Speaker, there: Stage) -> None:
    """A doctor changes nothing: the token is still good afterwards."""
    token = there.enrolment("kitchen")
    speaker.given = {keys.ENROLMENT: Kept(Secret(token), "the environment")}
    found = await speaker.found()
    assert (found.grade, "a token to enrol with" in found.text) == (Grade.HINT, True)
    assert (await there.caller.enrol(token)).status == 201


async def test_one_that_was_revoked_is_told(speaker: Speaker, there: Stage) -> None:
    """And what to do about it."""
    speaker.enrolled(await there.device("kitchen"))
    store = Store(there.folder)
    store.revoke("kitchen", 1)
    store.close()
    found = await speaker.found()
    assert (found.grade, "has revoked this device" in found.text) == (Grade.WRONG, True)
    assert "hearthside broker token" in found.fix


async def test_a_token_that_the_broker_does_not_know_is_told(speaker: Speaker) -> None:
    """As after its database was lost."""
    found = await speaker.enrolled("hsd_" + "x" * 43).found()
    assert (found.grade, "does not know this device's token" in found.text) == (Grade.WRONG, True)


async def test_another_authority_is_not_trusted(speaker: Speaker, tmp_path: Path, there: Stage) -> None:
    """The broker's own certificate is looked at, and nothing is told to who has another."""
    speaker.enrolled(await there.device("kitchen"))
    del speaker.settings["broker_ca"]
    found = await speaker.found()
    assert (found.grade, "has a certificate that is not trusted" in found.text) == (Grade.WRONG, True)
    assert "conversation.openai.broker_ca" in found.fix


async def test_an_authority_that_is_no_certificate_is_told(speaker: Speaker, tmp_path: Path) -> None:
    """Such as a page that said that nothing was found."""
    (tmp_path / "ca.pem").write_text("<html>404</html>", encoding="utf-8")
    speaker.settings["broker_ca"] = str(tmp_path / "ca.pem")
    found = await speaker.found()
    assert (found.grade, "certificate" in found.text) == (Grade.WRONG, True), found
    assert "hearthside broker ca" in found.fix


async def test_a_broker_that_is_not_there_is_told(speaker: Speaker) -> None:
    """With the key that holds its address."""
    speaker.settings["broker"] = "https://127.0.0.1:9"
    found = await speaker.found()
    assert (found.grade, "cannot be reached (Connection refused)" in found.text) == (Grade.WRONG, True), found
    assert "conversation.openai.broker" in found.fix


async def test_what_is_no_broker_is_told(speaker: Speaker, there: Stage) -> None:
    """The provider itself, for instance."""
    speaker.settings["broker"] = there.provider.http_url.rpartition("/v1")[0]
    found = await speaker.found()
    assert found.grade is Grade.WRONG
    assert "conversation.openai.broker" in found.fix or "log" in found.fix


async def test_without_a_broker_there_is_none_to_look_at(speaker: Speaker) -> None:
    """Most devices have a key of their own."""
    speaker.settings.clear()
    assert (await speaker.found()).grade is Grade.SKIPPED


async def test_who_may_not_see_the_token_is_told_to_use_sudo(speaker: Speaker) -> None:
    """That the broker answers was seen all the same."""
    speaker.given = {keys.TOKEN: Kept(None, "/etc/credstore", "only root may look into it", forbidden=True)}
    found = await speaker.found()
    assert (found.grade, "answers" in found.text, "sudo" in found.text) == (Grade.SKIPPED, True, True)


async def test_the_command_says_it_and_shows_no_token(speaker: Speaker, there: Stage, tmp_path: Path) -> None:
    """From a configuration in a file."""
    token = await there.device("kitchen")
    speaker.enrolled(token)
    lines = [f'{name} = "{value}"' for name, value in speaker.settings.items()]
    file = tmp_path / "config.toml"
    file.write_text(
        "\n".join([f'[service]\nstate_dir = "{speaker.state}"', "[conversation.openai]", *lines]), encoding="utf-8"
    )
    command = [sys.executable, "-m", "device", "doctor", "--json", "--silent", "--config", str(file)]
    run = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=120)
    (found,) = (one for one in json.loads(run.stdout)["findings"] if one["check"] == "broker")
    assert (found["grade"], "kitchen" in found["text"]) == ("well", True), found
    assert token not in run.stdout + run.stderr
