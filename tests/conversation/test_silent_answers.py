"""Answers without sound, or with less of it than they should have: told, whatever the order of events."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from device.conversation.openai.protocol import sound, words
from device.conversation.openai.protocol.facts import AnswerAudio, AnswerItemEnded, Fact
from device.core import events as ev
from device.core.events import Shortfall
from tests.conversation.talk import Talk, base64_of, milliseconds

PLACE = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}


@pytest.fixture
def talk() -> Talk:
    """A session in which the provider has begun a response."""
    talk = Talk().made_ready()
    talk.response("r")
    talk.facts()
    return talk


def message(*content: dict[str, Any]) -> dict[str, Any]:
    return {"id": "i", "type": "message", "role": "assistant", "content": list(content)}


def finished(talk: Talk) -> ev.ResponseFinished:
    (fact,) = [fact for fact in talk.facts() if isinstance(fact, ev.ResponseFinished)]
    return fact


def heard(facts: list[Fact]) -> bytes:
    return b"".join(fact.pcm for fact in facts if isinstance(fact, AnswerAudio))


def delta(talk: Talk, value: object, **changes: object) -> None:
    talk.says("response.output_audio.delta", **{**PLACE, "delta": value, **changes})


# -- words without sound


@pytest.mark.parametrize("names", ["response.output_text", "response.text"])
def test_words_in_pieces_and_whole_are_told_with_the_end(talk: Talk, names: str) -> None:
    """The whole replaces the pieces; the beta's names are as good."""
    talk.says(f"{names}.delta", **PLACE, delta="It is")
    talk.says(f"{names}.delta", **PLACE, delta=" fiv")
    talk.says(f"{names}.done", **PLACE, text="It is five.")
    talk.done("r")
    end = finished(talk)
    assert (end.sound, end.text, end.lack) == (False, "It is five.", None)
    assert "no sound" in end.message


def test_complete_words_are_told_before_the_end(talk: Talk) -> None:
    """Which a server may forget; beside sound they are no news."""
    talk.says("response.output_text.done", **PLACE, text="It is five.")
    assert ev.WordsWritten(1) in talk.facts()
    talk.protocol.abandon_response()
    assert finished(talk).text == "It is five."
    talk.response("r2")
    talk.audio("r2", "i", 40)
    talk.says("response.output_text.done", **{**PLACE, "response_id": "r2"}, text="It is five.")
    assert ev.WordsWritten(1) not in talk.facts()


def test_an_answer_without_an_end_may_have_neither_sound_nor_words(talk: Talk) -> None:
    """Words that cannot be spoken, half a sample, and no end: the person is told that no answer came."""
    talk.says("response.output_text.done", **PLACE, text="...")
    assert ev.WordsWritten(1) in talk.facts()
    delta(talk, "AA==")
    talk.protocol.abandon_response()
    end = finished(talk)
    assert (end.sound, end.text, end.lack) == (False, "", Shortfall.NO_END)


def test_pieces_alone_are_enough(talk: Talk) -> None:
    """A server may forget the whole."""
    for piece in ("It is", " five."):
        talk.says("response.output_text.delta", **PLACE, delta=piece)
    talk.done("r")
    assert finished(talk).text == "It is five."


@pytest.mark.parametrize(
    "part",
    [
        {"type": "output_text", "text": "It is five."},
        {"type": "text", "text": "It is five."},
        {"type": "output_audio", "transcript": "It is five."},
        {"type": "audio", "transcript": "It is five.", "text": None},
    ],
)
def test_words_that_stand_only_in_the_finished_response_are_told(talk: Talk, part: dict[str, Any]) -> None:
    """Written, or spoken with the sound lost on the way."""
    talk.done("r", output=[message(part), message({"type": "refusal"}), {"type": "message", "content": 5}, 7])
    assert finished(talk).text == "It is five."


def test_two_items_are_read_in_their_order(talk: Talk) -> None:
    """Pieces may come mixed."""
    for item, piece in (("a", "One,"), ("b", "three"), ("a", " two,"), ("b", ".")):
        talk.says("response.output_text.delta", **{**PLACE, "item_id": item}, delta=piece)
    talk.done("r")
    assert finished(talk).text == "One, two, three."


@pytest.mark.parametrize("words_first", [True, False])
def test_words_beside_sound_are_not_read(talk: Talk, words_first: bool) -> None:
    """The transcript, a text in the same item, and one in an item of its own."""

    def write() -> None:
        talk.says("response.output_audio_transcript.done", **PLACE, transcript="It is five.")
        talk.says("response.output_text.done", **{**PLACE, "content_index": 1}, text="It is five.")
        talk.says("response.output_text.done", **{**PLACE, "item_id": "before"}, text="Thinking.")

    if words_first:
        write()
    talk.audio("r", "i", 40)
    if not words_first:
        write()
    talk.done("r", output=[message({"type": "output_text", "text": "It is five."})])
    end = finished(talk)
    assert (end.sound, end.text, end.message) == (True, "", "")


