"""The connection, with a real broker."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import math
import os
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.kit import backoff
from device.secrets import Secret
from device.tools.mqtt import link as link_module
from device.tools.mqtt import wire
from device.tools.mqtt.link import Link
from device.tools.mqtt.messages import LARGEST_PAYLOAD, Message
from tests.ports import free_port
from tests.tools.mqtt.brokers import Broker, onlooker, running, settings_for
from tests.waiting import until

AVAILABILITY = "hearthside/kitchen/availability"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for minutes in a test."""
    monkeypatch.setattr(backoff, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(link_module, "REFUSED_PAUSE_S", 0.05)
    monkeypatch.setattr(wire, "KEEPALIVE_S", 1)
    monkeypatch.setattr(wire, "_LOOK_S", 0.05)


def why(link: Link) -> str:
    """Return what its health says."""
    (health,) = link.health()
    return "" if health.ok else f"{health.why}; {health.what_to_do}"


async def test_messages_come_and_go(tmp_path: Path) -> None:
    """To whoever subscribed, before or after the connection was made; and each knows whether it is an old one."""
    heard: list[Message] = []
    with Broker(tmp_path) as broker:
        async with onlooker(broker) as other:
            other.publish("house/bell", "old", retain=True)
            link = Link(settings_for(broker))
            link.subscribe("house/+", heard.append)
            async with running(link):
                await until(lambda: len(heard) == 1, "the retained message")
                link.subscribe("garden/#", heard.append)
                link.publish("hearthside/said", "hello")
                await other.sees("hearthside/said", "hello")
                other.publish("house/bell", b"\xff\x00")
                await until(lambda: len(heard) == 2, "the new message")
                for _ in range(50):
                    # It is subscribed to at some time.
                    other.publish("garden/shed/door", "open")
                    await asyncio.sleep(0.01)
                    if len(heard) > 2:
                        break
                link.unsubscribe("house/+", heard.append)
                assert heard[0] == Message("house/bell", b"old", retained=True)
                assert heard[1] == Message("house/bell", b"\xff\x00")
                assert heard[2] == Message("garden/shed/door", b"open")


async def test_it_says_whether_it_is_there(tmp_path: Path) -> None:
    """When it comes, when it goes, and when it is torn away without a word."""
    with Broker(tmp_path) as broker:
        async with onlooker(broker) as other:
            link = Link(settings_for(broker))
            async with running(link):
                await other.sees(AVAILABILITY, "online")
            await other.sees(AVAILABILITY, "offline")
            other.seen.clear()
            async with running(link):
                await other.sees(AVAILABILITY, "online")
                assert link._wire is not None
                link._wire._socket.shutdown(socket.SHUT_RDWR)
                gone_and_back = ["online", "offline", "online"]
                await until(lambda: other.on(AVAILABILITY) == gone_and_back, "its will, and its return")


async def test_a_broker_that_comes_back_is_used_again(tmp_path: Path) -> None:
    """What was subscribed to is subscribed to anew, and whoever publishes is told."""
    heard: list[Message] = []
    told: list[str] = []
    with Broker(tmp_path) as broker:
        link = Link(settings_for(broker))
        link.subscribe("house/bell", heard.append)
        link.when_connected.append(lambda: told.append("connected"))
        link.when_lost.append(lambda: told.append("lost"))
        async with running(link):
            for number, end in enumerate((broker.stop, broker.kill), start=1):
                end()
                await until(lambda: not link.is_connected, "the loss")
                assert "the connection to the broker was lost" in why(link) or "cannot be reached" in why(link)
                assert not link.publish("house/bell", "unheard")
                broker.start()
                await until(lambda: link.health()[0].ok, "a new connection")
                link.publish("house/bell", str(number))
                await until(lambda number=number: len(heard) == number, "what was published after it")  # type: ignore[misc]
            assert [message.payload for message in heard] == [b"1", b"2"]
            assert told == ["connected", "lost", "connected", "lost", "connected"]


async def test_a_good_connection_is_no_failure_of_the_ones_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However short it was: a broker that is restarted twice in a minute is not waited for that long."""
    tries: list[float] = []

    class Counting(backoff.Backoff):
        def pause_s(self, tried_for_s: float) -> float:
            tries.append(tried_for_s)
            return 0.02

    monkeypatch.setattr(link_module, "Backoff", Counting)
    with Broker(tmp_path) as broker:
        link = Link(settings_for(broker))
        async with running(link):
            broker.kill()
            await until(lambda: len(tries) > 2, "some tries")
            broker.start()
            await until(lambda: link.health()[0].ok, "a new connection")
            failed = len(tries)
            broker.kill()
            await until(lambda: len(tries) > failed, "the next loss")
    assert [math.isinf(tried_for_s) for tried_for_s in tries[:3]] == [True, False, False]
    assert math.isinf(tries[failed])


async def test_a_broker_that_hangs_is_noticed(tmp_path: Path) -> None:
    """Though its connections stay open; and used again when it goes on."""
    with Broker(tmp_path) as broker:
        link = Link(settings_for(broker))
        async with running(link):
            broker.hang()
            await until(lambda: not link.is_connected, "the loss")
            assert "does not answer" in why(link)
            broker.go_on()
            await until(lambda: link.health()[0].ok, "a new connection")


async def test_one_that_hangs_from_the_start_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel accepts connections for it."""
    monkeypatch.setattr(link_module, "CONNECT_LIMIT_S", 0.2)
    with Broker(tmp_path) as broker:
        broker.hang()
        link = Link(settings_for(broker))
        async with running(link, wait=False):
            await until(lambda: "127.0.0.1 does not answer" in why(link), "the refusal")
            monkeypatch.setattr(link_module, "CONNECT_LIMIT_S", 10.0)
            broker.go_on()
            await until(lambda: link.health()[0].ok, "a connection")


def with_password(folder: Path, *accounts: tuple[str, str]) -> Path:
    """Write mosquitto's file of passwords."""
    file = folder / "passwords"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}:{hashed(password)}\n" for name, password in accounts))
    return file


