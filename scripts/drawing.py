"""What the scripts that draw a page of the documentation share. Importing it makes `device` and `tests` importable."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# So that no installation is needed.
sys.path.insert(0, str(ROOT))


def main(description: str, page: str, draw: Callable[[], str]) -> int:
    """Write what `draw` returns to docs/`page`; with --check only compare, and return 1 when the page is stale."""
    return main_of_files(description, lambda: {ROOT / "docs" / page: draw()})


def main_of_files(description: str, draw: Callable[[], Mapping[Path, str]]) -> int:
    """Write what `draw` returns to its files; with --check only compare, and return 1 when one of them is stale."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether all is up to date")
    check = parser.parse_args().check
    stale = [path for path, drawn in draw().items() if not _is_settled(path, drawn, check)]
    return 1 if stale else 0


def _is_settled(path: Path, drawn: str, check: bool) -> bool:
    """Write a file, or compare it and say what is different."""
    if not check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn, encoding="utf-8")
        return True
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    if there == drawn:
        return True
    difference = difflib.unified_diff(there.splitlines(), drawn.splitlines(), "page", "now", n=0)
    name = path.relative_to(ROOT)
    print(f"{name} is stale: run scripts/{Path(sys.argv[0]).name}", *difference, sep="\n", file=sys.stderr)
    return False
