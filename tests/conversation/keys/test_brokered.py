"""A device without a key, its broker with TLS, and the provider: real sockets between all three."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.broker.store import Store
from device.conversation.openai.keys import ENROLMENT, KEY
from device.conversation.openai.keys.brokered import BrokeredKeys
from device.conversation.openai.link import LinkError
from device.conversation.openai.provider import OPENAI
from device.conversation.openai.settings import OpenAI
from device.core import events as ev
from device.core.actions import TurnEnd
from device.core.events import Device, DeviceFailed, DeviceRecovered, Failure
from device.errors import ConfigError
from device.ports.provider import Ends
from device.secrets import Secret
from device.sim.realtime.script import Refusal, Script
from tests.broker.stage import Stage, broker
from tests.ports import free_port
from tests.waiting import until

OWN = "sk-of-the-device-itself-0123"


class Speaker:
    """A device's conversation, and what it posts."""

    def __init__(self, folder: Path, secrets: dict[str, str], **settings: Any) -> None:
        self.posted: list[ev.Event] = []
        given = {name: Secret(value) for name, value in secrets.items()}
        ends = Ends("", tuple, given, folder, self.posted.append, lambda *_: None, lambda *_: None)
        self.conversation: Any = OPENAI.open(OpenAI(**settings), ends)
        self.keys: BrokeredKeys = self.conversation._keys
        self._turn = 0

    async def asks(self) -> ev.Event:
        """Open a session; return what came of it."""
        self._turn += 1
        self.conversation.open(self._turn, TurnEnd.PROVIDER)
        return await self.told(ev.SessionReady, ev.SessionFailed, turn=self._turn)

    async def told(self, *kinds: type, turn: int | None = None) -> Any:
        """Wait until something of a kind was posted, and return the newest of it."""

        def found() -> list[Any]:
            return [e for e in self.posted if isinstance(e, kinds) and turn in (None, getattr(e, "turn", None))]

        await until(found, str(kinds))
        return found()[-1]


@asynccontextmanager
async def speaker(stage: Stage, folder: Path, secrets: dict[str, str], **settings: Any) -> AsyncIterator[Speaker]:
    """A device with a stage's broker, whose certificate it trusts."""
    address = f"https://127.0.0.1:{stage.settings.port}"
    defaults = {"url": stage.provider.url, "broker": address, "broker_ca": str(stage.folder / "tls" / "ca.pem")}
    device = Speaker(folder, secrets, **{**defaults, **settings})
    try:
        yield device
    finally:
        await device.conversation.aclose()


@asynccontextmanager
async def trusted(folder: Path, **settings: Any) -> AsyncIterator[Stage]:
    """A broker with TLS."""
    async with broker(folder / "broker", tls="own", **settings) as stage:
        yield stage


@asynccontextmanager
async def enrolled(folder: Path, **settings: Any) -> AsyncIterator[tuple[Stage, Speaker]]:
    """A broker, and a device with a token for it."""
    async with (
        trusted(folder, **settings) as stage,
        speaker(stage, folder / "state", {ENROLMENT: stage.enrolment("kitchen")}) as device,
    ):
        yield stage, device


