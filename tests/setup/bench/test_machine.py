"""What `hearthside bench` tells of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.setup.bench.machine import look_at_machine

PI = {
    "proc/device-tree/model": "Raspberry Pi Zero 2 W Rev 1.0\0",
    "proc/cpuinfo": "processor\t: 0\nBogoMIPS\t: 38.40\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n",
    "proc/meminfo": "MemTotal:         436400 kB\nMemFree:   9 kB\nMemAvailable:     213000 kB\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1000000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
}


def lay_out(folder: Path, files: dict[str, str]) -> None:
    """Write them as a kernel shows them."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_a_pi_is_told_by_its_names(tmp_path: Path) -> None:
    """The board, its core, its clock and its memory."""
    lay_out(tmp_path, PI)
    machine = look_at_machine(tmp_path)
    assert machine.model == "Raspberry Pi Zero 2 W Rev 1.0"
    assert machine.processor.startswith("Cortex-A53, ")
    assert machine.processor.endswith("1000 MHz at most, ondemand")
    assert machine.memory == "0.4 GiB, 0.2 available"
    assert machine.system.startswith("Debian GNU/Linux 13 (trixie), Linux ")
    assert "numpy" in machine.packages


def test_another_machine_has_other_files(tmp_path: Path) -> None:
    """As a PC has them."""
    lay_out(tmp_path, {"sys/class/dmi/id/product_name": "MiniPC 3\n", "proc/cpuinfo": "model name\t: Intel N100\n"})
    machine = look_at_machine(tmp_path)
    assert machine.model == "MiniPC 3"
    assert machine.processor.startswith("Intel N100, ")


@pytest.mark.parametrize("part", ["0xfff", ""])
def test_an_unknown_core_is_told_by_its_number(tmp_path: Path, part: str) -> None:
    """A newer one than this program."""
    lay_out(tmp_path, {"proc/cpuinfo": f"CPU implementer\t: 0x41\nCPU part\t: {part}\n"})
    assert look_at_machine(tmp_path).processor.startswith(f"Arm, part {part}")


def test_a_machine_that_tells_nothing_is_measured_too(tmp_path: Path) -> None:
    """A container may hide all of it."""
    machine = look_at_machine(tmp_path)
    assert (machine.model, machine.memory) == ("not known", "not known")
