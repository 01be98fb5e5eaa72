"""What the house begins with at the loudspeaker."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.audio.cards.filling.depth import FIRST_MS
from device.house import sound
from tests.house.cardless import open_cardless


@pytest.mark.parametrize(("python_ms", "ahead_ms"), [(1.6, FIRST_MS), (24.0, 120.0)])
async def test_where_python_is_slow_more_is_kept_ahead_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python_ms: float, ahead_ms: float
) -> None:
    """On a card of which nothing is known."""
    monkeypatch.setattr(sound, "python_ms", lambda: python_ms)
    async with open_cardless(tmp_path, monkeypatch) as house:
        assert house.depths.of("a card").ahead_ms == ahead_ms
