"""Ten thousand wrong requests at a socket."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.broker.fuzz import LIMITS, throw
from tests.broker.stage import broker

SEED, REQUESTS = 10, 10_000
"""Others: scripts/fuzz_broker.py."""


async def test_wrong_requests_end_in_4xx_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """None reaches the provider or is an error of ours; in all the noise a right one is answered."""
    caplog.set_level(logging.INFO)
    async with broker(tmp_path, **LIMITS) as stage:
        ended, wrong = await throw(stage, SEED, REQUESTS)
        assert ended.total() == REQUESTS
        assert wrong == []
        # It looked into all corners, and did not turn everything away at the door.
        assert {"400", "401", "403", "404", "405", "413", "417"} <= ended.keys()
        assert min(ended[status] for status in ("401", "403", "404", "405")) > 50
        assert stage.provider.asked_for_secrets == 0
        assert (await stage.caller.secret(await stage.device("kitchen"))).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
