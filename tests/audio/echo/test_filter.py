"""The linear filter before WebRTC's module: how it converges, and that double talk does not make it diverge."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.echo.filter import BLOCK, PARTITIONS, Balance, EchoFilter
from device.sim.room.acoustics import Echo, Sound
from tests.audio.echo.echo_stage import ASKING, RATE, answers, cancellation_db, room, spoken, spoken_s


def run(echo_filter: EchoFilter, near: Sound, far: Sound) -> Sound:
    """Feed the filter block by block."""
    blocks = [slice(at, at + BLOCK) for at in range(0, len(near) - BLOCK + 1, BLOCK)]
    return np.concatenate([echo_filter.process(near[block], far[block]) for block in blocks])


def played(seconds: float, level: float = 0.1, seed: int = 1) -> Sound:
    """Return white noise, to which the filter adapts fastest."""
    return np.asarray(np.random.default_rng(seed).normal(0.0, level, int(seconds * RATE)), np.float32)


def echoed(far: Sound, delay: int = 400, gain: float = 0.5) -> Sound:
    """One reflection."""
    return np.concatenate((np.zeros(delay, np.float32), gain * far[: len(far) - delay]))


def left_db(near: Sound, left: Sound, since_s: float, until_s: float) -> float:
    """Return the attenuation in dB."""
    return cancellation_db(near, left, since_s, until_s)


@pytest.mark.parametrize(("seed", "delay"), [(0, 20), (9, 100), (15, 150)])
def test_it_adapts_to_a_room_from_speech(seed: int, delay: int) -> None:
    """22 dB after 6 s, without the module; the loudspeaker's distortion is left."""
    answer = answers(16, seed)
    near = Echo(room(delay, -5, seed=seed, distortion=0.5, noise_dbfs=-85.0)).process(answer)
    assert left_db(near, run(EchoFilter(), near, answer), spoken_s(answer, 6.0), 16) > 22


def test_double_talk_leaves_the_person_whole_and_the_filter_converged() -> None:
    """In double talk the person is left, 10 dB above anything else; afterwards the echo is removed as before."""
    answer = answers(16, 3)
    echo = Echo(room(60, -5, seed=3, noise_dbfs=-85.0)).process(answer)
    words = spoken("set the volume to fifty percent", ASKING)
    near = echo.copy()
    near[8 * RATE : 8 * RATE + len(words)] += words
    left = run(EchoFilter(), near, answer)
    span = slice(8 * RATE, 8 * RATE + len(words))
    assert 10 * np.log10(np.mean(words**2) / np.mean((left[span] - words) ** 2)) > 10
    assert left_db(near, left, 11, 16) > 18


def test_where_nothing_is_played_nothing_is_changed() -> None:
    """Within rounding."""
    near = played(1.0, seed=2)
    left = run(EchoFilter(), near, np.zeros_like(near))
    assert np.abs(left - near[: len(left)]).max() < 1e-6


def test_a_large_change_of_the_delay_makes_it_start_again() -> None:
    """After a slip it adds sound only for a short time, and adapts again."""
    far = played(6.0)
    near = np.concatenate((echoed(far)[: 3 * RATE], echoed(far, delay=2_000)[3 * RATE :]))
    echo_filter = EchoFilter()
    left = run(echo_filter, near, far)
    assert echo_filter.restarts == 1
    assert left_db(near, left, 2.5, 3.0) > 15
    assert left_db(near, left, 5.5, 6.0) > 15


def test_it_adapts_to_a_changed_volume() -> None:
    """Within a second, although it had converged."""
    far = played(8.0)
    near = np.concatenate((echoed(far)[: 6 * RATE], echoed(far, gain=1.0)[6 * RATE :]))
    assert left_db(near, run(EchoFilter(), near, far), 7.0, 8.0) > 15


@pytest.mark.parametrize("samples", [-150, -1, 0, 37, 800])
def test_a_known_shift_costs_nothing(samples: int) -> None:
    """Such as a changed head start of the far end."""
    far = played(4.0)
    near = np.concatenate((echoed(far, 1_000)[: 3 * RATE], echoed(far, 1_000 + samples)[3 * RATE :]))
    echo_filter = EchoFilter()
    left = run(echo_filter, near[: 3 * RATE], far[: 3 * RATE])
    echo_filter.shift(samples)
    left = np.concatenate((left, run(echo_filter, near[3 * RATE :], far[3 * RATE :])))
    assert left_db(near, left, 3.1, 3.6) > 15


