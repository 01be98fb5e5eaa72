"""What leaves the device, and when."""

from __future__ import annotations

import asyncio
import time

from device.core.events import ButtonLongPressed, SessionReady, SpeechStarted, VoiceStarted, VoiceStopped
from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from device.units import CAPTURE_RATE
from tests.conversation.mutings import tapped
from tests.scenarios.conftest import Open
from tests.scenarios.house import LED, WAKE_WORD, House
from tests.waiting import LIMIT_S, until

BEEP = Script(answer=lambda _: Reply("Beep.", audio=tone(300)))

IN_FLIGHT_S = 0.2
LOUD_DBFS = -40.0


async def heard_in_vain(house: House, words: str) -> float:
    """Say something, and wait until the frontend has had all of it; return when it came to something loud.

    A house that is idle looks for no voices.
    """
    loud: list[float] = []
    house.app.frontend.on_level = lambda level: loud.append(time.monotonic()) if level > LOUD_DBFS else None
    await house.person.say(words)
    spoken = house.app.frontend.position
    await until(lambda: house.app.frontend.position - spoken > CAPTURE_RATE, "a second after the words")
    house.app.frontend.on_level = None
    assert loud, "the words were heard"
    return loud[0]


def received_after(server: SimulatedRealtime, moment: float) -> list[str]:
    """Return what kinds of events came from the device after `moment`; what was on its way then is not counted."""
    return [entry.type for entry in server.journal.received() if entry.at > moment + IN_FLIGHT_S]


async def test_nothing_is_sent_before_the_wake_word_nor_after_the_conversation(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """There is not even a connection before; afterwards the wire stays silent."""
    server.script = BEEP
    async with open_house() as house:
        await heard_in_vain(house, "turn on the light")
        assert not server.journal.connections
        began = await house.converse()
        await house.phase(Phase.IDLE)
        appended = server.journal.received("input_audio_buffer.append")
        assert appended[0].at > began
        heard = await heard_in_vain(house, "turn on the light")
        assert received_after(server, heard) == []
        assert len(server.journal.connections) == 1


async def test_a_muted_house_hears_no_wake_word_and_its_light_says_so(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """Muted by a long press; a click does not open a session either; another long press brings it back."""
    server.script = BEEP
    async with open_house() as house:
        await house.long_press()
        muted = time.monotonic()
        assert house.status.muted
        begin = house.app.frontend.position
        await house.person.say("hello", WAKE_WORD)
        await house.click()
        closed_at = house.app.frontend.position
        # What the sound card still held when it was closed; the wake word alone lasts 600 ms.
        assert closed_at - begin < CAPTURE_RATE // 5, "the microphone is closed, not ignored"
        await until(lambda: 0 < house.board.level(LED) < 0.5, "the light of a muted house")
        # A hold begins as push-to-talk; from the moment of the mute on there is nothing.
        assert received_after(server, muted) == []
        assert len(server.journal.connections) <= 1
        await house.long_press()
        assert not house.status.muted
        await until(lambda: house.app.frontend.position > closed_at, "an open microphone")
        await house.converse()


async def test_mute_while_the_session_is_being_opened_sends_nothing_of_what_was_said(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """The words wait in the ring for a slow server: they must die there."""
    server.script = Script(session_updated_delay_s=3.0)
    async with open_house() as house:
        await house.wake("turn on the light")
        # While somebody speaks a long press is a long push-to-talk.
        facts = house.timeline.all
        await until(lambda: len(facts(VoiceStopped)) == len(facts(VoiceStarted)), "the end of the voice")
        assert house.status.phase is Phase.WAKING
        await house.long_press()
        assert house.status.phase is Phase.IDLE
        await until(lambda: server.journal.connections, "the connection")
        assert server.journal.received_audio() == b""
        server.script = BEEP
        await house.long_press()
        since = time.monotonic()
        await house.click()
        await house.timeline.until(SessionReady, since, LIMIT_S)
        # What the new session hears begins with the click: silence.
        await until(lambda: len(server.journal.received_audio()) > 24_000, "audio after the click")
        assert max(server.journal.received_audio()[:24_000]) == 0


async def test_mute_while_listening_ends_the_stream(open_house: Open, server: SimulatedRealtime) -> None:
    """Whatever the person says then, the server has heard the last of it."""
    server.script = BEEP
    async with open_house() as house:
        since = time.monotonic()
        await house.click()
        await house.timeline.until(SessionReady, since, LIMIT_S)
        await house.long_press()
        muted = time.monotonic()
        assert not house.status.gate_open
        await house.person.say("turn on the light", WAKE_WORD)
        assert received_after(server, muted) == []
        assert not house.timeline.all(SpeechStarted, since)


async def test_no_byte_is_handed_to_the_network_after_a_mute(open_house: Open, server: SimulatedRealtime) -> None:
    """In the middle of a stream from the microphone to the kernel: nothing of what was on its way between them."""
    server.script = BEEP
    with tapped() as tap:
        async with open_house() as house:
            since = time.monotonic()
            await house.click()
            await house.timeline.until(SessionReady, since, LIMIT_S)
            streaming = tap.handed + 20_000
            await until(lambda: tap.handed > streaming, "sound on its way")
            house.app.controller.post(ButtonLongPressed())
            handed = tap.handed
            assert house.status.muted
            await asyncio.sleep(0.5)  # in which 25 frames are heard
            assert tap.handed == handed
