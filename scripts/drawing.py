"""What the scripts that draw a page of the documentation share. Importing it makes `device` and `tests` importable."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# So that no installation is needed.
sys.path.insert(0, str(ROOT))


def main(description: str, page: str, draw: Callable[[], str]) -> int:
    """Write what `draw` returns to docs/`page`; with --check only compare, and return 1 when the page is stale."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    check = parser.parse_args().check
    path, drawn = ROOT / "docs" / page, draw()
    if not check:
        path.write_text(drawn, encoding="utf-8")
        return 0
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    if there == drawn:
        return 0
    difference = difflib.unified_diff(there.splitlines(), drawn.splitlines(), "page", "now", n=0)
    print(f"docs/{page} is stale: run scripts/{Path(sys.argv[0]).name}", *difference, sep="\n", file=sys.stderr)
    return 1