def test_words_behind_the_end_are_told_once(talk: Talk) -> None:
    """Some servers send them there; those that repeat what was told are no news."""
    talk.done("r")
    assert "no words" in finished(talk).message
    for _ in range(2):
        talk.says("response.output_text.done", **PLACE, text="It is five.")
    assert [fact for fact in talk.facts() if isinstance(fact, ev.WordsFollowed)] == [ev.WordsFollowed(1, "It is five.")]


def test_words_behind_the_end_of_an_answer_that_was_heard_are_not_told(talk: Talk) -> None:
    """Nor those of a cancelled one."""
    talk.audio("r", "i", 40)
    talk.done("r")
    talk.says("response.output_text.done", **PLACE, text="It is five.")
    talk.response("r2")
    talk.done("r2", "cancelled")
    talk.says("response.output_text.done", **{**PLACE, "response_id": "r2"}, text="It is five.")
    assert not [fact for fact in talk.facts() if isinstance(fact, ev.WordsFollowed)]


def test_sound_behind_the_end_is_heard(talk: Talk) -> None:
    """As long as nothing else runs, and nobody interrupted."""
    talk.done("r")
    talk.audio("r", "i", 40)
    assert heard(talk.facts()) == milliseconds(40)
    talk.protocol.drop_response()
    talk.audio("r", "i", 40)
    assert heard(talk.facts()) == b""


def test_a_response_that_only_calls_a_tool_is_no_answer_without_sound(talk: Talk) -> None:
    """More follows, and nothing is amiss."""
    talk.call("r", "c")
    talk.done("r")
    end = finished(talk)
    assert (end.more, end.text, end.lack, end.message) == (True, "", None, "")


def test_a_flood_of_words_is_bounded(talk: Talk) -> None:
    """In memory and in what is read."""
    for item in range(50):
        talk.says("response.output_text.delta", **{**PLACE, "item_id": str(item)}, delta="word " * 1_000)
    talk.done("r")
    assert 0 < len(finished(talk).text) <= words.LONGEST


def test_what_cannot_be_spoken_is_left_out(talk: Talk) -> None:
    """Control characters: the local voice would stumble."""
    talk.says("response.output_text.done", **PLACE, text="It\x00 is\n\n five.")
    talk.done("r")
    assert finished(talk).text == "It is five."


@pytest.mark.parametrize("text", ["...", " ", "\U0001f600", "\n"])
def test_what_has_nothing_to_speak_is_no_words(talk: Talk, text: str) -> None:
    """The person would wait for it in vain."""
    talk.says("response.output_text.done", **PLACE, text=text)
    talk.done("r", output=[message({"type": "output_text", "text": text})])
    talk.says("response.output_text.done", **PLACE, text=text)
    facts = talk.facts()
    (end,) = [fact for fact in facts if isinstance(fact, ev.ResponseFinished)]
    assert end.text == ""
    assert not [fact for fact in facts if isinstance(fact, ev.WordsFollowed)]


def test_an_item_with_the_name_of_an_earlier_one_is_another(talk: Talk) -> None:
    """Some servers name them all alike: each ends, and is cut at what was heard of itself."""
    for response in ("r", "r2"):
        if response == "r2":
            talk.response(response)
        talk.audio(response, "i", 100)
        talk.audio_done(response, "i")
        assert AnswerItemEnded(1, "i") in talk.facts()
        talk.done(response)
    talk.protocol.truncate_item("i", 150)
    assert talk.sent() == []


def test_half_an_emoji_in_a_piece_does_not_end_the_session(talk: Talk) -> None:
    """Some servers cut words between the two halves of a surrogate pair."""
    for piece in ("It is five. \ud83d", "\ude00"):
        talk.says("response.output_text.delta", **PLACE, delta=piece)
        talk.says("response.output_audio_transcript.delta", **PLACE, delta=piece)
    talk.done("r")
    assert finished(talk).text == "It is five. ??"


# -- incomplete


@pytest.mark.parametrize(
    ("reason", "lack"),
    [
        ("content_filter", Shortfall.FILTERED),
        ("max_output_tokens", Shortfall.TOO_LONG),
        ("something_new", Shortfall.INCOMPLETE),
        (None, Shortfall.INCOMPLETE),
    ],
)
@pytest.mark.parametrize("with_sound", [True, False])
def test_an_incomplete_response_says_why(talk: Talk, reason: str | None, lack: Shortfall, with_sound: bool) -> None:
    """Heard in part or not at all."""
    if with_sound:
        talk.audio("r", "i", 40)
    talk.done("r", "incomplete", status_details={"type": "incomplete", "reason": reason})
    end = finished(talk)
    assert (end.sound, end.lack, end.failure) == (with_sound, lack, None)
    assert (reason or "") in end.message


# -- sound that is not as it should be