async def test_a_device_without_a_key_enrols_and_talks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And after a restart goes on with what it keeps; no word of the log has a secret in it."""
    caplog.set_level(logging.DEBUG)
    async with trusted(tmp_path) as stage:
        enrolment = stage.enrolment("kitchen")
        async with speaker(stage, tmp_path / "state", {ENROLMENT: enrolment}) as device:
            assert isinstance(await device.asks(), ev.SessionReady)
            assert not any(isinstance(event, DeviceFailed) for event in device.posted)
        async with speaker(stage, tmp_path / "state", {ENROLMENT: enrolment}) as device:
            assert isinstance(await device.asks(), ev.SessionReady)
        assert stage.outcomes() == [
            *("kitchen enrolment token: made", "kitchen enrol: ok"),
            *("kitchen secret: given", "kitchen secret: given"),
        ]
        token = (tmp_path / "state" / "hearthside_broker_token").read_text()
        key = device.keys._key
        assert key is not None
        for secret in (enrolment, token, key.reveal()):
            assert secret[4:24] not in caplog.text


def revealed_names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return [path.name for path in folder.iterdir()]


async def test_an_enrolment_token_may_lie_in_the_state_folder(tmp_path: Path) -> None:
    """It is gone when it is used."""
    async with trusted(tmp_path) as stage:
        folder = tmp_path / "state"
        folder.mkdir()
        (folder / "hearthside_enrolment").write_text(stage.enrolment() + "\n")
        async with speaker(stage, folder, {}) as device:
            assert isinstance(await device.asks(), ev.SessionReady)
        assert revealed_names(folder) == ["hearthside_broker_token"]


async def test_the_wake_word_waits_for_nothing(tmp_path: Path) -> None:
    """A key is at hand, also when the broker has gone meanwhile; opening asks nobody for another."""
    async with trusted(tmp_path) as stage, speaker(stage, tmp_path, {ENROLMENT: stage.enrolment()}) as device:
        await until(lambda: device.keys._key is not None)
        for _ in range(3):
            assert isinstance(await device.asks(), ev.SessionReady)
        assert stage.provider.asked_for_secrets == 1
        # Not even a turn of the event loop.
        current = device.keys.current()
        with pytest.raises(StopIteration) as done:
            current.send(None)
        assert isinstance(done.value.value, Secret)


async def test_it_is_renewed_before_it_ends(tmp_path: Path) -> None:
    """By the device's own clock, from when it asked."""
    async with enrolled(tmp_path, secret_s=10) as (stage, device):
        await until(lambda: device.keys._key is not None)
        first, began = device.keys._key, asyncio.get_running_loop().time()
        await until(lambda: device.keys._key is not first)
        assert 5 < asyncio.get_running_loop().time() - began < 9
        assert stage.provider.asked_for_secrets == 2


async def test_a_broker_that_is_down_is_told_and_comes_back(tmp_path: Path) -> None:
    """Asked meanwhile, it says why; a wish wakes the next attempt, so that nobody waits for the pause to end."""
    port = free_port()
    async with trusted(tmp_path, port=port) as stage:
        enrolment, ca = stage.enrolment(), stage.folder / "tls" / "ca.pem"
    secrets = {ENROLMENT: enrolment}
    settings = {"broker": f"https://127.0.0.1:{port}", "broker_ca": str(ca), "url": "ws://127.0.0.1:9/v1/realtime"}
    device = Speaker(tmp_path / "state", secrets, **settings)
    failed = await device.told(DeviceFailed)
    assert failed.device is Device.BROKER
    assert "the broker 127.0.0.1 cannot be reached (Connection refused)" in failed.message
    assert "conversation.openai.broker" in failed.message
    refused = await device.asks()
    assert isinstance(refused, ev.SessionFailed)
    assert refused.failure is Failure.BROKER
    async with trusted(tmp_path, port=port):
        # The provider of this stage is another; what counts is that there is a key.
        device.keys._wanted.set()
        await device.told(DeviceRecovered)
    await device.conversation.aclose()


async def test_a_key_of_its_own_helps_out(tmp_path: Path) -> None:
    """At once; the broker's trouble is told all the same."""
    async with trusted(tmp_path) as stage:
        stage.provider.key = OWN
        settings = {"broker": f"https://127.0.0.1:{free_port()}"}
        async with speaker(stage, tmp_path, {KEY: OWN}, **settings) as device:
            assert isinstance(await device.asks(), ev.SessionReady)
            assert (await device.told(DeviceFailed)).device is Device.BROKER


async def test_a_revoked_device_is_told_and_can_be_enrolled_again_while_it_runs(tmp_path: Path) -> None:
    """A new token in its state folder is enough."""
    async with enrolled(tmp_path) as (stage, device):
        await until(lambda: device.keys._key is not None)
        store = Store(stage.folder)
        store.revoke("kitchen", 1)
        store.close()
        assert device.keys._key is not None
        device.keys.refuse(device.keys._key)
        refused = await device.asks()
        assert isinstance(refused, ev.SessionFailed)
        assert refused.failure is Failure.BROKER_REFUSED
        assert "has revoked this device" in refused.message
        (tmp_path / "state" / "hearthside_enrolment").write_text(stage.enrolment("kitchen"))
        assert isinstance(await device.asks(), ev.SessionReady)
        await device.told(DeviceRecovered)


