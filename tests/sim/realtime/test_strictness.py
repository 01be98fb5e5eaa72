"""What the server takes is what the openai package's types know, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from openai.types.realtime import RealtimeSessionCreateRequest
from openai.types.realtime.realtime_response_create_params import RealtimeResponseCreateParams
from pydantic import BaseModel

from device.sim.realtime import SimulatedRealtime, schema
from device.sim.realtime.validation import RefusedError, check_session, convert, decode
from tests.conversation.openai_types import CLIENT, check_client_event
from tests.sim.realtime.realtime_client import TOOLS, Client, dialled, function, silence, talking

# Values within the ranges that the types do not tell.
IN_RANGE = {"idle_timeout_ms": 5000, "max_output_tokens": 4096, "speed": 1.5, "image_url": "data:image/png;base64,AA=="}
# Fields that other fields ask for.
TOGETHER: dict[str, dict[str, Any]] = {"FunctionTool": {"name": "f"}, "RealtimeFunctionTool": {"name": "f"}}


def values(annotation: Any, name: str) -> Iterator[Any]:
    """Yield a value for each alternative of a type: each literal, one of each class."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from values(get_args(annotation)[0], name)
    elif origin is Union:
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        closed = any(get_origin(kind) is Literal for kind in kinds)
        for kind in kinds:
            if not (closed and kind is str):
                yield from values(kind, name)
    elif origin is Literal:
        yield from get_args(annotation)
    elif origin is list:
        yield from ([value] for value in values(get_args(annotation)[0], name))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from objects(annotation)
    else:
        yield plain(annotation, name)


def plain(annotation: Any, name: str) -> Any:
    """Return a value of a type without alternatives."""
    if name in IN_RANGE:
        return IN_RANGE[name]
    if get_origin(annotation) is dict:
        return {"key": "value"}
    return {str: "text", int: 1, float: 0.5, bool: True}.get(annotation, {})


