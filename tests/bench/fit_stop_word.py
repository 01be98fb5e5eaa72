"""Trains the network for the stop word (device/wake/stopword/stop.npz), and tests it on synthesizers left out.

`python tests/bench/fit_stop_word.py FOLDER [--write]`. FOLDER keeps what was spoken (stop_speech.py: what that needs)
and what was cut out of it (stop_scenes.py), which takes longest: one file a synthesizer, made if it is missing. More of
the same words is mixed by stop_mixes.py.

The network is trained on whole utterances: "stop", words that sound like it, what else people say, and pieces of the
device's own rings and answers.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent))

from common import ROOT, table
from stop_mixes import MIXES, mixes
from stop_scenes import Cut, cuts
from stop_speech import RHYMES, is_stop

from device.wake.stopword.judge import Judge
from device.wake.stopword.judged import THRESHOLD

Floats = npt.NDArray[np.float32]


@dataclass
class Examples:
    """Utterances: what they are judged by (judge.py), whether they are the word, and what was said."""

    features: Floats
    are_stop: npt.NDArray[np.bool_]
    texts: list[str]


def examples(found: Sequence[Cut]) -> Examples:
    """Return what was cut out as the judge gets it."""
    judge = Judge()
    features = np.array([judge.embeddings(cut.sound.tobytes()).reshape(-1).copy() for cut in found])
    return Examples(features, np.array([is_stop(cut.text) for cut in found]), [cut.text for cut in found])


@dataclass
class Network:
    """Several of scikit-learn's, as one."""

    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    def scores(self, features: Floats) -> Floats:
        """Return log odds."""
        result: Floats = np.maximum(features @ self.hidden.T + self.hidden_bias, 0) @ self.output[0] + self.output_bias
        return result


def fit(parts: Sequence[Examples]) -> Network:
    """Train three networks with 64 hidden units, from other beginnings, whose mean it is."""
    from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

    features = np.concatenate([part.features for part in parts])
    are_stop = np.concatenate([part.are_stop for part in parts])
    mean, spread = features.mean(0), features.std(0) + 1e-3
    # So much regularisation, because other synthesizers than those trained on are what counts (by trials).
    manner = {"alpha": 10.0, "learning_rate_init": 1e-3, "batch_size": 128, "max_iter": 15}
    nets = [MLPClassifier((64,), **manner, random_state=seed) for seed in range(3)]
    for net in nets:
        net.fit((features - mean) / spread, are_stop)
    hidden = np.concatenate([net.coefs_[0] for net in nets], axis=1).T / spread
    bias = np.concatenate([net.intercepts_[0] for net in nets]) - hidden @ mean
    output = np.concatenate([net.coefs_[1] for net in nets]).T / len(nets)
    return Network(hidden, bias, output, np.mean([net.intercepts_[1] for net in nets], axis=0))


def left_out_rows(scenes: dict[str, Examples], mixed: dict[str, Examples]) -> Iterator[list[str]]:
    """Yield for each synthesizer what a network makes of its scenes that was trained on the others only."""
    for name, part in scenes.items():
        others = [kind[key] for key in scenes if key != name for kind in (scenes, mixed)]
        yield [name, *_shares(fit(others), part)]


def _shares(network: Network, part: Examples) -> Iterator[str]:
    are_taken = network.scores(part.features) > math.log(THRESHOLD / (1 - THRESHOLD))
    rhymes = np.array([text in RHYMES for text in part.texts])
    for kind in (part.are_stop, rhymes, ~(part.are_stop | rhymes)):
        yield f"{are_taken[kind].mean():.1%}"


def main() -> None:
    """Speak, mix, test, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where what is spoken and cut out is kept")
    parser.add_argument("--write", action="store_true", help="write the network")
    options = parser.parse_args()
    scenes = {name: examples(cuts(name, options.folder)) for name in MIXES}
    mixed = {name: examples(mixes(name, options.folder)) for name in MIXES}
    heads = ("left out", "its “stop” heard", "words like it taken", "other words taken")
    print(table(heads, list(left_out_rows(scenes, mixed))))
    if options.write:
        network = fit([*scenes.values(), *mixed.values()])
        kept = {name: numbers.astype(np.float16) for name, numbers in vars(network).items()}
        np.savez(ROOT / "device/wake/stopword/stop.npz", **kept)


if __name__ == "__main__":
    main()
