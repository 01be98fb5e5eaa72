"""The kernel's command line keeps everything of others, and has our words once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.setup.card import cmdline

IMAGE = "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 fsck.repair=yes rootwait quiet"
OURS = (
    *cmdline.cloud_init("hearthside-1"),
    *cmdline.first_run("/boot/firmware/firstrun.sh"),
    *cmdline.radio("DE"),
)
foreign = st.sampled_from([*IMAGE.split(), "systemd.unit=rescue.target", "ds=ec2", "systemd.log_level=debug", "a.b=c"])


@given(st.lists(foreign), st.lists(st.sampled_from(OURS)), st.lists(st.sampled_from(OURS), unique=True))
def test_only_our_own_words_change(others: list[str], ours: list[str], wanted: list[str]) -> None:
    """In one line, in their order, however often it is done."""
    before = " ".join([*ours[:1], *others, *ours[1:]]) + "\n"
    after = cmdline.rewritten(before, wanted)
    assert after.count("\n") == 1
    assert after.endswith("\n")
    country = [word for word in ours if "regdom" in word and not any("regdom" in new for new in wanted)]
    assert [word for word in after.split() if word not in OURS] == others
    assert sorted(word for word in after.split() if word in OURS) == sorted([*country, *wanted])
    assert cmdline.rewritten(after, wanted) == after


def test_a_line_that_windows_broke_is_one_line_again() -> None:
    """The firmware reads the first line only."""
    assert cmdline.rewritten("quiet\r\nsplash\r\n", []) == "quiet splash\n"


def test_a_second_preparation_replaces_the_instance() -> None:
    """And another country the first one."""
    first = cmdline.rewritten(IMAGE, [*cmdline.cloud_init("one"), *cmdline.radio("DE")])
    second = cmdline.rewritten(first, [*cmdline.cloud_init("two"), *cmdline.radio("US")])
    assert second == f"{IMAGE} ds=nocloud;i=two cfg80211.ieee80211_regdom=US\n"
