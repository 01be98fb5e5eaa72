"""A device without a key, as people run it: its broker and its provider speak TLS, and somebody gets an answer."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from device.cli import main
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.understanding import Understanding
from device.sim.person.voice import Person
from device.sim.realtime import Reply, Script, SimulatedRealtime
from device.sim.realtime.tls import make_certificate, server_context
from tests.ports import free_port
from tests.scenarios.house import write_config
from tests.scenarios.process import COMMAND, daemon

pytestmark = pytest.mark.patient

KEY = "sk-only-the-broker-has-this-0123"


async def test_a_device_without_a_key_answers(
    virtual_card: VirtualSoundCard,
    understanding: Understanding,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Enrolled by a single-use token; the key is nowhere on it, and no secret is in any log."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    certificate, port = make_certificate(tmp_path, "127.0.0.1"), free_port()
    trusting = {"SSL_CERT_FILE": str(certificate)}
    script = Script(answer=lambda _: Reply("I am here, and this is a sentence."))
    tls = server_context(certificate)
    async with SimulatedRealtime(understanding=understanding, key=KEY, tls=tls, script=script) as provider:
        settings = write_broker_settings(tmp_path, provider, port)
        assert main(["broker", "token", "kitchen", "--config", str(settings)]) == 0
        token = capsys.readouterr().out.strip()
        serving = await asyncio.create_subprocess_exec(
            *(COMMAND, "broker", "serve", "--config", settings),
            env={**os.environ, **trusting, "OPENAI_API_KEY": KEY},
            stderr=asyncio.subprocess.PIPE,
        )
        assert serving.stderr is not None
        assert b"ready" in await asyncio.wait_for(serving.stderr.readline(), 30)
        broker = [f"broker=https://127.0.0.1:{port}", f"broker_ca={tmp_path}/broker/tls/ca.pem"]
        overrides = [f"conversation.openai.{line}" for line in broker]
        env = {**trusting, "HEARTHSIDE_ENROLMENT": token}
        async with daemon(virtual_card, None, write_config(tmp_path, provider.url), overrides, env=env) as device:
            await device.logged("enrolled with the broker")
            await device.hear(Person(virtual_card.play_into_room), "hello")
            await device.logged("PlaybackFinished")
            assert token.encode() not in environment_of(device.process.pid)
            assert (await device.end())[0] == 0
        serving.terminate()
        said = (await serving.stderr.read()).decode()
        assert await serving.wait() == 0
    assert provider.journal.sent("response.output_audio.delta")
    kept = (tmp_path / "state" / "hearthside_broker_token").read_text()
    for secret in (KEY, token, kept):
        assert secret[4:24] not in device.log + said
    assert not re.search(r"\bek_\w+", device.log + said)
    assert main(["broker", "audit", "--config", str(settings)]) == 0
    outcomes = [line.partition("127.0.0.1")[2].strip() for line in capsys.readouterr().out.splitlines()[1:]]
    assert outcomes == ["enrol: ok", "secret: given"]


def environment_of(process: int) -> bytes:
    """Return what /proc shows of it."""
    return Path(f"/proc/{process}/environ").read_bytes()


def write_broker_settings(folder: Path, provider: SimulatedRealtime, port: int) -> Path:
    """Write the file of a broker before a provider."""
    path = folder / "broker.toml"
    path.write_text(
        f'[broker]\nport = {port}\nnames = ["127.0.0.1"]\nstate_dir = "{folder}/broker"\n'
        f'provider_url = "{provider.http_url}/realtime/client_secrets"\n'
    )
    return path
