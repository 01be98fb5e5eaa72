"""Thermometers as the kernel shows them: on trees like those below /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.tools.pins.readings import Climate, UnreadableError, read_dht, read_ds18b20


def ds18b20(bus: Path, number: str, temperature: str) -> Path:
    """Put a sensor on a 1-Wire bus."""
    folder = bus / f"28-{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"28-{number}\n")
    (folder / "temperature").write_text(temperature)
    return folder


def dht(devices: Path, number: int, temperature: str, humidity: str) -> Path:
    """Put a DHT where the kernel's driver shows it."""
    folder = devices / f"iio:device{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"dht11@{number}\n")
    (folder / "in_temp_input").write_text(temperature)
    (folder / "in_humidityrelative_input").write_text(humidity)
    return folder


def test_the_only_one_needs_no_name(tmp_path: Path) -> None:
    """The bus master beside it is none."""
    (tmp_path / "w1_bus_master1").mkdir()
    ds18b20(tmp_path, "0316a2794c8b", "-3687\n")
    assert read_ds18b20(tmp_path, "") == Climate(-3.687)


def test_of_several_the_one_that_is_named_is_read(tmp_path: Path) -> None:
    """Without a name, or with a wrong one, the reason lists them."""
    ds18b20(tmp_path, "aa", "21000\n")
    ds18b20(tmp_path, "bb", "22500\n")
    assert read_ds18b20(tmp_path, "28-bb") == Climate(22.5)
    with pytest.raises(UnreadableError, match=r"there are several: 28-aa, 28-bb; say which, as `device`"):
        read_ds18b20(tmp_path, "")
    with pytest.raises(UnreadableError, match=r'there is no "28-cc"; there is 28-aa, 28-bb'):
        read_ds18b20(tmp_path, "28-cc")


def test_an_old_kernel_says_it_otherwise(tmp_path: Path) -> None:
    """In w1_slave, with a checksum."""
    folder = ds18b20(tmp_path, "aa", "")
    (folder / "temperature").unlink()
    raw = "72 01 4b 46 7f ff 0e 10 57"
    (folder / "w1_slave").write_text(f"{raw} : crc=57 YES\n{raw} t=23125\n")
    assert read_ds18b20(tmp_path, "") == Climate(23.125)
    (folder / "w1_slave").write_text(f"{raw} : crc=12 NO\n{raw} t=23125\n")
    with pytest.raises(UnreadableError, match="garbled"):
        read_ds18b20(tmp_path, "")


@pytest.mark.parametrize(
    ("temperature", "reason"),
    [
        ("85000\n", "85 degrees, which means nothing"),
        ("-127000\n", "-127 degrees"),
        ("", "no number"),
        ("x", "no number"),
    ],
)
def test_what_is_no_temperature_is_not_told_as_one(temperature: str, reason: str, tmp_path: Path) -> None:
    """85 degrees is what it says after its power failed."""
    ds18b20(tmp_path, "aa", temperature)
    with pytest.raises(UnreadableError, match=reason):
        read_ds18b20(tmp_path, "")


def test_where_there_is_none_the_reason_says_what_to_do(tmp_path: Path) -> None:
    """No bus at all, or nothing on it."""
    with pytest.raises(UnreadableError, match="dtoverlay=w1-gpio"):
        read_ds18b20(tmp_path / "none", "")
    with pytest.raises(UnreadableError, match="dtoverlay=dht11"):
        read_dht(tmp_path, "")


def test_a_sensor_that_is_gone_does_not_answer(tmp_path: Path) -> None:
    """Its folder may still be there."""
    folder = ds18b20(tmp_path, "aa", "21000")
    (folder / "temperature").unlink()
    (folder / "temperature").mkdir()
    with pytest.raises(UnreadableError, match="does not answer"):
        read_ds18b20(tmp_path, "")


def test_a_dht_measures_both(tmp_path: Path) -> None:
    """By the driver's name, by the kernel's number, or as the only one; other devices there are none of its kind."""
    dht(tmp_path, 1, "21300\n", "45000\n")
    other = tmp_path / "iio:device0"
    other.mkdir()
    (other / "name").write_text("ads1015\n")
    for device in ("", "dht11@1", "iio:device1"):
        assert read_dht(tmp_path, device) == Climate(21.3, 45.0)


def test_a_dht_is_asked_again_and_not_for_ever(tmp_path: Path) -> None:
    """Every third answer is lost on a long wire."""
    folder = dht(tmp_path, 0, "", "45000\n")
    pauses: list[float] = []

    def mend(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            (folder / "in_temp_input").write_text("21300\n")

    assert read_dht(tmp_path, "", mend) == Climate(21.3, 45.0)
    assert len(pauses) == 2
    assert min(pauses) > 2.0
    (folder / "in_temp_input").write_text("")
    with pytest.raises(UnreadableError, match="no number"):
        read_dht(tmp_path, "", pauses.append)
    assert len(pauses) == 4
