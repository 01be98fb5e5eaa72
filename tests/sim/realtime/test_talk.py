"""Whole turns against the simulated Realtime server, over a real WebSocket."""

from __future__ import annotations

import base64
import json

import pytest

from device.sim.realtime import Call, Reply, Script, SimulatedRealtime, tone
from tests.sim.realtime.realtime_client import MODEL, TOOLS, Client, dialled, function, silence, spoken, talking

PUSH_TO_TALK = {"input": {"turn_detection": None}}


async def switched(client: Client) -> dict[str, object]:
    """Return the arguments of the call that comes."""
    done = await client.until("response.function_call_arguments.done")
    assert done["name"] == "set_switch"
    arguments: dict[str, object] = json.loads(done["arguments"])
    return arguments


async def test_a_session_begins_with_its_whole_configuration(server: SimulatedRealtime) -> None:
    """The first event says what holds."""
    async with dialled(server) as client:
        session = (await client.next())["session"]
    assert (session["type"], session["model"], session["object"]) == ("realtime", MODEL, "realtime.session")
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500


async def test_a_spoken_command_calls_the_tool_and_its_output_is_spoken(server: SimulatedRealtime) -> None:
    """From speech to a call, from the call's output to speech."""
    async with talking(server) as client:
        await client.says("turn on the desk lamp")
        assert await switched(client) == {"name": "desk_lamp", "on": True}
        done = await client.until("response.done")
        (call,) = done["response"]["output"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "The desk lamp is on."}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        said = await client.until("response.output_audio_transcript.done")
        await client.until("response.done")
    assert said["transcript"] == "The desk lamp is on."
    assert len(client.reply_audio()) > 48 * 500


async def test_events_come_in_the_order_of_the_api(server: SimulatedRealtime) -> None:
    """Voice, commit, item, response, message, done."""
    async with talking(server) as client:
        await client.says("hello")
        await client.until("response.done")
    assert client.types() == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        *["response.output_audio_transcript.delta", "response.output_audio.delta"]
        * client.types().count("response.output_audio.delta"),
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "rate_limits.updated",
        "response.done",
    ]


async def test_server_vad_counts_in_samples(server: SimulatedRealtime) -> None:
    """A burst of audio gives the same positions as audio in real time."""
    speech = await spoken("what time is it")
    async with talking(server) as client:
        await client.hears(silence(1000) + speech + silence(700), chunk_ms=5000)
        started = await client.until("input_audio_buffer.speech_started")
        stopped = await client.until("input_audio_buffer.speech_stopped")
        await client.until("response.done")
    assert 700 <= started["audio_start_ms"] <= 1000
    assert abs(stopped["audio_end_ms"] - (1000 + len(speech) / 48 + 500)) < 250
    assert stopped["item_id"] == started["item_id"]


async def test_the_committed_audio_has_the_padding_and_the_silence(server: SimulatedRealtime) -> None:
    """What is retrieved is what the positions said."""
    async with talking(server) as client:
        await client.hears(silence(1000))
        await client.says("what time is it")
        started = await client.until("input_audio_buffer.speech_started")
        stopped = await client.until("input_audio_buffer.speech_stopped")
        await client.until("response.done")
        await client.send("conversation.item.retrieve", item_id=started["item_id"])
        item = (await client.until("conversation.item.retrieved"))["item"]
    length_ms = len(base64.b64decode(item["content"][0]["audio"])) / 48
    assert length_ms == stopped["audio_end_ms"] - started["audio_start_ms"]


async def test_noise_and_silence_start_no_turn(server: SimulatedRealtime) -> None:
    """A quiet room causes no turn; the next command does."""
    async with talking(server) as client:
        await client.hears(silence(3000))
        await client.says("turn off the fan")
        assert await switched(client) == {"name": "fan", "on": False}
    assert [e.type for e in server.journal.sent()].count("input_audio_buffer.speech_started") == 1


