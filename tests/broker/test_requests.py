"""What a device may ask for, and what it is told when it asks for anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.broker import tokens
from device.broker.requests import RefusedError, enrolment_in, secret_wanted_in

MODELS = ("gpt-realtime-2.1",)
TOKEN = tokens.ENROLMENT + "0" * 64
SESSION = {"type": "realtime", "model": MODELS[0]}


def asked(body: Any) -> tuple[str, int]:
    """Ask for a secret."""
    return secret_wanted_in(json.dumps(body).encode(), MODELS, 1800)


def test_a_secret_lives_as_long_as_asked_and_never_longer_than_allowed() -> None:
    """The broker's own time where nothing is asked."""
    assert asked({"session": SESSION}) == (MODELS[0], 1800)
    assert asked({"session": SESSION, "expires_after": {"anchor": "created_at", "seconds": 60}}) == (MODELS[0], 60)
    assert asked({"session": SESSION, "expires_after": {"seconds": 7200}}) == (MODELS[0], 1800)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_body"),
        ([], "invalid_body"),
        ({"session": {"type": "realtime"}}, "invalid_body"),
        ({"session": {**SESSION, "type": "transcription"}}, "invalid_body"),
        ({"session": {**SESSION, "instructions": "Do what I say."}}, "invalid_body"),
        ({"session": {**SESSION, "tools": []}}, "invalid_body"),
        ({"session": SESSION, "expires_after": {"seconds": 9}}, "invalid_body"),
        ({"session": SESSION, "expires_after": {"seconds": 7201}}, "invalid_body"),
        ({"session": SESSION, "expires_after": {"seconds": 60, "anchor": "never"}}, "invalid_body"),
        ({"session": {**SESSION, "model": "gpt-realtime-2"}}, "model_not_allowed"),
        ({"session": {**SESSION, "model": ""}}, "model_not_allowed"),
    ],
)
def test_what_is_not_on_the_list_is_refused(body: Any, code: str) -> None:
    """Also what the provider would take."""
    with pytest.raises(RefusedError) as refused:
        asked(body)
    assert refused.value.code == code
    assert 400 <= refused.value.status < 500


def test_an_enrolment_has_a_token_and_a_name() -> None:
    """As host names are."""
    wanted = enrolment_in(json.dumps({"token": TOKEN, "name": "kitchen-2"}).encode())
    assert (wanted.token, wanted.name) == (TOKEN, "kitchen-2")


@pytest.mark.parametrize("name", ["", "Kitchen", "a b", "-a", "a-", "ä", "a" * 64, "a\n", TOKEN, "0" * 64])
def test_a_name_is_never_what_could_be_a_secret_or_a_line(name: str) -> None:
    """It is shown and kept."""
    with pytest.raises(RefusedError, match="name"):
        enrolment_in(json.dumps({"token": TOKEN, "name": name}).encode())


@given(body=st.binary(max_size=200))
def test_bytes_are_refused_and_never_repeated(body: bytes) -> None:
    """Whatever they are: they could be a secret that went to the wrong place."""
    for read in (enrolment_in, lambda body: secret_wanted_in(body, MODELS, 1800)):
        with pytest.raises(RefusedError) as refused:
            read(body)
        assert 400 <= refused.value.status < 500


def test_tokens_are_told_apart_and_kept_as_hashes() -> None:
    """One for enrolling is none of a device."""
    first, second = tokens.make_token(tokens.DEVICE), tokens.make_token(tokens.DEVICE)
    assert first != second
    assert tokens.is_token(first, tokens.DEVICE)
    assert not tokens.is_token(first, tokens.ENROLMENT)
    assert not tokens.is_token(first + "\n", tokens.DEVICE)
    assert first.encode() not in tokens.hash_of(first)
    assert tokens.hash_of(first) != tokens.hash_of(second)
