"""The explicit lists, and what the configuration chooses from them."""

from __future__ import annotations

import dataclasses
import math

import msgspec
import pytest

from device.house import catalogue
from device.house.catalogue import provider_of, secret_names, traits_of
from device.house.configuration import parse
from device.house.policy import machine_settings
from device.ports.provider import Traits
from device.units import Ms


def test_the_first_provider_answers_where_none_is_named() -> None:
    """And brings its own traits, and the names of its secrets."""
    settings = parse({})
    provider = provider_of(settings)
    assert provider is catalogue.PROVIDERS[0]
    assert traits_of(settings) == provider.traits(settings.of(provider.table))
    assert secret_names(settings) == list(provider.secrets)


def test_every_table_of_a_section_can_be_left_out() -> None:
    """What is in the catalogue asks nothing of who does not use it."""
    for table in catalogue.TABLES:
        if isinstance(table.kind, type) and issubclass(table.kind, msgspec.Struct):
            table.kind()


def test_no_two_share_a_table_or_a_name() -> None:
    """The name is what the log and the configuration say."""
    names = [table.name for table in catalogue.TABLES]
    assert len(names) == len(set(names))
    assert len({feature.name for feature in catalogue.FEATURES}) == len(catalogue.FEATURES)


@pytest.mark.parametrize(("limit", "longest"), [(1.2e6, 6e5), (3.6e6, 1.8e6), (math.inf, 1.8e6)])
def test_a_session_ends_in_good_time_before_its_provider_would_end_it(
    limit: float, longest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never lives longer than half an hour."""
    traits = Traits(Ms(5_000), longest_silence=Ms(500), padding=Ms(0), session_limit=Ms(limit))
    provider = dataclasses.replace(catalogue.PROVIDERS[0], traits=lambda settings: traits)
    monkeypatch.setattr(catalogue, "PROVIDERS", (provider,))
    machine = machine_settings(parse({}))
    assert (machine.longest_session, machine.connect) == (longest, 7_000)
