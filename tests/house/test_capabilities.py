"""Whatever asks for a capability asks for one that a token can have, and whatever a token can have is said in words."""

import ast

from cutroom_sdk.wire.tokens import CAPABILITIES
from engine.http.gate import ADMINISTRATIVE
from tests.house.source import named, python_files, tree
from tools import api, inventory


def test_what_routes_ask_for_can_be_given() -> None:
    asked = {one.capability for one in api.OPERATIONS.values()} - {api.ANY, api.OPEN}
    assert asked <= set(CAPABILITIES)


def test_what_reading_a_kind_of_stream_needs_can_be_given() -> None:
    assert {one.reads for one in inventory.aggregates()} <= set(CAPABILITIES)


def test_every_capability_that_the_engine_names_is_in_the_table() -> None:
    found = {
        (named(path), value)
        for path in python_files("engine")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        for value in _capabilities(node)
    }
    assert {(path, value) for path, value in found if value not in CAPABILITIES} == set()
    assert found, "the engine asks for capabilities somewhere"


def _capabilities(call: ast.Call) -> list[str]:
    """The capabilities written out in a call: `caller(request, "x:y")`, `may("x:y")`, `Tool(capability="x:y")`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    asked = call.args[-1:] if name in ("caller", "may") else []
    asked += [word.value for word in call.keywords if word.arg in ("capability", "reads")]
    values = [one.value for one in asked if isinstance(one, ast.Constant)]
    return [value for value in values if isinstance(value, str) and value]


def test_what_administers_is_among_them_and_each_is_said_in_words() -> None:
    assert set(CAPABILITIES) >= ADMINISTRATIVE
    assert all(sentence and not sentence.endswith(".") for sentence in CAPABILITIES.values())
