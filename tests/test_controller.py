"""The shell around the machine, with a house of fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device.audio.settings import Audio
from device.audio.volume import Volume
from device.controller import Controller
from device.core import events as ev
from device.core.actions import Purpose, TurnEnd
from device.core.indication import Indication
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase
from device.errors import AudioError, SpeechError, ToolError
from device.orders import House
from device.ports.tools import Confirmation, UnconfirmedError
from device.service.mute import MuteMemory
from device.units import Hz, Ms, Samples
from tests.waiting import until


class Recorder:
    """Stands for every part that is only given orders: keeps the calls in their order."""

    input_rate = output_rate = rate = Hz(24_000)
    specs = ()
    position = Samples(0)

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.microphone_error: AudioError | None = None
        self.tool_error: ToolError | None = None
        self.speech_error: SpeechError | None = None

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, *arguments))

    async def call(self, name: str, arguments: str, confirmed: bool = False) -> str:
        if self.tool_error:
            raise self.tool_error
        return f"{name} done"

    async def speak(self, text: str) -> bytes:
        if self.speech_error:
            raise self.speech_error
        return b"\1\0" * 100

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


class RecordingMicrophone:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    async def open(self) -> None:
        self.recorder.calls.append(("microphone.open",))
        if self.recorder.microphone_error:
            raise self.recorder.microphone_error

    async def close(self) -> None:
        self.recorder.calls.append(("microphone.close",))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def build(
    recorder: Recorder,
    settings: Settings | None = None,
    muted: bool = False,
    remember_mute: Callable[[bool], None] | None = None,
) -> Controller:
    part: Any = recorder
    controller = Controller(Machine(settings or Settings(), muted))
    remember = remember_mute or part.remember_mute
    controller.move_in(House(part, RecordingMicrophone(recorder), part, part, part, part, part, remember, part))
    return controller


async def turn_the_loop() -> None:
    """Let every task that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


WAKE = ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000))


async def test_orders_are_performed_before_post_returns(recorder: Recorder) -> None:
    """No queue and no task between a fact and its consequence: latency."""
    controller = build(recorder)
    controller.post(WAKE)
    assert ("open", 1, TurnEnd.PROVIDER, Purpose.TALK, "") in recorder.calls
    controller.post(ev.SessionReady(1))
    assert ("open_gate", Samples(16_000), None, False) in recorder.calls


async def test_a_fact_posted_by_an_order_waits_for_the_other_orders(recorder: Recorder) -> None:
    """Stopping playback posts a fact at once; it must not overtake the rest of the transition."""
    controller = build(recorder)
    seen: list[str] = []
    controller.observers.append(lambda what, status: seen.append(type(what).__name__))
    object.__setattr__(recorder, "stop", lambda: controller.post(ev.VoiceStopped(Samples(1))))
    controller.post(WAKE)
    assert seen == ["WakeWordDetected", "StopPlayback", "OpenSession", "VoiceStopped"]


async def test_the_panel_shows_every_phase(recorder: Recorder) -> None:
    """The lights follow the status."""
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.SessionReady(1))
    shown = [call[1] for call in recorder.calls if call[0] == "show"]
    assert shown == [Indication.IDLE, Indication.WAKING, Indication.LISTENING]


async def test_the_light_is_on_before_the_gate_opens_and_off_after_it_is_shut(recorder: Recorder) -> None:
    """A dark light never stands before an open gate, not even for a moment."""
    controller = build(recorder)
    controller.post(WAKE)
    recorder.calls.clear()
    controller.post(ev.SessionReady(1))
    assert recorder.names() == ["show", "open_gate"]
    recorder.calls.clear()
    controller.post(ev.ButtonLongPressed())
    names = recorder.names()
    assert max(names.index(name) for name in ("clear", "cut_gate", "cut")) < names.index("show")


async def test_answer_audio_of_another_turn_is_dropped(recorder: Recorder) -> None:
    """Late audio of an interrupted answer is never heard."""
    controller = build(recorder)
    controller.post(WAKE)
    controller.on_answer_audio(0, "old", b"\0\0")
    controller.on_answer_audio(1, "new", b"\1\0")
    assert [c for c in recorder.calls if c[0] == "play_answer"] == [("play_answer", 1, "new", b"\1\0")]


async def test_answer_audio_after_the_end_is_dropped(recorder: Recorder) -> None:
    """Nothing is played in an idle house."""
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.ButtonClicked(Samples(1)))
    controller.on_answer_audio(1, "late", b"\0\0")
    assert "play_answer" not in recorder.names()


async def test_timers_of_the_machine_expire(recorder: Recorder) -> None:
    """The controller owns the clock."""
    controller = build(recorder, Settings(connect=Ms(1)))
    controller.post(WAKE)
    await until(lambda: controller.status.phase is Phase.IDLE, "idle")
    assert controller.status.failing


