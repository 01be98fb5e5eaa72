"""The whole broker at a socket: enrolling, secrets, limits, and what it never says or keeps."""

from __future__ import annotations

import asyncio
import logging
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from device.broker import tls
from device.broker.desk import Desk
from device.broker.store import FILE, Store
from device.broker.web import Door, Patience
from device.sim.realtime.script import Refusal, Script
from tests.broker.stage import KEY, MODEL, SESSION, Caller, broker


async def test_an_enrolled_device_gets_secrets_that_open_sessions(tmp_path: Path) -> None:
    """Of the provider's own making; its clock need not be right to know for how long."""
    async with broker(tmp_path) as stage:
        enrolled = await stage.caller.enrol(stage.enrolment())
        assert enrolled.status == 201
        assert enrolled.body["name"] == "kitchen"
        secret = await stage.caller.secret(enrolled.body["device_token"], expires_after={"seconds": 60})
        assert secret.status == 200
        assert secret.headers["cache-control"] == "no-store"
        assert (secret.body["expires_in"], secret.body["session"]) == (60, SESSION)
        headers = {"Authorization": f"Bearer {secret.body['value']}"}
        url = f"{stage.provider.url}?model={MODEL}"
        async with aiohttp.ClientSession() as http, http.ws_connect(url, headers=headers) as session:
            assert (await session.receive_json())["type"] == "session.created"
        assert stage.outcomes() == ["- enrolment token: made", "kitchen enrol: ok", "kitchen secret: given"]


async def test_a_token_enrols_once(tmp_path: Path) -> None:
    """Whoever comes second is told what to do."""
    async with broker(tmp_path) as stage:
        token = stage.enrolment()
        assert (await stage.caller.enrol(token)).status == 201
        again = await stage.caller.enrol(token, "bath")
        assert (again.status, again.code) == (401, "invalid_token")
        assert "hearthside broker token" in again.body["error"]["message"]


async def test_a_name_is_taken_over_only_by_a_token_for_it(tmp_path: Path) -> None:
    """A second token of any kind is no way to another's place, and is not used up by the attempt."""
    async with broker(tmp_path) as stage:
        old = await stage.device()
        any_other = stage.enrolment()
        refused = await stage.caller.enrol(any_other)
        assert (refused.status, refused.code) == (409, "name_taken")
        assert (await stage.caller.enrol(stage.enrolment("kitchen"), "raspberrypi")).body["name"] == "kitchen"
        assert (await stage.caller.secret(old)).status == 401
        assert (await stage.caller.enrol(any_other, "bath")).status == 201


async def test_a_revoked_device_is_told_so(tmp_path: Path) -> None:
    """From the moment on at which the command says it, in another process."""
    async with broker(tmp_path) as stage:
        token, other = await stage.device(), await stage.device("bath")
        assert (await stage.caller.secret(token)).status == 200
        store = Store(tmp_path)
        store.revoke("kitchen", 1)
        store.close()
        refused = await stage.caller.secret(token)
        assert (refused.status, refused.code) == (403, "revoked")
        assert (await stage.caller.secret(other)).status == 200
        assert stage.provider.asked_for_secrets == 2


async def test_a_device_may_ask_whether_it_is_known(tmp_path: Path) -> None:
    """It hears its own name and gets nothing; it is counted as any request, and strangers are refused."""
    async with broker(tmp_path, requests_per_minute=2) as stage:
        token = await stage.device("kitchen")
        known = await stage.caller.post("/check", {}, token)
        assert (known.status, known.body) == (200, {"name": "kitchen"})
        assert (await stage.caller.post("/check", {})).code == "invalid_token"
        await stage.caller.post("/check", {}, token)
        assert (await stage.caller.post("/check", {}, token)).status == 429
        assert stage.outcomes()[-2:] == ["- check: invalid_token", "kitchen check: rate_limit_exceeded"]
        assert not any("secret" in outcome for outcome in stage.outcomes())