SOUND = bytes(range(1, 252)) + b"\xff\xfe\xfb"


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(SOUND).decode(),
        base64.encodebytes(SOUND).decode(),
        base64.encodebytes(SOUND).decode().replace("\n", "\r\n "),
        base64.b64encode(SOUND).decode().rstrip("="),
        base64.urlsafe_b64encode(SOUND).decode(),
        base64.urlsafe_b64encode(SOUND).decode().rstrip("="),
    ],
    ids=["ordinary", "lines", "indented", "unpadded", "url-safe", "url-safe-unpadded"],
)
def test_base64_of_every_kind_is_heard(talk: Talk, text: str) -> None:
    """It would be a pity about the answer."""
    delta(talk, text)
    assert heard(talk.facts()) == SOUND[: len(SOUND) // 2 * 2]


@pytest.mark.parametrize("item", [{"item_id": None}, {"item_id": ""}, {"content_index": None}, {"content_index": -1}])
def test_sound_without_its_place_is_heard(talk: Talk, item: dict[str, object]) -> None:
    """In two responses, too; and nobody speaks to the provider of an item that it did not name."""
    delta(talk, base64_of(milliseconds(40)), **item)
    talk.done("r")
    talk.response("r2")
    delta(talk, base64_of(milliseconds(20)), **{"item_id": "i2", **item, "response_id": None})
    facts = talk.facts()
    names = [fact.item for fact in facts if isinstance(fact, AnswerAudio)]
    assert len(heard(facts)) == len(milliseconds(60))
    assert len(set(names)) == 2
    talk.protocol.truncate_item(names[1], 10)
    assert len(talk.sent()) == (0 if "item_id" in item else 1)


def test_sound_without_an_item_ends_with_the_word_that_sound_is_done(talk: Talk) -> None:
    """Which does not name one either."""
    delta(talk, base64_of(milliseconds(40)), item_id=None)
    talk.says("response.output_audio.done", response_id="r")
    assert [fact for fact in talk.facts() if isinstance(fact, AnswerItemEnded)] == [AnswerItemEnded(1, "sound of r")]


@pytest.mark.parametrize("value", ["not base64!", "AAAAA", "ä", 5, None, ["AAAA"], {"pcm": "AAAA"}, "AA=A"])
def test_sound_that_cannot_be_decoded_is_told(talk: Talk, value: object) -> None:
    """Once in the log, and with the end of the response."""
    delta(talk, value)
    delta(talk, value)
    talk.done("r")
    complaint, end = talk.facts()
    assert isinstance(complaint, ev.ProviderComplained)
    assert isinstance(end, ev.ResponseFinished)
    assert (end.sound, end.lack) == (False, Shortfall.GARBLED)


def test_the_words_of_sound_that_cannot_be_decoded_are_read(talk: Talk) -> None:
    """The person gets the answer all the same."""
    delta(talk, "not base64!")
    talk.says("response.output_audio_transcript.done", **PLACE, transcript="It is five.")
    talk.done("r")
    end = finished(talk)
    assert (end.text, end.lack) == ("It is five.", None)
    assert "decoded" in end.message


def test_a_piece_that_cannot_be_decoded_leaves_the_others_heard(talk: Talk) -> None:
    """A gap is not worth a sentence."""
    delta(talk, base64_of(milliseconds(40)))
    delta(talk, "not base64!")
    talk.done("r")
    end = finished(talk)
    assert (end.sound, end.lack) == (True, None)


def test_decoding_does_not_take_the_url_safe_alphabet_for_rubbish() -> None:
    """A lenient decoder that skips what it does not know would return other sound."""
    assert sound.decode("-_-_") == sound.decode("+/+/") == b"\xfb\xff\xbf"


# -- an end that is not told


def test_an_abandoned_response_ends_like_any_other(talk: Talk) -> None:
    """The next may be asked for; what still comes of it is dropped; the server may stop it, should it run."""
    talk.audio("r", "i", 40)
    talk.audio_done("r", "i")
    talk.facts()
    talk.protocol.abandon_response()
    end = finished(talk)
    assert (end.response, end.sound, end.lack, end.more) == ("r", True, None, False)
    assert "response.done" in end.message
    assert talk.sent() == [{"type": "response.cancel", "response_id": "r"}]
    talk.done("r")
    assert not [fact for fact in talk.facts() if isinstance(fact, ev.ResponseFinished)]


def test_an_abandoned_response_that_broke_off_says_so(talk: Talk) -> None:
    """Not even the end of its sound was told."""
    talk.audio("r", "i", 40)
    talk.facts()
    talk.protocol.abandon_response()
    facts = talk.facts()
    assert AnswerItemEnded(1, "i") in facts
    assert isinstance(facts[-1], ev.ResponseFinished)
    assert facts[-1].lack is Shortfall.NO_END


def test_the_results_of_an_abandoned_response_are_spoken_of(talk: Talk) -> None:
    """A server that forgets the end of every response can still use tools."""
    talk.audio("r", "i", 40)
    talk.call("r", "c")
    talk.protocol.send_tool_result("c", "noon")
    talk.sent()
    talk.protocol.abandon_response()
    assert finished(talk).more
    assert talk.sent_types() == ["response.cancel", "response.create"]


def test_with_nothing_to_abandon_the_core_is_told_all_the_same() -> None:
    """It waits for it."""
    talk = Talk().made_ready()
    talk.protocol.abandon_response()
    assert finished(talk).cancelled
