"""Nothing that was on the card is lost, a second run replaces only its own, and an old key is erased."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from device.errors import ConfigError
from device.setup.card import formats, writing
from device.setup.card.formats import Format
from device.setup.card.wanted import Card, Hearthside
from tests.setup.card.cards import API_KEY, SCRIPT, card, full

LINE = "console=tty1 root=PARTUUID=4e639091-02 rootwait quiet\n"
FOREIGN = "#cloud-config\nhostname: somebody-elses\n"


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """Make a boot partition with a kernel's command line and somebody's files."""
    (tmp_path / "cmdline.txt").write_text(LINE, encoding="utf-8")
    (tmp_path / "config.txt").write_text("dtparam=audio=on\n", encoding="utf-8")
    (tmp_path / "user-data").write_text(FOREIGN, encoding="utf-8")
    return tmp_path


def prepare(boot: Path, wanted: Card, kind: Format = Format.CLOUD_INIT, bundle: Path | None = None) -> list[str]:
    """Write the card; return what was told."""
    found = writing.look(boot)
    line = formats.kernel_line(found.kernel_line, wanted, kind)
    return list(writing.write(boot, formats.files(wanted, kind, SCRIPT), line, bundle))


def content(boot: Path) -> dict[str, bytes]:
    """Return everything on the card."""
    return {str(path.relative_to(boot)): path.read_bytes() for path in boot.rglob("*") if path.is_file()}


def test_what_was_there_is_kept_under_another_name(boot: Path) -> None:
    """Also the kernel's command line; what is not ours to write is not touched."""
    told = prepare(boot, full())
    assert (boot / "user-data.before-hearthside").read_text(encoding="utf-8") == FOREIGN
    assert (boot / "cmdline.txt.before-hearthside").read_text(encoding="utf-8") == LINE
    assert (boot / "config.txt").read_text(encoding="utf-8") == "dtparam=audio=on\n"
    assert any("user-data.before-hearthside" in line for line in told)


def test_a_second_run_changes_nothing(boot: Path) -> None:
    """With the same settings; and keeps the first backups."""
    prepare(boot, full())
    first = content(boot)
    prepare(boot, full())
    assert content(boot) == first


def test_somebody_elses_files_are_kept_each_time(boot: Path) -> None:
    """One that came after the first run gets a name of its own."""
    prepare(boot, full())
    (boot / "user-data").write_text("#cloud-config\n{}\n", encoding="utf-8")
    prepare(boot, full())
    assert (boot / "user-data.before-hearthside").read_text(encoding="utf-8") == FOREIGN
    assert (boot / "user-data.before-hearthside-2").read_text(encoding="utf-8") == "#cloud-config\n{}\n"


def test_a_key_that_is_not_wanted_any_more_is_erased(boot: Path) -> None:
    """With everything else that an earlier run had written."""
    prepare(boot, card(hearthside=Hearthside(api_key=API_KEY, config="[wake]\n")), Format.FIRST_RUN)
    assert API_KEY.encode() in (boot / "hearthside" / "openai-api-key").read_bytes()
    told = prepare(boot, card(hearthside=Hearthside(profile="generic")))
    assert sorted(name for name in content(boot) if "/" in name) == ["hearthside/first-boot", "hearthside/settings"]
    assert "firstrun.sh" not in content(boot)
    assert "systemd.run" not in (boot / "cmdline.txt").read_text(encoding="utf-8")
    assert any("openai-api-key" in line for line in told)


def test_erasing_overwrites_before_it_deletes(tmp_path: Path) -> None:
    """A second name of the same file shows what became of its bytes."""
    path = tmp_path / "key"
    path.write_text(API_KEY, encoding="utf-8")
    (tmp_path / "other").hardlink_to(path)
    writing.erase(path)
    assert not path.exists()
    assert (tmp_path / "other").read_bytes() == bytes(len(API_KEY))


def test_the_kernels_line_comes_last(boot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card pulled out before it starts as it did."""
    monkeypatch.setattr(writing, "_put_kernel_line", lambda path, line: iter(()))
    prepare(boot, full())
    assert "hearthside/first-boot" in content(boot)
    assert (boot / "cmdline.txt").read_text(encoding="utf-8") == LINE


def test_the_bundle_goes_beside_the_script(boot: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """And only a release that fits: what lacks room is said before anything is written."""
    bundle = tmp_path_factory.mktemp("release") / "hearthside-1.tar"
    bundle.write_bytes(b"release")
    prepare(boot, card(hearthside=Hearthside(bundle=bundle.name)), bundle=bundle)
    assert (boot / "hearthside" / "hearthside-1.tar").read_bytes() == b"release"


def test_a_card_without_room_is_left_alone(
    boot: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says how much is needed."""
    bundle = tmp_path_factory.mktemp("release") / "hearthside-1.tar"
    bundle.write_bytes(bytes(3 << 20))
    before = content(boot)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1, 1, 5 << 20))
    with pytest.raises(ConfigError, match=r"needs 7 MB .* has 5 MB free"):
        prepare(boot, card(hearthside=Hearthside(bundle=bundle.name)), bundle=bundle)
    assert content(boot) == before


class Usage(NamedTuple):
    """What shutil.disk_usage returns."""

    total: int
    used: int
    free: int


def test_a_folder_that_is_no_card_is_refused(tmp_path: Path) -> None:
    """Before anything is asked or written."""
    with pytest.raises(ConfigError, match=r"no cmdline\.txt"):
        writing.look(tmp_path)
    with pytest.raises(ConfigError, match="there is no folder"):
        writing.look(tmp_path / "nowhere")
