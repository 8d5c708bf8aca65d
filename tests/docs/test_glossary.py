"""Public names use the words of the glossary."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache

import pytest

from tests.docs.pages import ROOT

REPLACED = {
    "answering_service": "decision queue",
    "circumstances": "budget state",
    "drain": "flush",
    "drained": "flush result",
    "giving_back": "refund",
    "heard": "ingest result",
    "judged": "held-out predictions",
    "listening": "ingestion",
    "looking": "queries",
    "prepared": "pending decision",
    "situation": "evaluation context",
    "swapper": "engine reloader",
    "tonight": "budget period, batch",
    "unlogged": "open contacts",
    "watcher": "instrumentation",
    "wishes": "contact options",
    "worth": "candidate scores",
}
"""A word, and what the glossary says in its place."""

PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
MODULES = [file for room in PACKAGES for file in sorted((ROOT / room).rglob("*.py"))]


def public_names(tree: ast.Module) -> set[str]:
    """Of classes, functions and attributes, at the top or in a class; not what a function has to itself."""
    defined = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    names, open_bodies = set[str](), [tree.body]
    while open_bodies:
        for node in open_bodies.pop():
            if isinstance(node, defined):
                names.add(node.name)
                if isinstance(node, ast.ClassDef):
                    open_bodies.append(node.body)
                elif node.name == "__init__":
                    names |= attributes_set(node)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def attributes_set(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)
    }


def words(name: str) -> str:
    """Of a name in whatever case, each between underscores."""
    return f"_{re.sub('(?<=[a-z])(?=[A-Z])', '_', name).lower()}_"


def test_words_are_found_in_names_of_any_case() -> None:
    made = "    def __init__(self):\n        self.looking, self._own = 1, 2\n"
    text = f"class FirstWishes:\n    told: int\n{made}    def all_wishes(self): ...\ndef _wishes(): ..."
    found = public_names(ast.parse(text))
    assert found == {"FirstWishes", "all_wishes", "told", "looking"}
    assert {words(name) for name in found} == {"_first_wishes_", "_all_wishes_", "_told_", "_looking_"}


@cache
def names_of_files() -> list[tuple[str, set[str]]]:
    """Each file with its public names and its own."""
    parsed = ((file, ast.parse(file.read_text(encoding="utf-8"))) for file in MODULES)
    return [(str(file.relative_to(ROOT)), {file.stem, *public_names(tree)}) for file, tree in parsed]


@pytest.mark.parametrize("word", REPLACED)
def test_no_public_name_uses_a_word_that_the_glossary_replaced(word: str) -> None:
    found = [f"{file}: {name}" for file, names in names_of_files() for name in names if f"_{word}_" in words(name)]
    assert not found, f"say {REPLACED[word]}"
