"""The layout of the package: unique names, folders of readable size, and texts in plain English."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "framedream"
MODULES = sorted(PACKAGE.rglob("*.py"))

GERMAN_ORDER = re.compile(
    r"(?<!there )\b(is|are|was|were) no (?!longer\b|more\b)[a-z]|\b(is|are) (told|said)\b|\bwhat (cannot|is not)\b",
    re.IGNORECASE,
)
"""Sentences such as "is no video" and "is told", which a native writer would not use."""


def texts(tree: ast.Module) -> list[str]:
    """Docstrings, messages and other strings of a module."""
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_no_two_modules_have_the_same_name():
    names = Counter(path.stem for path in MODULES if path.stem not in ("__init__", "__main__"))
    names.update(folder.name for folder in {path.parent for path in MODULES} - {PACKAGE})
    assert [name for name, count in names.items() if count > 1] == []


def test_no_two_classes_have_the_same_name():
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_a_folder_has_at_most_fifteen_entries():
    for folder in {path.parent for path in MODULES}:
        entries = [
            item
            for item in folder.iterdir()
            if (item.suffix == ".py" and item.stem != "__init__") or (item.is_dir() and (item / "__init__.py").exists())
        ]
        assert len(entries) <= 15, folder


def test_each_module_says_in_one_line_what_it_is_for():
    for path in MODULES:
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert text.splitlines()[:1] and text.splitlines()[0].rstrip("`").endswith((".", ":")), path


def test_each_package_is_in_the_contract_of_imports():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract.get("containers") == ["framedream"])
    known = {name.strip() for layer in layers for name in re.split(r"[|:]", layer)}
    packages = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    assert packages - {"__init__"} == known
    (forbidden,) = (contract for contract in contracts if contract["type"] == "forbidden")
    assert {f"framedream.{name}" for name in known - {"nn"}} == set(forbidden["source_modules"])


def test_the_readme_names_each_package():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in PACKAGE.glob("*/__init__.py"):
        assert f"  {folder.parent.name}/" in text, folder.parent.name


def test_texts_are_in_plain_english():
    found = [
        (path.relative_to(ROOT).as_posix(), text)
        for path in MODULES
        for text in texts(ast.parse(path.read_text()))
        if GERMAN_ORDER.search(" ".join(text.split()))
    ]
    assert found == []


def test_each_module_logs_under_its_own_name():
    for path in MODULES:
        for call in re.findall(r"getLogger\(([^)]*)\)", path.read_text()):
            assert call in ("__name__", "name", '"framedream"'), path