@pytest.mark.parametrize(
    ("error", "text"), [(None, "get_time done"), (ToolError("the clock stopped"), "the clock stopped")]
)
async def test_a_tool_runs_beside_the_conversation_and_is_always_answered(
    recorder: Recorder, error: ToolError | None, text: str
) -> None:
    """Its failure is told to the model as text."""
    recorder.tool_error = error
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.SessionReady(1))
    controller.post(ev.ToolCalled(1, "c1", "get_time", "{}"))
    await turn_the_loop()
    assert ("send_tool_result", "c1", text) in recorder.calls


async def test_a_failed_session_is_said_aloud(recorder: Recorder) -> None:
    """The person hears what happened."""
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.SessionFailed(1, ev.Failure.DROPPED, "reset"))
    await turn_the_loop()
    assert [name for name in recorder.names() if name != "show"][-2:] == ["play_cue", "play_announcement"]


async def test_an_answer_without_sound_is_read_by_the_local_voice(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """As a part of the answer: the player tells when it was heard. The provider's words are not logged."""
    caplog.set_level("INFO")
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.SessionReady(1))
    controller.post(ev.ResponseStarted(1, "r"))
    controller.post(ev.ResponseFinished(1, "r", message="no sound, but words", sound=False, text="a secret"))
    await turn_the_loop()
    assert recorder.calls[-2:] == [("read_answer", 1, b"\1\0" * 100, Hz(24_000)), ("end_answer", 1)]
    assert "no sound, but words" in caplog.text
    assert "secret" not in caplog.text


async def test_what_is_being_read_when_the_person_leaves_is_not_played(recorder: Recorder) -> None:
    """The local voice takes its time."""
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.SessionReady(1))
    controller.post(ev.ResponseStarted(1, "r"))
    controller.post(ev.ResponseFinished(1, "r", sound=False, text="a story"))
    controller.post(ev.ButtonClicked(Samples(5)))
    await turn_the_loop()
    assert "read_answer" not in recorder.names()


async def test_an_answer_that_cannot_be_read_ends_with_a_cue(recorder: Recorder) -> None:
    """The conversation goes on."""
    recorder.speech_error = SpeechError("espeak-ng is not installed")
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.SessionReady(1))
    controller.post(ev.ResponseStarted(1, "r"))
    controller.post(ev.ResponseFinished(1, "r", sound=False, text="a story"))
    await turn_the_loop()
    assert [name for name in recorder.names() if name != "show"][-2:] == ["play_cue", "end_answer"]


async def test_without_a_local_voice_the_cue_must_do(recorder: Recorder) -> None:
    """A missing espeak-ng is no reason to stop."""
    recorder.speech_error = SpeechError("espeak-ng is not installed")
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.SessionFailed(1, ev.Failure.DROPPED, "reset"))
    await turn_the_loop()
    assert "play_announcement" not in recorder.names()
    assert "play_cue" in recorder.names()


async def test_muting_forgets_all_sound_at_once_and_lets_the_microphone_go(recorder: Recorder) -> None:
    """The privacy of mute does not wait for a sound card to close."""
    controller = build(recorder)
    controller.post(ev.ButtonHeld(Samples(1)))
    controller.post(ev.ButtonLongPressed())
    assert "clear" in recorder.names()
    await until(lambda: "microphone.close" in recorder.names(), "a closed microphone")
    assert ("remember_mute", True) in recorder.calls


async def test_muting_and_unmuting_quickly_leaves_the_microphone_open(recorder: Recorder) -> None:
    """The last order counts, in whatever order the sound card gets round to them."""
    controller = build(recorder)
    for _ in range(2):
        controller.post(ev.ButtonHeld(Samples(1)))
        controller.post(ev.ButtonLongPressed())
        controller.post(ev.ButtonReleased(Samples(2)))
    await turn_the_loop()
    assert not controller.status.muted
    assert "microphone.close" not in recorder.names()
    assert recorder.names()[-1] != "microphone.close"


async def test_a_microphone_that_cannot_be_opened_is_not_the_end(recorder: Recorder) -> None:
    """Unmuting with the card unplugged; the adapter posts the fault itself, and once is enough."""
    recorder.microphone_error = AudioError("no such device")
    controller = build(recorder, muted=True)
    controller.post(ev.ButtonHeld(Samples(1)))
    controller.post(ev.ButtonLongPressed())
    await turn_the_loop()
    assert "microphone.open" in recorder.names()
    assert not controller.status.faults
    controller.post(ev.DeviceFailed(ev.Device.MICROPHONE, "no such device"))
    assert ev.Device.MICROPHONE in controller.status.faults


async def test_a_microphone_that_broke_is_not_well_because_it_is_merely_busy_now(recorder: Recorder) -> None:
    """After a mistake of ours the adapter fails in its own way: it has posted that, and nobody says the contrary."""
    controller = build(recorder, muted=True)
    told: list[Any] = []
    controller.observers.append(lambda what, status: told.append(what))
    errors: list[Any] = [LookupError("nobody foresaw this"), AudioError("busy")]
    for recorder.microphone_error in errors:
        controller.post(ev.UnmuteRequested())
        await turn_the_loop()
        assert not controller.status.muted
        controller.post(ev.ButtonLongPressed())
        await turn_the_loop()
    assert recorder.names().count("microphone.open") == len(errors)
    assert [type(what) for what in told if isinstance(what, ev.DeviceFailed | ev.DeviceRecovered)] == [ev.DeviceFailed]