def hashed(password: str) -> str:
    """Return what mosquitto_passwd would write: PBKDF2 with SHA-512, 101 rounds."""
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


async def test_a_password_lets_it_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong one does not, is told, and stands in no log."""
    caplog.set_level(logging.DEBUG)
    password = "correct horse, Gr\u00fc\u00dfe"
    file = with_password(tmp_path, ("speaker", password))
    with Broker(tmp_path, f"password_file {file}", anonymous=False) as broker:
        settings = settings_for(broker, username="speaker")
        async with running(Link(settings, Secret(password))):
            pass
        for wrong in (Link(settings, Secret("battery-staple")), Link(settings_for(broker))):
            async with running(wrong, wait=False):
                await until(lambda wrong=wrong: "does not let this device in" in why(wrong), "the refusal")  # type: ignore[misc]
                assert "tools.mqtt.username" in why(wrong)
                assert not wrong.is_connected
    assert "horse" not in caplog.text
    assert "staple" not in caplog.text


async def test_topics_that_the_broker_keeps_from_it_are_told(tmp_path: Path) -> None:
    """It stays connected, and does what it may."""
    access = tmp_path / "access"
    access.write_text("topic readwrite hearthside/#\n")
    access.chmod(0o600)
    heard: list[Message] = []
    with Broker(tmp_path, f"acl_file {access}") as broker:
        link = Link(settings_for(broker))
        link.subscribe("hearthside/kitchen/say", heard.append)
        async with running(link):
            link.publish("secret/topic", "")
            await until(lambda: "does not let this device publish on secret/topic" in why(link), "the refusal")
            assert "access list" in why(link)
            link.subscribe("secret/#", heard.append)
            link.publish("hearthside/kitchen/say", "hello")
            await until(lambda: heard, "what it may hear")
            assert link.is_connected


async def test_topics_that_it_may_not_read_are_told() -> None:
    """Of brokers that say so (mosquitto keeps silent): MQTT 5.0, section 3.9.3, 0x87."""
    async with answering(b"\x20\x03\x00\x00\x00", b"\x40\x02\x00\x01\x90\x04\x00\x02\x00\x87") as port:
        link = Link(settings_for_port(port))
        link.subscribe("secret/topic", lambda message: None)
        async with running(link, wait=False):
            await until(lambda: "does not let this device read secret/topic" in why(link), "the refusal")
            assert link.is_connected


def authority(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """Make a certificate that vouches for itself; return it and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    key.chmod(0o600)
    return certificate, key