async def test_push_to_talk_answers_when_asked_and_not_before(server: SimulatedRealtime) -> None:
    """A commit alone makes an item, no response."""
    async with talking(server, audio=PUSH_TO_TALK) as client:
        await client.hears(await spoken("turn on the light"))
        await client.send("input_audio_buffer.commit")
        await client.until("conversation.item.done")
        assert not server.journal.sent("response.created")
        await client.send("response.create")
        assert await switched(client) == {"name": "light", "on": True}
    assert not server.journal.sent("input_audio_buffer.speech_started")


async def test_a_commit_of_less_than_100_ms_is_refused(server: SimulatedRealtime) -> None:
    """Also an empty one, and one after a clear."""
    async with talking(server, audio=PUSH_TO_TALK) as client:
        await client.hears(silence(90))
        error = await client.refused("input_audio_buffer.commit", event_id="mine")
        await client.hears(silence(500))
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
        empty = await client.refused("input_audio_buffer.commit")
    assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "mine")
    assert "90.00ms" in error["message"]
    assert empty["code"] == "input_audio_buffer_commit_empty"


async def test_voice_over_an_answer_cancels_it(server: SimulatedRealtime) -> None:
    """speech_started, then response.done as cancelled; the new command is answered."""
    async with talking(server) as client:
        await client.says("tell me a story")
        await client.until("response.output_audio.delta")
        await client.says("turn on the light")
        await client.until("input_audio_buffer.speech_started")
        cancelled = (await client.until("response.done"))["response"]
        assert await switched(client) == {"name": "light", "on": True}
    assert cancelled["status"] == "cancelled"
    assert cancelled["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert cancelled["output"][0]["status"] == "incomplete"


async def test_without_interrupt_response_an_answer_goes_on(server: SimulatedRealtime) -> None:
    """And the second response is refused while it does, as the API says."""
    audio = {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}}
    async with talking(server, audio=audio) as client:
        await client.says("tell me a story")
        await client.until("response.output_audio.delta")
        await client.says("turn on the light")
        error = (await client.until("error"))["error"]
        done = (await client.until("response.done"))["response"]
    assert error["code"] == "conversation_already_has_active_response"
    assert done["status"] == "completed"


async def test_with_create_response_off_only_events_come(server: SimulatedRealtime) -> None:
    """The client asks when it wants."""
    audio = {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}
    async with talking(server, audio=audio) as client:
        await client.says("turn on the light")
        await client.until("conversation.item.done")
        assert not server.journal.sent("response.created")
        await client.send("response.create")
        assert await switched(client) == {"name": "light", "on": True}


async def test_semantic_vad_ends_the_turn_at_once_after_a_complete_sentence(server: SimulatedRealtime) -> None:
    """A pause of 300 ms is enough after a whole phrase; without one it waits 2 s when eager."""
    audio = {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}}
    complete, half = await spoken("turn on the light"), await spoken("turn on the")
    async with talking(server, audio=audio) as client:
        await client.hears(complete + silence(600))
        stopped = await client.until("input_audio_buffer.speech_stopped")
        await client.until("response.done")
        await client.hears(half + silence(2300))
        waited = await client.until("input_audio_buffer.speech_stopped")
        await client.until("response.done")
    assert stopped["audio_end_ms"] < len(complete) / 48 + 400
    assert waited["audio_end_ms"] > (len(complete) + len(half)) / 48 + 600 + 1700


async def test_the_client_cancels_and_truncates(server: SimulatedRealtime) -> None:
    """The item keeps what was heard and loses its transcript."""
    async with talking(server) as client:
        await client.writes("tell me a story")
        item = (await client.until("response.output_audio.delta"))["item_id"]
        await client.until("response.output_audio.delta")
        await client.send("response.cancel")
        done = (await client.until("response.done"))["response"]
        await client.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=250)
        truncated = await client.until("conversation.item.truncated")
        await client.send("conversation.item.retrieve", item_id=item)
        kept = (await client.until("conversation.item.retrieved"))["item"]["content"][0]
    assert done["status_details"]["reason"] == "client_cancelled"
    assert truncated["audio_end_ms"] == 250
    assert len(base64.b64decode(kept["audio"])) == 250 * 48
    assert "transcript" not in kept