async def test_a_shutdown_ends_the_run(recorder: Recorder) -> None:
    """SIGTERM becomes a fact; the last order lets run() return."""
    controller = build(recorder)
    running = asyncio.create_task(controller.run())
    controller.post(ev.ShutdownRequested())
    async with asyncio.timeout(10):
        await running


async def test_words_are_logged_at_debug_level_only(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """Transcripts and tool arguments are private."""
    caplog.set_level("INFO")
    controller = build(recorder)
    controller.post(WAKE)
    controller.post(ev.SessionReady(1))
    controller.post(ev.Heard(1, "my secret wish"))
    controller.post(ev.Said(1, "my secret answer"))
    controller.post(ev.ToolCalled(1, "c", "get_time", '{"secret": 1}'))
    await turn_the_loop()
    assert "secret" not in caplog.text


async def test_that_the_disk_refuses_is_said_when_the_conversation_is_over(recorder: Recorder, tmp_path: Path) -> None:
    """A file stands where the state folder should be; the conversation has begun before the disk has said so."""
    (tmp_path / "state").write_text("in the way")
    memory = MuteMemory(tmp_path / "state")
    controller = build(recorder, muted=True, remember_mute=memory.remember)
    memory.start(controller.post)
    controller.post(ev.UnmuteRequested())
    controller.post(WAKE)
    async with asyncio.timeout(5):
        while ev.Device.DISK not in controller.status.faults:
            await asyncio.sleep(0.01)
    await turn_the_loop()
    assert "play_announcement" not in recorder.names()
    controller.post(ev.ButtonClicked(Samples(0)))
    await turn_the_loop()
    assert "play_announcement" in recorder.names()
    await memory.close()


async def test_a_tool_that_needs_a_yes_runs_when_the_button_is_pressed(recorder: Recorder) -> None:
    """The first call is refused, the person is told what to do, and the same call is made again as confirmed."""
    calls: list[tuple[str, str, bool]] = []

    async def call(name: str, arguments: str, confirmed: bool = False) -> str:
        calls.append((name, arguments, confirmed))
        if not confirmed:
            raise UnconfirmedError(Confirmation(ev.Way.PRESS, "unlock the door"))
        return "unlocked"

    object.__setattr__(recorder, "call", call)
    controller = build(recorder, Settings(notice=Ms(0)))
    controller.post(WAKE)
    controller.post(ev.SessionReady(1))
    controller.post(ev.SpeechStarted(1))
    controller.post(ev.SpeechStopped(1))
    controller.post(ev.ResponseStarted(1, "r1"))
    controller.post(ev.ToolCalled(1, "c1", "unlock", '{"door": "front"}'))
    await turn_the_loop()
    assert controller.status.confirming
    assert ("show", Indication.CONFIRMING) in recorder.calls
    assert "send_tool_result" not in recorder.names()
    controller.post(ev.ButtonClicked(Samples(1)))
    await turn_the_loop()
    assert calls == [("unlock", '{"door": "front"}', False), ("unlock", '{"door": "front"}', True)]
    assert ("send_tool_result", "c1", "unlocked") in recorder.calls


class SlowMixer:
    """It takes its time."""

    def __init__(self, percent: int, error: AudioError | None = None) -> None:
        self.percent = percent
        self.error = error

    async def get(self) -> int:
        await asyncio.sleep(0)
        return self.percent

    async def set(self, percent: int) -> int:
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        self.percent = percent
        return percent


async def with_volume(recorder: Recorder, mixer: SlowMixer) -> Controller:
    """Build a controller with the volume of a card with this mixer."""

    async def find(output: str, control: str) -> SlowMixer:
        return mixer

    volume = Volume(Audio(), lambda gain: None, find)
    await volume.start()
    controller = build(recorder)
    object.__setattr__(controller._house, "volume", volume)
    return controller


async def test_quick_presses_for_more_volume_are_all_heeded(recorder: Recorder) -> None:
    """Each begins where the one before it has led, and the end of the scale is the end."""
    volume = SlowMixer(55)
    controller = await with_volume(recorder, volume)
    for _ in range(3):
        controller.post(ev.VolumeStepRequested(10))
    await until(lambda: volume.percent == 85, "three steps")
    for _ in range(3):
        controller.post(ev.VolumeStepRequested(10))
    controller.post(ev.VolumeStepRequested(-10))
    await until(lambda: volume.percent == 90, "a step down from the end")


async def test_a_volume_that_cannot_be_changed_is_no_fault_of_the_loudspeaker(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """It would end the conversation."""
    controller = await with_volume(recorder, SlowMixer(50, AudioError("the mixer is gone")))
    controller.post(ev.VolumeStepRequested(10))
    await until(lambda: "the volume cannot be changed: the mixer is gone" in caplog.text, "a word in the log")
    assert not controller.status.faults
