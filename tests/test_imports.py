"""The import contracts in pyproject.toml know every foreign library (import-linter itself runs in scripts/check)."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The vocabulary of frames and of data: used wherever there are some.
EVERYWHERE = {"msgspec", "numpy"}


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level name of every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_every_foreign_library_is_under_contract() -> None:
    """Else it could spread through the house unseen."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = [found for found in contracts if found["name"] == "One file per foreign library"]
    imported = {name for path in (ROOT / "device").rglob("*.py") for name in imports(path)}
    foreign = imported - sys.stdlib_module_names - {"device"}
    assert foreign - EVERYWHERE <= set(contract["forbidden_modules"])