def objects(model: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Yield the smallest object, and one for each value of each field."""
    required = {
        name: next(values(field.annotation, name))
        for name, field in model.model_fields.items()
        if field.is_required() or name == "type"
    }
    required |= TOGETHER.get(model.__name__, {})
    yield required
    for name, field in model.model_fields.items():
        if name in ("input", "type") and model is RealtimeResponseCreateParams:
            continue
        if name != "type":
            yield from ({**required, name: value} for value in values(field.annotation, name))


SESSIONS = list(objects(RealtimeSessionCreateRequest))
RESPONSES = list(objects(RealtimeResponseCreateParams))


def is_taken(event: dict[str, Any]) -> bool:
    """Say whether the server's types take an event."""
    try:
        decode(json.dumps(event))
    except RefusedError:
        return False
    return True


def unknown_added(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield copies of a value, each with an unknown key in one of its objects."""
    if isinstance(value, dict):
        yield path, {**value, "surprise": 1}
        for key, part in value.items():
            if key not in ("metadata", "variables", "headers", "parameters"):
                yield from ((where, {**value, key: new}) for where, new in unknown_added(part, f"{path}.{key}"))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            for where, new in unknown_added(part, f"{path}[{at}]"):
                yield where, [*value[:at], new, *value[at + 1 :]]


def nulled(value: Any) -> Iterator[Any]:
    """Yield copies of a value, each with null in the place of something below it, but for what makes it what it is."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in ("type", "name", "text"):
                yield {**value, key: None}
            yield from ({**value, key: new} for new in nulled(part))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from ([*value[:at], new, *value[at + 1 :]] for new in nulled(part))


def is_known(event: dict[str, Any]) -> bool:
    """Say whether the package's types take an event."""
    try:
        check_client_event(event)
    except ValueError:
        return False
    return True


NULLABLE = [
    *({"type": "session.update", "event_id": "e", "session": session} for session in SESSIONS),
    *({"type": "response.create", "event_id": "e", "response": response} for response in RESPONSES),
    *({**event, "event_id": "e"} for kind, model in CLIENT.items() if "audio" not in kind for event in objects(model)),
]


def test_null_is_taken_wherever_the_types_know_it() -> None:
    """Clients send it for whatever they leave out."""
    events = [event for whole in NULLABLE if is_taken(whole) for event in nulled(whole) if is_known(event)]
    assert len(events) > 500
    assert [event for event in events if not is_taken(event)] == []


async def test_null_leaves_a_setting_as_it_is_unless_it_switches_something_off(server: SimulatedRealtime) -> None:
    """Instructions have no null; the turn detection has."""
    async with dialled(server) as client:
        await client.until("session.created")
        before = await client.configure(instructions="Be brief.", tools=[function(TOOLS[0])])
        audio = {"input": {"format": None, "turn_detection": None}, "output": {"voice": None, "speed": None}}
        nothing = {"instructions": None, "tools": None, "tool_choice": None, "model": None, "truncation": None}
        after = await client.configure(audio=audio, **nothing)
    before["audio"]["input"]["turn_detection"] = None
    assert after == before


async def test_a_response_with_nothing_but_nulls_is_an_ordinary_one(server: SimulatedRealtime) -> None:
    """As several clients ask for it."""
    names = ("audio", "conversation", "input", "instructions", "max_output_tokens", "metadata", "output_modalities")
    async with talking(server) as client:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
        await client.send("conversation.item.create", item=item)
        await client.send("response.create", response=dict.fromkeys(names))
        done = await client.until("response.done")
    assert done["response"]["status"] == "completed"
    assert done["response"]["output_modalities"] == ["audio"]


def test_the_live_transcriber_may_write_down_what_a_server_vad_hears() -> None:
    """Beside a model that speaks; a session that only transcribes with it has no turns."""
    audio = {"input": {"transcription": {"model": "gpt-realtime-whisper"}, "turn_detection": {"type": "server_vad"}}}
    speaking = convert({"type": "realtime", "audio": audio}, schema.RealtimeSession)
    check_session(speaking)
    with pytest.raises(RefusedError):
        check_session(convert({"type": "transcription", "audio": audio}, schema.TranscriptionSession))


def test_there_are_many_configurations() -> None:
    """The walk over the types really finds their alternatives."""
    assert len(SESSIONS) > 100
    assert len(RESPONSES) > 50


@pytest.mark.parametrize("session", SESSIONS, ids=[f"session-{at}" for at in range(len(SESSIONS))])
def test_every_value_of_a_session_that_the_types_know_is_taken(session: dict[str, Any]) -> None:
    """Each field, each literal."""
    event = {"type": "session.update", "session": session}
    check_client_event(event)
    decode(json.dumps(event))


@pytest.mark.parametrize("session", SESSIONS, ids=[f"session-{at}" for at in range(len(SESSIONS))])
def test_an_unknown_field_anywhere_in_a_session_is_refused(session: dict[str, Any]) -> None:
    """And the error names it."""
    for path, changed in unknown_added(session, "session"):
        with pytest.raises(RefusedError) as refused:
            decode(json.dumps({"type": "session.update", "session": changed}))
        assert refused.value.code == "unknown_parameter", path
        assert str(refused.value.param).endswith("surprise")


@pytest.mark.parametrize("response", RESPONSES, ids=[f"response-{at}" for at in range(len(RESPONSES))])
def test_every_parameter_of_a_response_that_the_types_know_is_taken(response: dict[str, Any]) -> None:
    """And none besides."""
    assert is_taken({"type": "response.create", "response": response})
    for path, changed in unknown_added(response):
        assert not is_taken({"type": "response.create", "response": changed}), path


def test_every_client_event_is_known() -> None:
    """All 11; each refuses an unknown field."""
    assert len(CLIENT) == 11
    for kind in CLIENT:
        with pytest.raises(RefusedError) as refused:
            decode(json.dumps({"type": kind, "surprise": 1}))
        assert refused.value.code in ("unknown_parameter", "missing_required_parameter")


ITEMS: list[dict[str, Any]] = [
    {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "a"}]},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}], "id": "mine"},
    {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA", "transcript": "a"}]},
    {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": IN_RANGE["image_url"]}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}], "status": "completed"},
    {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
    {"type": "function_call_output", "call_id": "c", "output": "done"},
]


async def test_items_that_a_client_may_create(server: SimulatedRealtime) -> None:
    """Each is acknowledged twice."""
    async with talking(server) as client:
        for item in ITEMS:
            check_client_event({"type": "conversation.item.create", "item": item})
            await client.send("conversation.item.create", item=item)
            await client.until("conversation.item.done")
    assert not server.journal.sent("error")


def session(**fields: Any) -> dict[str, Any]:
    """Return a session.update."""
    return {"type": "session.update", "session": {"type": "realtime", **fields}}


def vad(**fields: Any) -> dict[str, Any]:
    """Return a session.update of server VAD."""
    return session(audio={"input": {"turn_detection": {"type": "server_vad", **fields}}})


def item(**fields: Any) -> dict[str, Any]:
    """Return a conversation.item.create."""
    return {"type": "conversation.item.create", "item": fields}


REFUSED: list[tuple[dict[str, Any], str, str | None]] = [
    (vad(threshold=1.1), "invalid_value", "session.audio.input.turn_detection.threshold"),
    (vad(threshold=-0.1), "invalid_value", "session.audio.input.turn_detection.threshold"),
    (vad(prefix_padding_ms=-1), "invalid_value", "session.audio.input.turn_detection.prefix_padding_ms"),
    (vad(silence_duration_ms=0.5), "invalid_value", "session.audio.input.turn_detection.silence_duration_ms"),
    (vad(idle_timeout_ms=4999), "invalid_value", "session.audio.input.turn_detection.idle_timeout_ms"),
    (vad(idle_timeout_ms=30001), "invalid_value", "session.audio.input.turn_detection.idle_timeout_ms"),
    (vad(eagerness="low"), "unknown_parameter", "session.audio.input.turn_detection.eagerness"),
    (session(voice="marin"), "unknown_parameter", "session.voice"),
    (session(modalities=["audio"]), "unknown_parameter", "session.modalities"),
    (session(temperature=0.8), "unknown_parameter", "session.temperature"),
    (session(output_modalities=["audio", "text"]), "invalid_value", "session.output_modalities"),
    (session(output_modalities=[]), "invalid_value", "session.output_modalities"),
    (session(max_output_tokens=0), "invalid_value", "session.max_output_tokens"),
    (session(max_output_tokens=4097), "invalid_value", "session.max_output_tokens"),
    (session(model="gpt-realtime"), "invalid_value", "session.model"),
    (session(tools=[{"type": "function"}]), "missing_required_parameter", "session.tools[0].name"),
    (session(tools=[{"name": "f"}]), "missing_required_parameter", "session.tools[0].type"),
    (session(audio={"output": {"voice": "bob"}}), "invalid_value", "session.audio.output.voice"),
    (session(audio={"output": {"speed": 1.6}}), "invalid_value", "session.audio.output.speed"),
    (session(audio={"output": {"speed": 0.2}}), "invalid_value", "session.audio.output.speed"),
    (
        session(audio={"input": {"format": {"type": "audio/pcm", "rate": 16000}}}),
        "invalid_value",
        "session.audio.input.format.rate",
    ),
    (
        session(audio={"input": {"transcription": {"model": "whisper-1", "delay": "low"}}}),
        "invalid_value",
        "session.audio.input.transcription.delay",
    ),
    ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type"),
    ({"type": "session.update", "session": {"type": "transcription"}}, "invalid_value", "session.type"),
    ({"type": "session.update"}, "missing_required_parameter", "session"),
    ({"type": "session.upgrade"}, "invalid_value", "type"),
    ({"event_id": "x"}, "missing_required_parameter", "type"),
    ({"type": "input_audio_buffer.append", "audio": "not base64!"}, "invalid_value", "audio"),
    ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
    ({"type": "output_audio_buffer.clear"}, "invalid_event", "type"),
    ({"type": "response.create", "response": {"metadata": {"k" * 65: "v"}}}, "invalid_value", None),
    ({"type": "response.create", "response": {"conversation": "other"}}, "invalid_value", "response.conversation"),
    (
        item(type="message", role="assistant", content=[{"type": "output_audio", "audio": "AAAA"}]),
        "invalid_value",
        "item.content[0].type",
    ),
    (
        item(type="message", role="system", content=[{"type": "input_audio", "audio": "AAAA"}]),
        "invalid_value",
        "item.content[0].type",
    ),
    (
        {**item(type="function_call_output", call_id="c", output="o"), "previous_item_id": "item_x"},
        "invalid_value",
        "previous_item_id",
    ),
    (
        {"type": "conversation.item.truncate", "item_id": "x", "content_index": 0},
        "missing_required_parameter",
        "audio_end_ms",
    ),
]


async def test_what_the_api_refuses_is_refused_with_its_code(server: SimulatedRealtime) -> None:
    """The error carries code, parameter and the event's id, and the session goes on."""
    async with dialled(server) as client:
        await client.until("session.created")
        for number, (event, code, param) in enumerate(REFUSED):
            error = await refusal(client, {"event_id": f"e{number}", **event})
            assert error["code"] == code, event
            assert error["event_id"] == event.get("event_id", f"e{number}")
            assert param is None or error["param"] == param
        await client.configure(instructions="Still here.")


async def refusal(client: Client, event: dict[str, Any]) -> dict[str, Any]:
    """Send an event; return the error that comes."""
    await client.socket.send(json.dumps(event))
    error: dict[str, Any] = (await client.until("error"))["error"]
    return error


@pytest.mark.parametrize("frame", ["{", "[]", "null", '"text"', b"\x00\xff", "[" * 100_000 + "]" * 100_000])
async def test_what_is_no_event_is_refused(server: SimulatedRealtime, frame: str | bytes) -> None:
    """Malformed JSON, JSON that is no object, binary, JSON deeper than any parser goes."""
    async with dialled(server) as client:
        await client.until("session.created")
        await client.socket.send(frame)
        assert (await client.until("error"))["error"]["code"] == "invalid_event"


async def test_more_than_15_mib_in_one_append_is_refused(server: SimulatedRealtime) -> None:
    """And nothing of it is kept."""
    async with talking(server, audio={"input": {"turn_detection": None}}) as client:
        await client.hears(silence(15 * 1024 * 1024 // 48 + 1), chunk_ms=10**9)
        error = (await client.until("error"))["error"]
    assert error["param"] == "audio"
    assert server.journal.received_audio() == b""


async def test_the_voice_is_fixed_once_the_assistant_has_spoken(server: SimulatedRealtime) -> None:
    """The whole update is refused, its tools included; without a new voice it passes."""
    async with talking(server) as client:
        await client.configure(audio={"output": {"voice": "cedar"}})
        await client.writes("hello")
        await client.until("response.done")
        update = {"type": "realtime", "tools": [], "audio": {"output": {"voice": "ash"}}}
        error = await client.refused("session.update", session=update)
        kept = await client.configure(audio={"output": {"voice": "cedar", "speed": 1.2}})
    assert error["code"] == "cannot_update_voice"
    assert [tool["name"] for tool in kept["tools"]] == [spec.name for spec in TOOLS]


async def test_an_update_changes_only_what_is_present(server: SimulatedRealtime) -> None:
    """Null clears, the rest stays."""
    async with dialled(server) as client:
        await client.until("session.created")
        await client.configure(instructions="Be brief.", tools=[function(TOOLS[0])])
        audio = {"input": {"turn_detection": None, "noise_reduction": {"type": "far_field"}}}
        await client.configure(audio=audio)
        kept = await client.configure(audio={"input": {"noise_reduction": None}}, tools=[])
    assert kept["instructions"] == "Be brief."
    assert (kept["audio"]["input"]["turn_detection"], kept["audio"]["input"]["noise_reduction"]) == (None, None)
    assert kept["tools"] == []
    assert kept["audio"]["output"]["voice"] == "marin"
