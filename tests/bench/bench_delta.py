"""Measures the time that the protocol takes for a piece of an answer's audio: decoding and counting, no loudspeaker.

`python tests/bench/bench_delta.py` prints a Markdown table: microseconds for a piece of 20, 100 and 300 ms, in ordinary
base64, in lines, and URL-safe without padding. Each figure is the minimum of seven runs of a thousand.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import timeit
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from device.conversation.openai.protocol.outbox import BYTES_PER_MS
from device.conversation.openai.protocol.protocol import Protocol
from device.conversation.openai.settings import OpenAI
from device.core.actions import TurnEnd

PIECES_MS = (20, 100, 300)
RUNS, TIMES = 7, 1_000
FORMS: dict[str, Callable[[bytes], str]] = {
    "ordinary": lambda pcm: base64.b64encode(pcm).decode(),
    "in lines": lambda pcm: base64.encodebytes(pcm).decode(),
    "URL-safe, unpadded": lambda pcm: base64.urlsafe_b64encode(pcm).decode().rstrip("="),
}


def speaking() -> Protocol:
    """Return a protocol whose provider has begun to answer."""
    protocol = Protocol(OpenAI(), "", ())
    protocol.begin_turn(1, TurnEnd.PROVIDER)
    for event in ({"type": "session.created", "session": {}}, {"type": "session.updated", "session": {}}):
        protocol.receive_text(json.dumps(event))
    protocol.receive_text(json.dumps({"type": "response.created", "response": {"id": "r"}}))
    return protocol


def cost_us(text: str) -> float:
    """Return the microseconds for a delta."""
    protocol = speaking()
    place = {"event_id": "e", "response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    message = json.dumps({"type": "response.output_audio.delta", **place, "delta": text})

    def receive() -> None:
        protocol.receive_text(message)
        protocol.take_facts()

    return min(timeit.repeat(receive, number=TIMES, repeat=RUNS)) / TIMES * 1e6


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| a piece of | " + " | ".join(FORMS) + " |")
    print("| --- " * (len(FORMS) + 1) + "|")
    for duration in PIECES_MS:
        # Varied, so that every character of base64 occurs.
        pcm = bytes(index * 37 % 251 for index in range(duration * BYTES_PER_MS))
        print(f"| {duration} ms | " + " | ".join(f"{cost_us(form(pcm)):.1f} us" for form in FORMS.values()) + " |")


if __name__ == "__main__":
    main()