async def test_truncation_is_checked(server: SimulatedRealtime) -> None:
    """Longer than there is, nothing at all, not a spoken answer, unknown."""
    async with talking(server) as client:
        server.script = Script(answer=lambda _: Reply("A tone.", audio=tone(600)))
        await client.writes("hello")
        added = await client.until("conversation.item.done")
        done = (await client.until("response.done"))["response"]
        place = {"item_id": done["output"][0]["id"], "content_index": 0}
        truncate = "conversation.item.truncate"
        longer = await client.refused(truncate, **place, audio_end_ms=601)
        nothing = await client.refused(truncate, **place, audio_end_ms=0)
        wrong = await client.refused(truncate, item_id=added["item"]["id"], content_index=0, audio_end_ms=10)
        unknown = await client.refused(truncate, item_id="item_x", content_index=0, audio_end_ms=10)
    assert longer["message"] == "Audio content of 600ms is already shorter than 601ms"
    assert [nothing["code"], wrong["code"]] == ["unsupported_content_type"] * 2
    assert unknown["code"] == "item_truncate_invalid_item_id"


async def test_deleted_items_are_gone(server: SimulatedRealtime) -> None:
    """Neither retrieved nor deleted again."""
    async with talking(server) as client:
        await client.writes("hello")
        item = (await client.until("conversation.item.added"))["item"]["id"]
        await client.until("response.done")
        await client.send("conversation.item.delete", item_id=item)
        await client.until("conversation.item.deleted")
        again = await client.refused("conversation.item.delete", item_id=item)
        gone = await client.refused("conversation.item.retrieve", item_id=item)
    assert again["code"] == "item_delete_invalid_item_id"
    assert gone["code"] == "item_retrieve_invalid_item_id"


async def test_one_response_at_a_time(server: SimulatedRealtime) -> None:
    """Another is refused until it is done; a cancel without one too."""
    async with talking(server) as client:
        await client.writes("tell me a story")
        busy = await client.refused("response.create")
        await client.send("response.cancel")
        await client.until("response.done")
        idle = await client.refused("response.cancel")
        await client.send("response.create")
        await client.until("response.created")
    assert busy["code"] == "conversation_already_has_active_response"
    assert idle["code"] == "response_cancel_not_active"


async def test_a_response_out_of_band_runs_beside_the_conversation(server: SimulatedRealtime) -> None:
    """It has its own input, keeps its metadata, and leaves no item behind."""
    async with talking(server) as client:
        await client.writes("tell me a story")
        await client.until("response.output_audio.delta")
        content = [{"type": "input_text", "text": "how are you"}]
        own = [{"type": "message", "role": "user", "content": content}]
        params = {"conversation": "none", "input": own, "metadata": {"why": "test"}, "output_modalities": ["text"]}
        await client.send("response.create", response=params)
        text = await client.until("response.output_text.done")
        done = (await client.until("response.done"))["response"]
    assert text["text"] == "I am well, thank you."
    assert (done["conversation_id"], done["metadata"]) == (None, {"why": "test"})
    items = [e.event["item"]["id"] for e in server.journal.sent("conversation.item.added")]
    assert text["item_id"] not in items


async def test_input_is_transcribed_when_wanted(server: SimulatedRealtime) -> None:
    """With what was recognised."""
    audio = {"input": {"transcription": {"model": "gpt-transcribe"}}}
    async with talking(server, audio=audio) as client:
        await client.says("turn on the light")
        heard = await client.until("conversation.item.input_audio_transcription.completed")
    assert heard["transcript"] == "turn on the light"


async def test_usage_counts_the_whole_conversation_again(server: SimulatedRealtime) -> None:
    """What was billed before is cached; audio by its length."""
    async with talking(server) as client:
        server.script = Script(answer=lambda _: Reply("A tone.", audio=tone(1000)))
        await client.writes("hello")
        first = (await client.until("response.done"))["response"]["usage"]
        await client.writes("thank you")
        second = (await client.until("response.done"))["response"]["usage"]
    assert first["output_token_details"]["audio_tokens"] == 20
    assert first["input_token_details"]["cached_tokens"] == 0
    assert second["input_token_details"]["audio_tokens"] == 20
    assert second["input_token_details"]["cached_tokens_details"]["audio_tokens"] == 20
    assert second["total_tokens"] == second["input_tokens"] + second["output_tokens"]