async def test_a_key_that_the_provider_refuses_is_replaced(tmp_path: Path) -> None:
    """The account's owner may have ended it."""
    async with trusted(tmp_path) as stage, speaker(stage, tmp_path, {ENROLMENT: stage.enrolment()}) as device:
        await until(lambda: device.keys._key is not None)
        stage.provider._secrets.clear()
        refused = await device.asks()
        assert isinstance(refused, ev.SessionFailed)
        assert refused.failure is Failure.REFUSED_KEY
        assert isinstance(await device.asks(), ev.SessionReady)


@pytest.mark.parametrize(
    ("broker_settings", "settings", "scripted", "failure"),
    [
        ({"models": ("gpt-realtime",)}, {}, None, Failure.UNKNOWN_MODEL),
        ({}, {}, Refusal(401, "invalid_api_key"), Failure.REFUSED_KEY),
        ({}, {}, Refusal(429, "insufficient_quota"), Failure.BUSY),
        ({}, {"broker_ca": ""}, None, Failure.BROKER),
    ],
)
async def test_why_there_is_no_key_is_told(
    tmp_path: Path, broker_settings: Any, settings: Any, scripted: Refusal | None, failure: Failure
) -> None:
    """In the words for it."""
    async with trusted(tmp_path, **broker_settings) as stage:
        stage.provider.script = Script(refuse_secret=scripted)
        async with speaker(stage, tmp_path, {ENROLMENT: stage.enrolment()}, **settings) as device:
            refused = await device.asks()
            assert isinstance(refused, ev.SessionFailed)
            assert refused.failure is failure


async def test_the_day_s_share_is_told(tmp_path: Path) -> None:
    """When the last key is no longer good."""
    async with enrolled(tmp_path, secrets_per_day=1) as (_, device):
        assert isinstance(await device.asks(), ev.SessionReady)
        key = device.keys._key
        assert key is not None
        device.keys.refuse(key)
        refused = await device.asks()
        assert isinstance(refused, ev.SessionFailed)
        assert refused.failure is Failure.BROKER_SPENT


async def test_no_token_is_used_up_when_the_new_one_cannot_be_kept(tmp_path: Path) -> None:
    """The disk is asked first."""
    async with trusted(tmp_path) as stage:
        enrolment = stage.enrolment()
        (tmp_path / "state").write_text("no folder")
        async with speaker(stage, tmp_path / "state", {ENROLMENT: enrolment}) as device:
            failed = await device.told(DeviceFailed)
            assert "cannot be kept" in failed.message
            (tmp_path / "state").unlink()
            assert isinstance(await device.asks(), ev.SessionReady)


async def test_a_device_that_can_never_get_a_key_does_not_start(tmp_path: Path) -> None:
    """It says what to do; so does one whose broker's certificate is not there."""
    with pytest.raises(ConfigError, match="hearthside broker token"):
        Speaker(tmp_path, {}, broker="https://127.0.0.1:1")
    with pytest.raises(ConfigError, match="broker_ca: there is no file"):
        Speaker(tmp_path, {KEY: OWN}, broker="https://127.0.0.1:1", broker_ca=str(tmp_path / "ca.pem"))


async def test_a_silent_broker_keeps_nobody_waiting_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It took the connection and says nothing."""
    monkeypatch.setattr("device.conversation.openai.keys.brokered.PATIENCE_S", 0.2)
    taken: list[asyncio.StreamWriter] = []
    # Held: from Python 3.13 on a connection that nobody holds is closed.
    server = await asyncio.start_server(lambda reader, writer: taken.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    device = Speaker(tmp_path, {ENROLMENT: "hse_" + "0" * 64}, broker=f"http://127.0.0.1:{port}")
    with pytest.raises(LinkError, match="has not answered"):
        await device.keys.current()
    await until(lambda: taken, "a connection")
    began = asyncio.get_running_loop().time()
    await device.conversation.aclose()
    assert asyncio.get_running_loop().time() - began < 1
    taken[0].close()
    server.close()


@pytest.mark.parametrize(
    "url",
    ["http://192.168.1.7:8788", "broker.home", "https://", "https://a:b@c", "https://broker/enrol", "https://b:x"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """With what it looks like."""
    (mistake,) = OPENAI.table.mistakes(OpenAI(broker=url))
    assert mistake.key == "broker"
    assert "https://HOST:8788" in mistake.text
