"""Runs the simulated server alone, to try a device with it: `python -m device.sim.realtime --port 8080`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from device.errors import ConfigError, HearthsideError
from device.ports.tools import Phrase, ToolSpec
from device.sim import packages
from device.sim.realtime.journal import Entry
from device.sim.realtime.tls import make_certificate, server_context

_ON = ("turn on the {name}", "turn the {name} on", "switch on the {name}", "switch the {name} on")
_OFF = ("turn off the {name}", "turn the {name} off", "switch off the {name}", "switch the {name} off")
_QUIET_EVENTS = ("input_audio_buffer.append", "response.output_audio.delta", "response.output_audio_transcript.delta")
_VOLUMES = {"ten": 10, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "eighty": 80}


def _tools(switches: list[str]) -> list[ToolSpec]:
    """Return the phrases of a device's tools; the device itself sends the server only the tools' schemas."""
    slots = {"name": {name.replace("_", " "): name for name in switches}}
    pairs = [(text, True) for text in _ON] + [(text, False) for text in _OFF]
    switching = tuple(Phrase(text, slots, {"on": on}) for text, on in pairs)
    volume = (Phrase("set the volume to {percent}", {"percent": _VOLUMES}),)
    return [
        ToolSpec("set_switch", "", {}, switching),
        ToolSpec("get_time", "", {}, (Phrase("what time is it"), Phrase("what is the time"))),
        ToolSpec("set_volume", "", {}, volume),
    ]


def _show(entry: Entry) -> None:
    if entry.type not in _QUIET_EVENTS:
        arrow = "<-" if entry.direction == "received" else "->"
        print(f"{entry.at:12.3f} {entry.session} {arrow} {entry.type}", flush=True)


async def _serve(options: argparse.Namespace) -> None:
    from device.sim.realtime.server import SimulatedRealtime

    tools = _tools(options.switch or ["light", "fan"])
    stop = asyncio.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
    with tempfile.TemporaryDirectory(prefix="hearthside-tls-") as folder:
        tls = server_context(_certificate(options, Path(folder))) if options.tls is not None else None
        async with SimulatedRealtime(tools, key=options.key, host=options.host, port=options.port, tls=tls) as server:
            server.journal.hooks.append(_show)
            print(f'Serving. In the configuration: conversation.openai.url = "{server.url}"', flush=True)
            await stop.wait()


def _certificate(options: argparse.Namespace, folder: Path) -> Path:
    """Return the certificate that was named, or make one and print how a device can trust it."""
    if options.tls:
        return Path(options.tls)
    made = make_certificate(folder, options.host)
    print(f"A device trusts this server with SSL_CERT_FILE={made} in its environment.", flush=True)
    return made


def main() -> None:
    """Parse the command line and serve until a signal; exit with 78 when an option cannot be used."""
    try:
        with packages.needed():
            from device.sim.realtime.server import DEFAULT_KEY
        asyncio.run(_serve(_parser(DEFAULT_KEY).parse_args()))
    except HearthsideError as error:
        print(error, file=sys.stderr)
        sys.exit(os.EX_CONFIG if isinstance(error, ConfigError) else 1)


def _parser(key: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m device.sim.realtime", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--key", default=key, help="the API key that clients must send (default: %(default)s)")
    parser.add_argument("--switch", action="append", metavar="NAME", help="a relay's name; may be given again")
    parser.add_argument(
        "--tls",
        nargs="?",
        const="",
        metavar="PEM",
        help="speak TLS (wss://), with the certificate and private key in a file, or with one made for this run",
    )
    return parser


if __name__ == "__main__":
    main()
