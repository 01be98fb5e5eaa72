"""What scripts/lib/debian.sh asks of Debian."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "scripts" / "lib" / "debian.sh"


@pytest.mark.parametrize("is_pi", [False, True])
def test_the_library_for_pins_is_asked_of_a_pi_alone(is_pi: bool) -> None:
    """It is in Raspberry Pi's own archive and in no Debian: elsewhere apt-get would find none, and all would end."""
    asked = f"grep() {{ {'true' if is_pi else 'false'}; }}; . {LIBRARY}; device_packages; python_packages"
    packages = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert ("python3-lgpio" in packages) is is_pi
    assert {"espeak-ng", "python3-pyaudio"} <= set(packages)
