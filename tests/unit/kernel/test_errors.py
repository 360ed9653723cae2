"""One table of codes: every code has a status and an exit code, and every error of the tree a code in it."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import engine
from cutroom_sdk.wire import problems
from cutroom_sdk.wire.problems import CODES
from engine.kernel import errors
from engine.kernel.errors import Conflict, Rejected, StudioError

EXITS = {
    problems.DONE,
    problems.FAILED,
    problems.USAGE,
    problems.NOT_FOUND,
    problems.CONFLICT,
    problems.REFUSED,
    problems.UNAVAILABLE,
    problems.CANCELED,
}
_NAMED = re.compile(r"""(?:\bcode=|default_code = )["']([a-z_]+)["']""")


def _subclasses(kind: type[StudioError]) -> set[type[StudioError]]:
    return {kind}.union(*(_subclasses(one) for one in kind.__subclasses__()))


def test_every_code_has_an_error_status_an_exit_code_and_a_title() -> None:
    for code, meaning in CODES.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
        assert 400 <= meaning.status <= 599, code
        assert meaning.exit in EXITS - {problems.DONE}, code
        assert meaning.title, code


def test_every_error_of_the_tree_has_its_code_in_the_table() -> None:
    for module in pkgutil.iter_modules(engine.__path__):
        importlib.import_module(f"engine.{module.name}")
    for kind in _subclasses(StudioError):
        assert kind.default_code in CODES, kind.__name__


def test_every_code_that_the_engine_names_is_in_the_table() -> None:
    root = Path(engine.__file__).parent
    named = {code for path in root.rglob("*.py") for code in _NAMED.findall(path.read_text())}
    assert named <= set(CODES)
    assert len(named) > 10, "the pattern finds them"


def test_a_code_outside_the_table_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        StudioError("whatever", code="no_such_code")


def test_the_kinds_of_error_say_the_same_to_a_browser_and_to_a_shell() -> None:
    """An exit code and a status never tell different stories."""
    stories = {
        401: {problems.REFUSED},
        403: {problems.REFUSED},
        404: {problems.NOT_FOUND},
        409: {problems.CONFLICT},
        410: {problems.CONFLICT},
        412: {problems.CONFLICT},
        400: {problems.USAGE},
        413: {problems.USAGE},
        415: {problems.USAGE},
        500: {problems.FAILED},
        503: {problems.UNAVAILABLE},
        507: {problems.UNAVAILABLE},
    }
    for code, meaning in CODES.items():
        assert meaning.exit in stories.get(meaning.status, EXITS), code


def test_a_problem_carries_the_errors_own_fields() -> None:
    problem = Conflict("too late", expected=1, actual=2, code="revision_conflict", key="project/a").problem(
        "/x"
    )
    assert (problem.status, problem.code, problem.instance) == (412, "revision_conflict", "/x")
    assert problem.type == "urn:cutroom:problem:revision_conflict"
    assert problem.extra == {"expected": 1, "actual": 2, "key": "project/a"}
    assert Rejected("already_lent", "it is out").problem().extra == {"reason": "already_lent"}


def test_the_tree_at_the_top_of_the_file_is_the_tree_there_is() -> None:
    drawn = set(re.findall(r"[|`]- (\w+)", errors.__doc__ or ""))
    assert drawn == {
        kind.__name__
        for kind in _subclasses(StudioError) - {StudioError}
        if kind.__module__ == errors.__name__
    }
