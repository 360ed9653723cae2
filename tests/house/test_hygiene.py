"""What must not be in a repository: other people's machines, promises to oneself, tests that wait."""

import ast
import re
from pathlib import Path
from typing import Final

from tests.house.source import ROOT, functions, kept, named, python_files, tree

HOSTS_ALLOWED: Final = {
    "127.0.0.1",
    "json-schema.org",
    "localhost",
    "studio",
    "www.apache.org",
    "www.w3.org",
    "html.spec.whatwg.org",
    "example.com",
    "example.org",
    "evil.example",
}
_MACHINE: Final = re.compile(
    r"(?<![\w.])/(?:work|root|Users)/\w|(?<![\w.])/home/(?!ada\b|me\b|you\b)\w|\.pyenv"
)
_HOST: Final = re.compile(r"https?://(?:[^\s/@\"'`]*@)?(\[[0-9a-f:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)")
_PROMISE: Final = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
THIS: Final = Path(__file__).resolve()
LICENCE: Final = "OFL.txt"  # comes with what it is the licence of, word for word
TEXTS: Final = tuple(
    path for path in kept() if path != THIS and path.suffix != ".lock" and path.name != LICENCE
)


def _lines(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{named(path)}:{number}: {line.strip()[:100]}"
        for path in TEXTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert _lines(_MACHINE) == []


def test_no_file_names_a_host_that_is_not_a_standard_or_an_example() -> None:
    found = {
        (named(path), host)
        for path in TEXTS
        for host in _HOST.findall(path.read_text())
        if host.lower() not in HOSTS_ALLOWED and not host.endswith(".example")
    }
    assert found == set()


def test_nothing_is_left_for_later_in_a_comment() -> None:
    assert _lines(_PROMISE) == []


def test_locks_hold_hashes_and_no_addresses() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text, f"{lock.name} says where packages come from"
        for requirement in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
            assert "--hash=sha256:" in requirement, f"{lock.name}: {requirement.splitlines()[0]}"


def test_no_test_sleeps() -> None:
    waiting = [
        f"{named(path)}:{node.lineno}"
        for path in python_files("tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and _called(node.func) == "sleep" and not _is_zero(node)
    ]
    assert waiting == [], "wait for what is to happen, not for time to pass"


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_zero(call: ast.Call) -> bool:
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


def test_every_test_checks_something() -> None:
    everything = [(path, node) for path in python_files("tests") for node in functions(path)]
    # Some tests leave the check to a function that they share.
    checking = {node.name for _, node in everything if _checks(node)}
    idle = [
        f"{named(path)}:{node.lineno} {node.name}"
        for path, node in everything
        if path.name.startswith("test_") and node.name.startswith("test_")
        if not _checks(node) and not _calls(node) & checking
    ]
    assert idle == []


def _checks(function: ast.AST) -> bool:
    # Waiting for something within a limit is a check: of that it happens.
    known = {"golden", "raises", "run_state_machine_as_test", "wait_for"}
    told = _calls(function)
    return (
        any(isinstance(node, ast.Assert) for node in ast.walk(function))
        or bool(told & known)
        or any(name.startswith(("assert_", "check", "expect")) for name in told)
    )


def _calls(function: ast.AST) -> set[str]:
    return {_called(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
