"""Where what lies, in what form, and how large it may grow."""

import ast
from typing import Final

import pytest

from tests.house.source import ROOT, functions, named, python_files, tree

# A file of 400 lines or a function of 70 is a sign (`just house` lists them); beyond these it is no longer one of taste.
FILE_LINES_MAX: Final = 500
FUNCTION_LINES_MAX: Final = 90

FEATURES: Final = {
    "approvals": {"reducer.py", "routes.py"},
    "editing": {"effects.py", "reducer.py", "routes.py"},
    "media": {"effects.py", "reducer.py", "routes.py"},
    "memory": {"effects.py", "reducer.py", "routes.py"},
    "missions": {"reducer.py", "routes.py"},
    "notices": {"reducer.py", "routes.py"},
    "policy": {"rules.py"},
    "rendering": {"effects.py", "reducer.py", "routes.py"},
    "runs": {"effects.py", "reducer.py", "routes.py"},
    "access": {"reducer.py", "routes.py"},
    "routines": {"effects.py", "reducer.py", "routes.py"},
    "sessions": {"reducer.py", "routes.py"},
    "outbound": {"effects.py"},
    "programs": {"effects.py"},
    "webhooks": {"reducer.py", "routes.py"},
}
OTHER_ROOMS: Final = {"http", "kernel", "wiring"}
DESIGN_PARTS: Final = ("Purpose.", "Invariants.", "Must not know.", "Fails.")
ROOMS: Final = sorted({*FEATURES, *OTHER_ROOMS})


def test_every_room_is_known() -> None:
    found = {path.parent.name for path in (ROOT / "engine").glob("*/__init__.py")}
    assert found == set(ROOMS)


@pytest.mark.parametrize("room", sorted(FEATURES))
def test_a_feature_has_the_files_of_its_form(room: str) -> None:
    there = {path.name for path in (ROOT / "engine" / room).iterdir()}
    assert FEATURES[room] <= there


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_what_holds_what_it_must_not_know_and_how_it_fails(room: str) -> None:
    text = (ROOT / "engine" / room / "DESIGN.md").read_text()
    missing = [part for part in DESIGN_PARTS if part not in text]
    assert not missing, f"engine/{room}/DESIGN.md lacks {missing}"


def test_no_file_is_too_large() -> None:
    sizes = {named(path): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: lines for name, lines in sizes.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_is_too_large() -> None:
    found = [
        f"{named(path)}:{node.lineno} {node.name}"
        for path in python_files()
        for node in functions(path)
        if (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert found == []


def test_a_module_says_what_it_is() -> None:
    silent = [
        named(path)
        for path in python_files("engine", "clients", "demo", "tools")
        if tree(path).body and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def test_what_crosses_a_border_is_frozen_and_named() -> None:
    loose = [
        f"{named(path)}:{node.lineno} {node.name}"
        for path in python_files("engine", "clients")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and any(map(_is_struct, node.bases))
        if not {"frozen", "kw_only"} <= _said(node)
    ]
    assert loose == []


def _said(node: ast.ClassDef) -> set[str | None]:
    return {word.arg for word in node.keywords if getattr(word.value, "value", None) is True}


def _is_struct(base: ast.expr) -> bool:
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
    return name in {"Struct", "Wire", "Request", "WireRequest"}


def test_only_two_files_ask_for_time_or_chance() -> None:
    asked = {"time", "random", "secrets", "uuid"}
    allowed = {"engine/kernel/clock.py", "engine/kernel/ids.py"}
    found = {
        named(path)
        for path in python_files("engine")
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Import) and asked & {one.name for one in node.names})
        or (isinstance(node, ast.ImportFrom) and node.module in asked)
    }
    assert found <= allowed
