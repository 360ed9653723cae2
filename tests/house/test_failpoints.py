"""Every place that a module names as a failpoint is come by in it, and under no other name."""

import ast
from pathlib import Path

from tests.house.source import named, python_files, tree


def _calls(path: Path, name: str) -> list[ast.Call]:
    found = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    return [call for call in found if ast.unparse(call.func) == name]


def _texts(call: ast.Call) -> list[str]:
    assert all(isinstance(one, ast.Constant) for one in call.args), "a failpoint's name is written out"
    return [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def test_each_failpoint_is_named_and_come_by() -> None:
    count = 0
    for path in python_files("engine"):
        declared = [_texts(call) for call in _calls(path, "failpoints.points")]
        reached = [text for call in _calls(path, "reach") for text in _texts(call)]
        assert len(declared) <= 1, f"{named(path)} names its failpoints twice"
        names = declared[0][1:] if declared else []
        assert set(reached) == set(names), f"{named(path)}: named and not come by, or the other way round"
        assert len(set(names)) == len(names)
        count += len(names)
    assert count >= 40
