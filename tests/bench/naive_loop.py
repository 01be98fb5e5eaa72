"""The reference for the benchmarks: a short program around openwakeword.

`python naive_loop.py PCM WORD`: PyAudio, blocking reads of 80 ms, openwakeword's own Model on onnxruntime, no tuning.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Listen for ever."""
    import numpy as np
    import openwakeword
    import pyaudio
    from openwakeword.model import Model

    pcm, word = sys.argv[1:]
    paths = [path for path in openwakeword.get_pretrained_model_paths("onnx") if word in path]
    model = Model(wakeword_models=paths, inference_framework="onnx")
    audio = pyaudio.PyAudio()
    names = [audio.get_device_info_by_index(index)["name"] for index in range(audio.get_device_count())]
    stream = audio.open(
        rate=16_000,
        channels=1,
        format=pyaudio.paInt16,
        input=True,
        input_device_index=names.index(pcm),
        frames_per_buffer=1280,
    )
    print("listening", file=sys.stderr, flush=True)
    while True:
        model.predict(np.frombuffer(stream.read(1280), np.int16))


if __name__ == "__main__":
    main()
