"""Mutated requests for the broker: each is wrong, comes whole, and must end in 4xx; the script and a test throw them.

They begin as what a device sends (with a good token, a wrong one or none), and then lose their sense: in method, path,
headers, body, or as bytes. None can become right by accident: the model in them is not one that the broker allows.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Callable

from device.broker import tokens
from tests.broker.stage import Caller, Stage

AT_ONCE = 16
METHODS = (
    "GET",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PATCH",
    "PRI",
    "post",
    "",
    "PO ST",
    "\0",
    "Ä",
)
PATHS = (
    *("/", "*", "//", "/enrol/", "/enrol%00", "/../enrol", "/enrol?a=" + "b" * 500, "http://elsewhere/enrol", "/%zz"),
    *("/v1/realtime/client_secrets/", "/v1/realtime", "/v1", "/" + "a" * 9000, "", "/\xff", "/enrol#x", "/.git/config"),
)
HEADERS = (
    *("Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 1, 2", "Content-Length: abc"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: x", "Expect: 100-continue"),
    *(
        "Expect: nothing",
        "Content-Encoding: gzip",
        "Content-Encoding: deflate",
        "Content-Encoding: br",
        "Connection: x",
    ),
    *(
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==",
        "Upgrade: h2c",
    ),
    *("Content-Type: text/html; charset=utf-99", "Content-Type: multipart/form-data; boundary=x", "Cookie: a=\x01"),
    *(
        "X: " + "y" * 9000,
        "Range: bytes=0-",
        "Host: a\r\nHost: b",
        "A" * 5000 + ": b",
        ": no name",
        "no colon",
        " folded",
    ),
    *(
        "Authorization: Basic dTpw",
        "Authorization: Bearer",
        "Authorization: \xff",
        "X-Forwarded-For: 127.0.0.1",
        "\0: \0",
    ),
)
STATUS = re.compile(rb"HTTP/\d\.\d (\d{3}) ")

Parts = tuple[str, str, list[str], bytes]


class Fuzz:
    """A source of wrong requests, the same ones for the same seed."""

    def __init__(self, seed: object, token: str) -> None:
        self._random = random.Random(str(seed))
        self._token = token

    def request(self) -> bytes:
        """Return the bytes of a request that is wrong."""
        parts = self._mutated(self._sound())
        raw = self._written(*parts)
        if self._random.random() < 0.1:
            raw = self._spoiled(raw)
        # It comes whole: what a server would wait for is another test's.
        return raw + b"\r\n\r\n"

    def _sound(self) -> Parts:
        if self._random.random() < 0.4:
            token = tokens.ENROLMENT + self._random.randbytes(32).hex()
            return "POST", "/enrol", [], json.dumps({"token": token, "name": "kitchen"}).encode()
        body = {"session": {"type": "realtime", "model": "gpt-of-nobody"}, "expires_after": {"seconds": 600}}
        wrong = tokens.DEVICE + self._random.randbytes(32).hex()
        token = self._random.choice((self._token, self._token, wrong, ""))
        headers = [f"Authorization: Bearer {token}"] if token else []
        return "POST", "/v1/realtime/client_secrets", headers, json.dumps(body).encode()

    def _mutated(self, parts: Parts) -> Parts:
        method, path, headers, body = parts
        for kind in self._random.choices(("method", "path", "header", "body", "nothing"), (2, 2, 4, 5, 1), k=2):
            if kind == "method":
                method = self._random.choice(METHODS)
            elif kind == "path":
                path = self._random.choice(PATHS)
            elif kind == "header":
                headers = [*headers, self._random.choice(HEADERS)]
            elif kind == "body":
                body = self._body(body)
        return method, path, headers, body

    def _body(self, body: bytes) -> bytes:
        changes: tuple[Callable[[], bytes], ...] = (
            lambda: b"",
            lambda: b"null",
            lambda: b"[" * 3000,
            lambda: self._random.randbytes(self._random.randrange(300)),
            lambda: b"\xff\xfe" + body.decode("latin-1").encode("utf-16-le"),
            lambda: body.replace(b'"realtime"', b"1e999"),
            lambda: body.replace(b":", b": {", 1),
            lambda: body.replace(b"gpt-of-nobody", b"\\ud800"),
            lambda: body.replace(b"600", b"9" * 400),
            lambda: body[: self._random.randrange(len(body) + 1)],
            lambda: body + b"x" * 5000,
            lambda: self._spoiled(body),
        )
        return self._random.choice(changes)() if body else body

    def _spoiled(self, raw: bytes) -> bytes:
        data = bytearray(raw)
        for _ in range(self._random.randrange(1, 6)):
            if data:
                data[self._random.randrange(len(data))] = self._random.randrange(256)
        return bytes(data)

    def _written(self, method: str, path: str, headers: list[str], body: bytes) -> bytes:
        version = self._random.choices(("1.1", "1.0", "2.0", "9"), (20, 2, 1, 1))[0]
        lengths = [] if any(line.lower().startswith("content-length") for line in headers) else [len(body)]
        lines = ["Host: broker", *headers, *(f"Content-Length: {length}" for length in lengths)]
        self._random.shuffle(lines)
        return "\r\n".join([f"{method} {path} HTTP/{version}", *lines, "", ""]).encode("latin-1") + body


def status_of(data: bytes) -> str:
    """Return how a request ended: its status, past any 1xx; "nothing" when nothing came."""
    return next((found.decode() for found in STATUS.findall(data) if not found.startswith(b"1")), "nothing")


async def throw(stage: Stage, seed: object, count: int) -> tuple[Counter[str], list[bytes]]:
    """Throw requests, some at once; return how many ended how, and those that did not end in 4xx."""
    fuzz, ended, wrong = Fuzz(seed, await stage.device("fuzzer")), Counter[str](), list[bytes]()
    requests = iter([fuzz.request() for _ in range(count)])

    async def one_after_the_other(caller: Caller) -> None:
        for request in requests:
            status = status_of(await caller.send(request))
            ended[status] += 1
            if not status.startswith("4"):
                wrong.append(request)

    await asyncio.gather(*(one_after_the_other(stage.caller) for _ in range(AT_ONCE)))
    return ended, wrong


LIMITS = {"requests_per_minute": 100_000, "refusals_per_minute": 100_000}
"""With these the broker looks at every request."""