async def test_parallel_calls_and_calls_of_tools_that_do_not_exist(server: SimulatedRealtime) -> None:
    """The script may let the model do what it likes."""
    calls = (Call("set_switch", '{"name": "fan", "on": true}'), Call("open_door", "{not json"))
    server.script = Script(answer=lambda text: Reply(calls=calls) if text == "hello" else None)
    async with talking(server) as client:
        await client.writes("hello")
        output = (await client.until("response.done"))["response"]["output"]
        for call in output:
            item = {"type": "function_call_output", "call_id": call["call_id"], "output": f"{call['name']} done."}
            await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        said = await client.until("response.output_audio_transcript.done")
    assert [call["name"] for call in output] == ["set_switch", "open_door"]
    assert len({call["call_id"] for call in output}) == 2
    assert said["transcript"] == "set_switch done. open_door done."


@pytest.mark.parametrize("modality", ["audio", "text"])
async def test_an_answer_is_spoken_or_written(server: SimulatedRealtime, modality: str) -> None:
    """Never both."""
    async with talking(server, output_modalities=[modality]) as client:
        await client.writes("how are you")
        await client.until("response.done")
    assert ("response.output_text.delta" in client.types()) == (modality == "text")
    assert bool(client.reply_audio()) == (modality == "audio")


async def test_an_answer_longer_than_its_tokens_is_incomplete(server: SimulatedRealtime) -> None:
    """20 tokens are a second."""
    async with talking(server, max_output_tokens=20) as client:
        await client.writes("tell me a story")
        done = (await client.until("response.done"))["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert len(client.reply_audio()) == 48 * 1000


async def test_a_story_is_long_enough_to_be_interrupted(server: SimulatedRealtime) -> None:
    """At least 12 s of speech, sent faster than it plays."""
    server.script = Script(delta_interval_s=0.0)
    async with talking(server) as client:
        await client.writes("tell me a story")
        await client.until("response.done")
    assert len(client.reply_audio()) > 48 * 12_000


async def test_g711_is_spoken_both_ways(server: SimulatedRealtime) -> None:
    """The server converts sound at 8 kHz in both directions."""
    audio = {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}}
    audio["output"] = {"format": {"type": "audio/pcmu"}}
    server.script = Script(answer=lambda _: Reply("A tone.", audio=tone(500)))
    async with talking(server, audio=audio) as client:
        await client.send("input_audio_buffer.append", audio=base64.b64encode(b"\xff" * 1600).decode())
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        await client.until("response.done")
    assert len(client.reply_audio()) == 500 * 8


async def test_a_parrot_gives_back_what_it_heard(server: SimulatedRealtime) -> None:
    """Exactly the same samples."""
    server.script = Script(answer=lambda _: Reply("Parrot.", parrot=True))
    sound = tone(700)
    async with talking(server, audio=PUSH_TO_TALK) as client:
        await client.hears(sound)
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        await client.until("response.done")
    assert client.reply_audio() == sound
    assert server.journal.received_audio() == sound


@pytest.mark.parametrize(("words", "name"), [("turn on the fan", "set_switch"), ("hello", "open_door")])
async def test_a_call_that_is_required_is_made(server: SimulatedRealtime, words: str, name: str) -> None:
    """Whatever was said: what was asked for, or else the first function, with arguments that its schema allows."""
    doors = {"type": "string", "enum": ["front", "back"]}
    times, note = {"type": "integer", "minimum": 1}, {"type": ["string", "null"]}
    needed = {"door": doors, "times": times, "note": note, "why": {"type": "string"}}
    schema = {"type": "object", "properties": needed, "required": ["door", "times", "note"]}
    tools = [{"type": "function", "name": "open_door", "parameters": schema}, function(TOOLS[0])]
    async with dialled(server) as client:
        await client.until("session.created")
        await client.configure(tools=tools, tool_choice="required")
        await client.writes(words)
        done = await client.until("response.function_call_arguments.done")
    assert done["name"] == name
    wanted = {"set_switch": {"name": "fan", "on": True}, "open_door": {"door": "front", "times": 1, "note": ""}}
    assert json.loads(done["arguments"]) == wanted[name]
