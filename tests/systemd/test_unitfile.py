"""The strict reader of unit files."""

from __future__ import annotations

import pytest

from tests.systemd.unitfile import UnitError, parse


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[Service]\nRestartStep=3\n", "knows no RestartStep in"),
        ("[Service]\nRestartSteps=3\n", "knows no RestartSteps in"),
        ("[Unit]\nWatchdogSec=3\n", r"knows no WatchdogSec in \[Unit\]"),
        ("WatchdogSec=3\n", "knows no WatchdogSec in"),
        ("[Sevice]\n", r"\[Sevice\] does not belong"),
        ("[Service]\n[Service]\n", "not twice"),
        ("[Path]\n", r"\[Path\] does not belong"),
        ("[Service]\nUser=a\nUser=b\n", "User stands there twice"),
        ("[Service]\nDeviceAllow=char-116 rw\nDeviceAllow=char-116 rw\n", "DeviceAllow=char-116 rw stands there twice"),
        ("[Service]\nUser=a # who\n", "takes a comment"),
        ("[Service]\nUser= a\n", "and space"),
        ("[Service]\nUser\n", "no assignment"),
        ("[Service]\nUser=a\\\n", "no assignment"),
        ("[Service]\n User=a\n", "no assignment"),
    ],
)
def test_what_systemd_would_only_warn_of_is_refused(text: str, complaint: str) -> None:
    """Or not even warn."""
    with pytest.raises(UnitError, match=complaint):
        parse(text, ".service")


def test_a_drop_in_adds_or_replaces() -> None:
    """As systemd.syntax(7) says: an empty assignment forgets what was said of a list."""
    unit = parse("[Service]\nExecStart=/a\nUser=a\nDeviceAllow=char-1\n", ".service")
    drop_in = parse("[Service]\nExecStart=\nExecStart=/b\nUser=b\nDeviceAllow=char-2\n", ".service")
    both = unit + drop_in
    assert both.values("ExecStart") == ["/b"]
    assert both.value("User") == "b"
    assert both.values("DeviceAllow") == ["char-1", "char-2"]
    with pytest.raises(UnitError, match="Group is not set"):
        both.value("Group")