@pytest.mark.parametrize("samples", [-400, -64, 3, 96, 600])
def test_after_a_slip_it_finds_the_echo_again(samples: int) -> None:
    """Within half a second and some blocks; until then it is doubtful."""
    far = played(4.5)
    near = np.concatenate((echoed(far, 1_000)[: 3 * RATE], echoed(far, 1_000 + samples)[3 * RATE :]))
    echo_filter = EchoFilter()
    run(echo_filter, near[: 3 * RATE], far[: 3 * RATE])
    assert not echo_filter.is_doubtful
    echo_filter.search_slip()
    assert echo_filter.is_doubtful
    left = run(echo_filter, near[3 * RATE :], far[3 * RATE :])
    assert not echo_filter.is_doubtful
    assert echo_filter.restarts == 0
    assert left_db(near[3 * RATE :], left, 0.6, 1.4) > 15


def test_it_is_doubtful_for_longer_when_the_echo_is_not_found() -> None:
    """And it adapts again."""
    far = played(8.0)
    near = np.concatenate((echoed(far, 1_000)[: 3 * RATE], echoed(far, 3_000)[3 * RATE :]))
    echo_filter = EchoFilter()
    run(echo_filter, near[: 3 * RATE], far[: 3 * RATE])
    echo_filter.search_slip()
    run(echo_filter, near[3 * RATE : 4 * RATE], far[3 * RATE : 4 * RATE])
    assert echo_filter.is_doubtful
    left = run(echo_filter, near[4 * RATE :], far[4 * RATE :])
    assert not echo_filter.is_doubtful
    assert left_db(near[4 * RATE :], left, 3.0, 4.0) > 15


def test_a_filter_that_has_not_adapted_searches_for_no_slip() -> None:
    """It goes on adapting."""
    echo_filter = EchoFilter()
    echo_filter.search_slip()
    assert not echo_filter.is_doubtful


def test_after_an_interruption_what_was_played_before_is_forgotten() -> None:
    """No echo of it follows."""
    far = played(3.0)
    echo_filter = EchoFilter()
    run(echo_filter, echoed(far), far)
    echo_filter.forget_far_end()
    assert np.abs(run(echo_filter, np.zeros(RATE // 2, np.float32), np.zeros(RATE // 2, np.float32))).max() == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60))
@settings(deadline=None, max_examples=20)
def test_whatever_it_hears_it_stays_finite(levels: list[tuple[float, float]]) -> None:
    """Full scale, silence, and jumps between them."""
    random = np.random.default_rng(4)
    echo_filter = EchoFilter()
    for near, far in levels:
        block = random.normal(0.0, 1.0, (2, BLOCK)).clip(-1, 1)
        left = echo_filter.process(np.float32(near) * block[0], np.float32(far) * block[1])
        assert np.isfinite(left).all()
    assert echo_filter.near_ratio >= 0


def test_it_is_as_long_as_the_longest_delay_and_the_reverberation_of_a_living_room() -> None:
    """150 ms and 250 ms."""
    assert PARTITIONS * BLOCK >= 0.4 * RATE


def mixed(ratio: float, blocks: int = 100, doubtful: bool = False) -> Sound:
    """Return the final output of a Balance for a filter's output of 1 and a module's of 0.1."""
    balance = Balance()
    one, tenth = np.ones(BLOCK, np.float32), np.full(BLOCK, 0.1, np.float32)
    return [balance.mix(one, tenth, ratio, doubtful) for _ in range(blocks)][-1]


def test_echo_alone_is_attenuated_further() -> None:
    """By 10 dB."""
    assert mixed(1.0)[-1] == pytest.approx(0.03)


def test_doubtful_echo_is_attenuated_most() -> None:
    """By 20 dB; a person is not attenuated more than otherwise."""
    assert mixed(1.0, doubtful=True)[-1] == pytest.approx(0.01)
    assert mixed(100.0, doubtful=True)[-1] == pytest.approx(mixed(100.0)[-1])


def test_a_person_gets_back_some_of_what_the_module_took() -> None:
    """Three tenths of the filter's output."""
    assert mixed(100.0)[-1] == pytest.approx(0.3 + 0.7 * 0.1, abs=0.001)


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=20))
def test_the_balance_moves_without_a_step(ratios: list[float]) -> None:
    """Each block begins with the gain with which the last one ended."""
    balance, sound = Balance(), np.full(BLOCK, 0.1, np.float32)
    blocks = [balance.mix(sound, sound, ratio) for ratio in ratios]
    for before, after in itertools.pairwise(blocks):
        assert after[0] == pytest.approx(before[-1], abs=1e-6)
