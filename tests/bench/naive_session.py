"""The reference for a conversation: a short program around PyAudio and a WebSocket.

`python naive_session.py INPUT OUTPUT URL`: PyAudio, blocking reads of 80 ms that are sent as they come, blocking writes
of what arrives, no tuning, no wake word. The key comes from OPENAI_API_KEY. Between answers it writes silence: a stream
that had run dry began 1 to 7 ms after its next answer on the fair card, but 2 s after it at PulseAudio's defaults.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
from collections import deque

RATE = 24_000
BLOCK = RATE * 80 // 1000
PIECE = 2 * RATE * 20 // 1000


def main() -> None:
    """Talk until it is ended."""
    import pyaudio
    from websockets.sync.client import connect

    microphone, loudspeaker, url = sys.argv[1:]
    audio = pyaudio.PyAudio()
    names = [audio.get_device_info_by_index(index)["name"] for index in range(audio.get_device_count())]
    kind = {"rate": RATE, "channels": 1, "format": pyaudio.paInt16}
    key = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    print("listening", file=sys.stderr, flush=True)
    with connect(url, additional_headers=key, compression=None, max_size=None) as server:
        source = audio.open(**kind, input=True, input_device_index=names.index(microphone), frames_per_buffer=BLOCK)
        sink = audio.open(**kind, output=True, output_device_index=names.index(loudspeaker))

        def send() -> None:
            while True:
                sound = base64.b64encode(source.read(BLOCK, exception_on_overflow=False)).decode()
                server.send(json.dumps({"type": "input_audio_buffer.append", "audio": sound}))

        pieces: deque[bytes] = deque()

        def play() -> None:
            while True:
                sink.write(pieces.popleft() if pieces else bytes(PIECE))

        for work in (send, play):
            threading.Thread(target=work, daemon=True).start()
        for message in server:
            event = json.loads(message)
            if event["type"] == "response.output_audio.delta":
                sound = base64.b64decode(event["delta"])
                pieces.extend(sound[at : at + PIECE] for at in range(0, len(sound), PIECE))


if __name__ == "__main__":
    main()
