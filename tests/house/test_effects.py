"""What the catalogue names is made, tested, described and shown; nothing else is."""

import ast
import functools
import re
from typing import Any, Final

import pytest

from engine.editing.catalogue.spec import catalogue
from engine.rendering.compositor import catalogue as implementations
from engine.rendering.compositor.table import effects, generators, transitions
from tests.house.source import ROOT, python_files, tree
from tools.stills import BYTES_MOST, FOLDER, alike, path_of, pictured, still_of

assert implementations.__all__
ENTRIES: Final = catalogue()
# Families that the compiler makes itself.
COMPILED: Final = frozenset({"placing"})
TABLES: Final[dict[str, dict[str, Any]]] = {
    "effect": effects,
    "transition": transitions,
    "generator": generators,
}
PICTURES: Final = [name for name, entry in ENTRIES.items() if entry.kind in TABLES]


@functools.cache
def _tested() -> str:
    """Return the names of all tests of pictures, what they say of themselves, and every word given in quotes there."""
    found: set[str] = set()
    for path in python_files("tests"):
        if "render" not in path.parts:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found |= {node.name, ast.get_docstring(node) or ""}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in ENTRIES:
                found.add(node.value)
    return " ".join(sorted(found))


def test_every_entry_has_somebody_who_makes_it_and_nobody_makes_another() -> None:
    for kind, table in TABLES.items():
        named = {one.name for one in ENTRIES.values() if one.kind == kind and one.family not in COMPILED}
        assert set(table) == named, f"{kind}s"


@pytest.mark.parametrize("name", PICTURES)
def test_every_entry_has_a_picture_test_that_names_it(name: str) -> None:
    assert re.search(rf"(?<![a-z]){name}(?![a-z])", _tested()), f"no test under tests/render names {name}"


@pytest.mark.parametrize("name", pictured())
def test_every_entry_has_a_small_still(name: str) -> None:
    assert path_of(name).exists(), f"{name} has no still; `just docs` makes it"
    assert path_of(name).stat().st_size <= BYTES_MOST


def test_no_still_shows_what_is_not_there() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(pictured())


@pytest.mark.parametrize(
    "name", ["exposure", "curves", "blur", "chroma_key", "wipe_left", "title", "transform"]
)
def test_a_still_shows_what_is_made_today(name: str) -> None:
    assert alike(name, still_of(name)), f"the still of {name} is stale; `just docs` makes it anew"


@pytest.mark.parametrize("name", list(ENTRIES))
def test_every_entry_is_described(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "effects.md").read_text()
    entry = ENTRIES[name]
    assert f"### `{name}`: {entry.title}" in page
    assert entry.summary.endswith(".")
    for one in entry.parameters:
        assert one.summary.endswith("."), f"{name}.{one.name}"
        if one.type == "number":
            assert one.low is not None, f"{name}.{one.name} has no lowest value"
            assert one.high is not None, f"{name}.{one.name} has no highest value"
            assert isinstance(one.default, float), f"{name}.{one.name} has no default"
            assert one.low <= one.default <= one.high
        if one.type == "choice":
            assert one.default in one.choices