async def test_a_day_and_a_minute_have_their_limits(tmp_path: Path) -> None:
    """The provider is not asked; the device is told for how long to wait."""
    async with broker(tmp_path, secrets_per_day=2, requests_per_minute=4) as stage:
        token = await stage.device()
        answers = [await stage.caller.secret(token) for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 429, 429, 429]
        assert [answer.code for answer in answers[2:]] == ["budget_spent", "budget_spent", "rate_limit_exceeded"]
        assert 0 < int(answers[4].headers["retry-after"]) <= 16
        assert int(answers[2].headers["retry-after"]) <= 86_401
        assert stage.provider.asked_for_secrets == 2


@pytest.mark.parametrize(
    ("provider", "code"),
    [
        (Refusal(401, "invalid_api_key", f"Incorrect API key provided: {KEY[:12]}***6789"), "provider_refused_key"),
        (Refusal(429, "insufficient_quota"), "provider_busy"),
        (Refusal(400, "model_not_found"), "provider_refused_model"),
        (Refusal(500), "provider_trouble"),
        (Refusal(302), "provider_trouble"),
        (Refusal(204), "provider_trouble"),
    ],
)
async def test_a_provider_that_refuses_costs_nothing_of_the_day(
    tmp_path: Path, provider: Refusal, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The device is told that it is not its fault; the log has the reason without the key."""
    async with broker(tmp_path, secrets_per_day=1) as stage:
        token = await stage.device()
        stage.provider.script = Script(refuse_secret=provider)
        refused = await stage.caller.secret(token)
        assert (refused.status // 100, refused.code) == (5, code)
        stage.provider.script = Script()
        assert (await stage.caller.secret(token)).status == 200
        assert f"kitchen secret: {code}" in stage.outcomes()
    assert KEY[:12] not in caplog.text
    assert "the provider" in caplog.text


async def test_without_its_provider_it_says_so(tmp_path: Path) -> None:
    """And serves on."""
    async with broker(tmp_path) as stage:
        token = await stage.device()
        await stage.provider.stop()
        refused = await stage.caller.secret(token)
        assert (refused.status, refused.code) == (503, "provider_unreachable")


async def test_what_cannot_be_written_down_is_not_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No secret without its line in the audit log."""
    async with broker(tmp_path) as stage:
        token = await stage.device()
        store = Store(tmp_path)
        store._connection.execute("DROP TABLE audit")
        store.close()
        refused = await stage.caller.secret(token)
        assert (refused.status, refused.code) == (503, "broker_trouble")
        assert stage.provider.asked_for_secrets == 0
    assert FILE in caplog.text


async def test_a_flood_of_wrong_tokens_waits_and_does_not_fill_the_log(tmp_path: Path) -> None:
    """A device at the same address is served on."""
    async with broker(tmp_path, refusals_per_minute=3) as stage:
        token = await stage.device()
        wrong = token[:-4] + "0000"
        assert [(await stage.caller.secret(wrong)).status for _ in range(5)] == [401, 401, 401, 429, 429]
        assert stage.outcomes().count("- secret: invalid_token") == 3
        assert (await stage.caller.secret(token)).status == 200


def everything_in(folder: Path) -> bytes:
    """Return what its files hold."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_nothing_secret_is_kept_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither tokens nor secrets nor the key: not in any file, not in any line, also when they come in wrong places."""
    caplog.set_level(logging.DEBUG)
    async with broker(tmp_path) as stage:
        enrolment = stage.enrolment()
        token = (await stage.caller.enrol(enrolment)).body["device_token"]
        secret = (await stage.caller.secret(token)).body["value"]
        await stage.caller.enrol(token, enrolment)
        await stage.caller.enrol(enrolment, token)
        await stage.caller.enrol(enrolment, "bath")
        await stage.caller.secret(enrolment)
        await stage.caller.secret(token, {"type": "realtime", "model": secret})
        await stage.caller.post(f"/{token}", {})
        await stage.caller.send(f"POST /enrol?{token} HTTP/1.1\r\nHost: {enrolment}\r\n{secret}\r\n\r\n".encode())
    kept = everything_in(tmp_path)
    for what in (enrolment, token, secret, KEY):
        for piece in (what, what[4:24], what[-20:]):
            assert piece.encode() not in kept
            assert piece not in caplog.text


def test_two_that_make_the_authority_at_once_use_the_same(tmp_path: Path) -> None:
    """`broker ca` is called while the service starts for the first time."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: tls.own_certificate(tmp_path, ["localhost"]), range(4)))
    authority = (made[0].parent / tls.AUTHORITY).read_text(encoding="ascii")
    assert [path.read_text(encoding="ascii").count("BEGIN CERTIFICATE") for path in made] == [1] * 4
    assert ssl.create_default_context(cadata=authority).get_ca_certs()
    assert [path.name for path in tmp_path.iterdir()] == [tls.FOLDER]


async def test_its_own_certificate_is_trusted_by_its_authority_alone(tmp_path: Path) -> None:
    """Also as strictly as Python 3.13 looks; plain HTTP and other names get nowhere."""
    async with broker(tmp_path, tls="own", names=("127.0.0.1", "broker.home")) as stage:
        stage.caller._tls = strict = ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.pem"))
        strict.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        assert (await stage.caller.enrol(stage.enrolment())).status == 201
        port = stage.caller.port
        with pytest.raises(ssl.SSLCertVerificationError, match=r"Hostname mismatch|not valid for"):
            await Caller(port, tmp_path / "tls" / "ca.pem", host="localhost").enrol("x")
        stranger = Caller(port)
        stranger._tls = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await stranger.enrol("x")
        assert await Caller(port).send(b"POST /enrol HTTP/1.1\r\nHost: x\r\n\r\n") == b""


async def test_whoever_is_slow_is_told_and_whoever_says_nothing_is_cut(tmp_path: Path) -> None:
    """A body that does not come gets 408; a connection without a request ends; others are served meanwhile."""
    desk: Any = object.__new__(Desk)
    desk.enrol = lambda body, address: asyncio.sleep(0, {})
    async with Door(desk, "127.0.0.1", 0, None, Patience(body=0.1, connection=3)) as door:
        caller = Caller(door.port)
        idle = [asyncio.create_task(caller.send(b"POST /enrol HTTP/1.1\r\nHo")) for _ in range(3)]
        slow = await caller.send(b"POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        assert slow.startswith(b"HTTP/1.1 408")
        assert (await caller.enrol("x")).status == 201
        assert await asyncio.gather(*idle) == [b""] * 3


async def test_a_crowd_of_connections_loses_its_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps many open keeps nobody out."""
    monkeypatch.setattr("device.broker.web._MOST_CONNECTIONS", 5)
    async with Door(object.__new__(Desk), "127.0.0.1", 0, None, Patience(connection=2)) as door:
        caller = Caller(door.port)
        crowd = [asyncio.create_task(caller.send(b"POST")) for _ in range(12)]
        done, _ = await asyncio.wait(crowd, timeout=1.0)
        assert 7 <= len(done) < 12
        # Who is sent away before anybody has read what they sent is told so by a reset.
        await asyncio.gather(*crowd, return_exceptions=True)


async def test_a_body_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """Whatever its length is said to be."""
    async with broker(tmp_path) as stage:
        assert (await stage.caller.enrol("x" * 10_000)).status == 413
        chunked = b"POST /enrol HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        raw = await stage.caller.send(
            chunked + b"1000\r\n" + b"x" * 4096 + b"\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n0\r\n\r\n"
        )
        assert raw.startswith(b"HTTP/1.1 413")


async def test_one_thread_is_enough(tmp_path: Path) -> None:
    """Twenty devices at once wait for each other and are all served."""
    async with broker(tmp_path, secrets_per_day=5) as stage:
        names = [f"device-{number}" for number in range(20)]
        devices = await asyncio.gather(*(stage.device(name) for name in names))
        answers = await asyncio.gather(*(stage.caller.secret(token) for token in devices * 6))
        assert sum(answer.status == 200 for answer in answers) == 100
        assert {answer.code for answer in answers if answer.status != 200} == {"budget_spent"}
