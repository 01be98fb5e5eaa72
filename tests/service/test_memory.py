"""What loading left behind."""

from __future__ import annotations

import ctypes

import pytest

from device.service.memory import give_back


def test_memory_is_given_back() -> None:
    """It can be done at any time, and more than once."""
    give_back()
    give_back()


def test_another_c_library_keeps_house_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without malloc_trim nothing happens."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    give_back()
