"""What people read first: every example works as it stands, every link leads somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from device.cli import COMMANDS, _parser
from device.house import configuration
from device.tools.own import definition

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "hardware.md", ROOT / "device" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^ *```toml\n(.*?)^ *```", page.read_text("utf-8"), re.S | re.M))
    # A file of labels for `hearthside replay` is another kind of TOML.
    if '= "none"' not in block
]


def anchors(page: Path) -> set[str]:
    """Return the names under which a page's headings can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_of_a_configuration_is_accepted(block: str) -> None:
    """As it is copied; so is that of a tool of one's own, which begins with the place of its file."""
    if block.startswith("# /etc/hearthside/tools.d/"):
        definition.parse(block)
    else:
        configuration.parse(tomllib.loads(block))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"\w+://", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_one(page: Path) -> None:
    """`hearthside listen`, and the options that follow it."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"^ *(?:\S+=\S+ )*\.venv/bin/hearthside ([\w-]+)", text, re.M) + re.findall(
        r"`hearthside ([\w-]+)", text
    ):
        assert name in COMMANDS, name


def test_the_readme_runs_what_the_command_takes() -> None:
    """Every line that runs the command is understood, options included."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", "")
    lines = re.findall(r"^ *(?:\S+=\S+ )*(?:sudo )?(?:\.venv/bin/)?hearthside (.*?)(?:  #.*)?$", text, re.MULTILINE)
    assert len(lines) >= 4
    for line in lines:
        _parser().parse_args(line.split())


def test_the_button_is_described_once() -> None:
    """In the README and beside its wiring: the same gestures do the same."""

    def gestures(page: str) -> list[str]:
        text = (ROOT / page).read_text(encoding="utf-8")
        rows = text.partition("| the button | does |\n")[2].partition("\n\n")[0].splitlines()[1:]
        return [row.split(" | ")[1] for row in rows]

    assert gestures("README.md") == gestures("hardware.md")
    assert len(gestures("README.md")) == 4