async def test_with_tls_only_the_right_broker_is_spoken_to(tmp_path: Path) -> None:
    """The one whose certificate is vouched for; and large messages pass in both directions."""
    certificate, key = authority(tmp_path)
    stranger, _ = authority(tmp_path, "stranger")
    heard: list[Message] = []
    with Broker(tmp_path, f"certfile {certificate}", f"keyfile {key}") as broker:
        link = Link(settings_for(broker, tls=True, ca_file=str(certificate)))
        link.subscribe("large", heard.append)
        async with running(link):
            for size in (1, 20_000, LARGEST_PAYLOAD):
                assert link.publish("large", b"x" * size)
            await until(lambda: len(heard) == 3, "all three")
            assert [len(message.payload) for message in heard] == [1, 20_000, LARGEST_PAYLOAD]
        for file, said in ((stranger, "is not trusted"), (tmp_path / "none.pem", "cannot be read as certificates")):
            wrong = Link(settings_for(broker, tls=True, ca_file=str(file)))
            async with running(wrong, wait=False):
                await until(lambda wrong=wrong, said=said: said in why(wrong), "the refusal")  # type: ignore[misc]
                assert "tools.mqtt.ca_file" in why(wrong)


async def test_with_tls_nothing_waits_for_what_comes_later(tmp_path: Path) -> None:
    """What a broker sends in one piece is decrypted at once, and no selector tells of the rest of it."""
    certificate, key = authority(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    heard: list[Message] = []
    messages = b"".join(b"\x30\x07\x00\x04bell\x00" for _ in range(3))
    async with answering(b"\x20\x03\x00\x00\x00", messages, tls=tls) as port:
        link = Link(settings_for_port(port, tls=True, ca_file=str(certificate)))
        link.subscribe("bell", heard.append)
        async with running(link, wait=False):
            await until(lambda: heard, "the first")
            # All of them came in the same moment.
            assert len(heard) == 3


async def test_what_is_too_large_is_left_out(tmp_path: Path) -> None:
    """By the broker already: the connection lives on."""
    heard: list[Message] = []
    with Broker(tmp_path) as broker:
        async with onlooker(broker) as other:
            link = Link(settings_for(broker))
            link.subscribe("house/#", heard.append)
            async with running(link):
                other.publish("house/huge", b"x" * 5_000_000)
                other.publish("house/large", b"x" * (LARGEST_PAYLOAD + 1))
                other.publish("house/small", b"x")
                await until(lambda: heard, "the small one")
                assert [message.topic for message in heard] == ["house/small"]
                assert link.health()[0].ok


@asynccontextmanager
async def in_between(broker: Broker, refusal: bytes = b"\x20\x02\x00\x01") -> AsyncIterator[int]:
    """Stand before a broker, as one that does not know MQTT 5; yield the port. It answers `refusal` and hangs up."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            writer.write(piece)
        writer.close()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(65_536)
        # After the fixed header (its length takes one byte here) and the name stands the version.
        if first[first.index(b"MQTT") + 4] == 5:
            writer.write(refusal)
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", broker.port)
        inner_writer.write(first)
        await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(welcome, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize("refusal", [b"\x20\x02\x00\x01", b""])
async def test_an_older_broker_is_spoken_to_in_its_own_version(tmp_path: Path, refusal: bytes) -> None:
    """Whether it says that it does not know MQTT 5, or just hangs up. And what is far too large is not read."""
    heard: list[Message] = []
    with Broker(tmp_path) as broker:
        async with in_between(broker, refusal) as port, onlooker(broker) as other:
            link = Link(settings_for(broker, port=port))
            link.subscribe("house/#", heard.append)
            async with running(link):
                other.publish("house/large", b"x" * (LARGEST_PAYLOAD + 1))
                other.publish("house/small", b"x")
                await until(lambda: heard, "the small one")
                assert [message.topic for message in heard] == ["house/small"]
                other.publish("house/huge", b"x" * 5_000_000)
                await until(lambda: not link.health()[0].ok, "the end of the connection")
                await until(lambda: link.health()[0].ok, "a new connection")
            await other.sees(AVAILABILITY, "offline")


@asynccontextmanager
async def answering(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Be what says these things, each after something was heard, and then hangs up; yield the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said in answers:
            await reader.read(1_000)
            writer.write(said)
        await reader.read(1_000)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    "noise", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x03\x00\x00\xff", b"\x30\x05\xff\xff\xff"]
)
async def test_what_is_no_broker_is_told_of(noise: bytes) -> None:
    """And tried again: somebody may correct it."""
    async with answering(noise) as port:
        link = Link(settings_for_port(port))
        async with running(link, wait=False):
            await until(lambda: "not connected yet" not in why(link), "the refusal")
            assert not link.is_connected


def settings_for_port(port: int, **more: Any) -> link_module.Mqtt:
    """Return the settings of a device that looks for its broker there."""
    return link_module.Mqtt(host="127.0.0.1", port=port, id="kitchen", **more)


async def test_two_with_one_id_are_told_so(tmp_path: Path) -> None:
    """They would throw each other out for ever. Whether the broker says so depends on its version."""
    with Broker(tmp_path) as broker:
        first, second = Link(settings_for(broker)), Link(settings_for(broker))
        async with running(first), running(second, wait=False):
            await until(lambda: "the same id" in why(first) + why(second), "the complaint")
            assert "tools.mqtt.id" in why(first) + why(second)


async def test_a_broker_that_says_so_is_believed() -> None:
    """MQTT 5.0, section 2.4: 0x8E, session taken over."""
    async with answering(b"\x20\x03\x00\x00\x00", b"\xe0\x02\x8e\x00") as port:
        link = Link(settings_for_port(port))
        async with running(link, wait=False):
            await until(lambda: "has connected to the broker with the same id" in why(link), "the complaint")
            assert "tools.mqtt.id" in why(link)


async def test_a_broker_that_has_messages_kept_for_it_is_left() -> None:
    """MQTT 5.0, section 4.3.3: "exactly once" is kept until it is released, and was not asked for."""
    async with answering(b"\x20\x03\x00\x00\x00", b"\x34\x07\x00\x01a\x00\x01\x00x") as port:
        link = Link(settings_for_port(port))
        async with running(link, wait=False):
            await until(lambda: "does not speak MQTT" in why(link), "the complaint")
            assert not link.is_connected


async def test_a_name_that_leads_outside_is_not_sent_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS nothing leaves the house."""
    outside = [(2, 1, 6, "", ("203.0.113.7", 1883))]

    async def resolve(*_: object) -> object:
        return outside

    monkeypatch.setattr("device.kit.dial.resolve", resolve)
    monkeypatch.setattr("device.kit.dial.is_home_name", lambda host: False)
    link = Link(link_module.Mqtt(host="broker.lan", id="kitchen"))
    async with running(link, wait=False):
        await until(lambda: "broker.lan is not in your own network (203.0.113.7)" in why(link), "the refusal")


async def test_a_handler_that_fails_takes_nothing_along(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The others are called all the same; the log says where, and not what was in the message."""
    heard: list[Message] = []

    def fail(message: Message) -> None:
        raise ValueError(message.payload)

    with Broker(tmp_path) as broker:
        link = Link(settings_for(broker))
        link.subscribe("house/bell", fail)
        link.subscribe("house/bell", heard.append)
        async with running(link):
            link.publish("house/bell", "private words")
            link.publish("house/bell", "private words")
            await until(lambda: len(heard) == 2, "both")
            assert link.health()[0].ok
    assert "ValueError" in caplog.text
    assert "private words" not in caplog.text


async def test_a_broker_that_is_not_there_is_asked_again_and_again() -> None:
    """The log tells it once."""
    link = Link(settings_for_port(free_port()))
    async with running(link, wait=False):
        await until(lambda: "127.0.0.1 cannot be reached" in why(link), "the refusal")


async def test_no_more_waits_for_a_broker_than_it_should(tmp_path: Path) -> None:
    """What is published to one that hangs is bounded."""
    with Broker(tmp_path) as broker:
        link = Link(settings_for(broker))
        async with running(link):
            assert link._wire is not None
            await link._wire.settled()
            broker.hang()
            sent = [link.publish("house/bell", "x" * 1_000) for _ in range(2 * wire.MOST_WAITING)]
            assert sent.count(True) == wire.MOST_WAITING
            broker.go_on()
            await until(lambda: link.publish("house/bell", "again"), "room")
