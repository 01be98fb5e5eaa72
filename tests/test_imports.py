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


def test_settings_are_declared_without_what_uses_them() -> None:
    """Whoever only reads the configuration loads none of the rooms."""
    files = [ROOT / "device" / "settings.py", *(ROOT / "device").glob("*/**/settings.py")]
    files = [path for path in files if "sim" not in path.parts]
    assert len(files) > 6
    for path in files:
        assert set(imports(path)) <= {"__future__", "collections", "dataclasses", "device", "msgspec", "typing"}, path
        assert {name for name in modules(path) if name.startswith("device")} <= {"device.settings"}, path


def modules(path: Path) -> Iterator[str]:
    """Yield the whole name of every module that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
