"""What is made of the way to the provider; and the way itself, over real sockets."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.house import configuration
from device.ports.provider import Endpoint
from device.setup.doctor.finding import Finding, Grade
from device.setup.doctor.network import Connection, Name, Network, Way, find_way, judge_network, judge_way
from device.setup.doctor.patient import Patient
from device.sim.realtime.tls import make_certificate, server_context
from device.units import Ms
from tests.conversation.refusing_server import answering

THERE = Endpoint("api.example", 443, True)
FOUND = Name("api.example", ("192.0.2.1",), Ms(5))


def patient(url: str) -> Patient:
    """Return one whose provider is there."""
    return Patient(configuration.parse({"conversation": {"openai": {"url": url}}}), None, "", None, {})


async def found(url: str) -> dict[str, Finding]:
    """Return what is found on the way to a server, by the name of the check."""
    return {finding.check: finding for finding in judge_way(await find_way(patient(url)))}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way is the direct one."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


async def test_a_server_that_is_trusted_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connected, and TLS agreed on."""
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with answering(b"", tls=server_context(certificate)) as url:
        way = await found(url)
    assert way["provider"].grade is Grade.WELL
    assert way["tls"].grade is Grade.WELL
    assert "TLSv1" in way["tls"].text


async def test_a_server_that_is_not_trusted_is_wrong(tmp_path: Path) -> None:
    """As one whose certificate nobody has signed."""
    tls: ssl.SSLContext = server_context(make_certificate(tmp_path, "127.0.0.1"))
    async with answering(b"", tls=tls) as url:
        way = await found(url)
    assert way["tls"].grade is Grade.WRONG
    assert "self" in way["tls"].text


async def test_a_port_where_nobody_listens_is_wrong() -> None:
    """In one finding."""
    async with answering(b"") as url:
        pass
    way = await found(url)
    assert way["provider"].grade is Grade.WRONG
    assert "refused" in way["provider"].text
    assert "tls" not in way


async def test_a_name_that_leads_nowhere_is_told_once() -> None:
    """And nothing is connected to."""
    [finding] = judge_way(await find_way(patient("wss://nowhere.invalid/v1")))
    assert (finding.check, finding.grade) == ("dns", Grade.WRONG)


async def test_behind_a_proxy_nothing_is_tried_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would only fail."""
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy:1")
    way = await found("wss://api.example/v1")
    assert way["provider"].grade is Grade.SKIPPED
    assert "secret" not in way["provider"].text


@pytest.mark.parametrize(
    ("network", "grade"),
    [
        (Network(True, "api.example", False), Grade.WELL),
        (Network(False, "api.example", False), Grade.WRONG),
        (Network(False, "192.168.1.2", True), Grade.HINT),
        (Network(False, "", False), Grade.HINT),
    ],
)
def test_a_way_out_is_needed_only_by_a_provider_outside(network: Network, grade: Grade) -> None:
    """One in the house does without."""
    assert judge_network(network)[0].grade is grade


DURATIONS = st.one_of(st.none(), st.floats(0, 10_000).map(Ms))
CONNECTIONS = st.builds(
    Connection,
    endpoint=st.builds(Endpoint, st.just("api.example"), st.just(443), st.booleans()),
    proxied=st.booleans(),
    connected=DURATIONS,
    secured=DURATIONS,
    version=st.just("TLSv1.3"),
    expires=st.one_of(st.none(), st.floats(0, 2e9)),
    error=st.just("no"),
    now=st.floats(0, 2e9),
)


@given(st.one_of(st.none(), st.just(FOUND)), st.one_of(st.none(), CONNECTIONS))
def test_every_way_is_judged(name: Name | None, connection: Connection | None) -> None:
    """What is not well says what to do."""
    findings = judge_way(Way(name, connection))
    assert findings
    assert all(finding.fix for finding in findings if finding.grade in (Grade.WRONG, Grade.HINT))


def test_a_certificate_that_ends_soon_is_a_hint() -> None:
    """For whoever runs the server."""
    made = Connection(THERE, False, Ms(5), Ms(9), "TLSv1.3", expires=3 * 86_400.0, now=0.0)
    tls = judge_way(Way(FOUND, made))[-1]
    assert (tls.check, tls.grade) == ("tls", Grade.HINT)
    assert "3 days" in tls.text
