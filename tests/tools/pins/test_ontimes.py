"""What must outlive a crash, in a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from device.tools.pins.ontimes import OnTimes
from device.units import Ms
from tests.waiting import until


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """What the kernel calls this boot."""
    file = tmp_path / "boot_id"
    file.write_text("0f5c1a52-boot\n")
    return file


def test_it_comes_back_in_the_same_boot_and_not_after_another(tmp_path: Path, boot: Path) -> None:
    """A machine that was restarted has had its pins let go."""
    state = tmp_path / "not" / "there" / "yet"
    times = OnTimes(state, "relays", boot)
    assert times.load() == {}
    asyncio.run(times.save({"heater": Ms(12_345.5)}))
    assert OnTimes(state, "relays", boot).load() == {"heater": 12_345.5}
    assert OnTimes(state, "lights", boot).load() == {}
    boot.write_text("another")
    assert OnTimes(state, "relays", boot).load() == {}


async def test_what_is_kept_last_holds(tmp_path: Path, boot: Path) -> None:
    """In the order in which it was asked for, waited for or not."""
    times = OnTimes(tmp_path, "relays", boot)
    for at in range(20):
        times.post({"heater": Ms(at)})
    await times.save({"pump": Ms(7)})
    times.post({})
    await until(lambda: OnTimes(tmp_path, "relays", boot).load() == {}, "the last one")


@pytest.mark.parametrize("content", [b"", b"{", b'{"boot": 1, "until": {}}', b'{"boot": "0f5c1a52-boot"}', b"\xff"])
async def test_a_file_that_is_nonsense_grants_nothing(
    content: bytes, tmp_path: Path, boot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so."""
    (tmp_path / "on-times-relays.json").write_bytes(content)
    assert OnTimes(tmp_path, "relays", boot).load() == {}
    assert "how long switches were on is not known" in caplog.text


async def test_a_disk_that_refuses_keeps_nobody_waiting(
    tmp_path: Path, boot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file stands where the folder should be: logged once."""
    (tmp_path / "state").write_text("in the way")
    times = OnTimes(tmp_path / "state", "relays", boot)
    for _ in range(3):
        await times.save({"heater": Ms(1)})
    assert caplog.text.count("a crash would let switches begin") == 1
