"""The security checklist is whole: every point has tests, and every test named is there."""

import ast

from tests.e2e.crosses import CROSSES
from tests.e2e.test_security import POINTS
from tests.house.source import ROOT, functions, tree
from tools import api

E2E = ROOT / "tests" / "e2e"


def test_every_point_is_held_by_tests_that_there_are() -> None:
    assert len(POINTS) == 15
    assert all(POINTS.values())
    for point, names in POINTS.items():
        for name in names:
            module, _, test = name.rpartition(".")
            path = E2E / f"{module or 'test_security'}.py"
            assert test in {one.name for one in functions(path)}, (point, name)


def test_every_test_of_the_checklists_own_module_is_on_it() -> None:
    named = {name for names in POINTS.values() for name in names}
    own = {
        node.name
        for node in tree(E2E / "test_security.py").body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    further = {
        "test_a_tenants_token_sees_and_changes_its_own_partition_alone",
        "test_who_was_refused_is_on_record",
        "test_who_administers_is_on_record",
    }
    assert own - further <= named


def test_every_route_says_what_it_does_when_another_tenant_asks() -> None:
    assert CROSSES.keys() == api.OPERATIONS.keys(), "tests/e2e/crosses.py is where to say it"
