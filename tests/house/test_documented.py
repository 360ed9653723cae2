"""Nothing is served, recorded, set or answered that is not written down, and nothing is written down that is not so."""

import ast
import inspect
import re
import textwrap

import msgspec
import pytest
from starlette.routing import Route

from clients.view.words import next_step
from cutroom_sdk.wire.problems import CODES
from engine.config import Settings
from engine.features import AGGREGATES, ROUTES
from engine.http.app import OWN_ROUTES
from engine.kernel import errors
from engine.kernel.kernel import OWN
from tests.house.source import ROOT, named, python_files, tree
from tools import api, inventory, reference, specs
from tools.pages import stale

ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.StudioError)
}
SERVED = {one.name: one for one in inventory.served()}


def test_every_route_has_a_written_contract_and_every_contract_a_route() -> None:
    assert sorted(SERVED) == sorted(api.OPERATIONS)


def test_no_route_is_listed_twice() -> None:
    places = [(one.method, one.path) for one in inventory.served()]
    assert sorted(set(places)) == sorted(places)


def test_what_is_documented_is_what_the_daemon_serves() -> None:
    assembled = {
        f"{method} {route.path.replace(':path}', '}')}"
        for route in (*OWN_ROUTES, *ROUTES)
        if isinstance(route, Route)
        for method in (route.methods or {"GET"}) - {"HEAD"}
    }
    assert assembled == set(SERVED)


def test_every_kind_of_stream_is_one_that_the_daemon_knows() -> None:
    assert [one.kind for one in inventory.aggregates()] == sorted(one.kind for one in (*OWN, *AGGREGATES))


@pytest.mark.parametrize("name", sorted(SERVED))
def test_a_route_says_what_it_does(name: str) -> None:
    assert inspect.getdoc(SERVED[name].endpoint), f"{name}: its function has no docstring"


@pytest.mark.parametrize("name", sorted(SERVED))
def test_the_capability_written_down_is_the_one_asked_for(name: str) -> None:
    source = ast.parse(textwrap.dedent(inspect.getsource(SERVED[name].endpoint)))
    asked = {
        node.args[1].value
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "caller"
        and isinstance(node.args[1], ast.Constant)
    }
    assert asked <= {api.OPERATIONS[name].capability}


def test_query_parameters_and_headers_are_explained_and_used() -> None:
    query = {name for one in api.OPERATIONS.values() for name in one.query}
    headers = {name for one in api.OPERATIONS.values() for name in one.headers}
    assert (query, headers) == (set(api.QUERY), set(api.HEADERS))


def test_every_event_has_a_sentence_and_every_sentence_an_event() -> None:
    for one in inventory.happenings():
        assert reference.sentence_of(one).endswith("."), one.type
    left_over = set(reference.WORDS["events"]) - {one.type for one in inventory.happenings()}
    assert not left_over, f"tools/words.toml speaks of events that there are not: {sorted(left_over)}"


def test_an_event_is_a_noun_and_what_happened_to_it() -> None:
    for one in inventory.happenings():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", one.type), one.type


def test_every_setting_is_explained() -> None:
    assert set(reference.WORDS["settings"]) == {field.name for field in msgspec.structs.fields(Settings)}


def test_every_error_code_that_the_code_raises_is_in_the_table() -> None:
    raised = {
        word.value.value: f"{named(path)}:{node.lineno}"
        for path in python_files("engine")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in ERRORS
        for word in node.keywords
        if word.arg == "code" and isinstance(word.value, ast.Constant)
    }
    assert {code: place for code, place in raised.items() if code not in CODES} == {}
    assert {kind.default_code for kind in ERRORS.values()} <= set(CODES)


def test_advice_is_given_for_codes_that_there_are() -> None:
    advised = msgspec.json.decode((ROOT / "clients/view/vocabulary.json").read_bytes())["next_steps"]
    assert set(advised) <= set(CODES)
    assert next_step("unavailable")


def test_the_specifications_are_fresh() -> None:
    assert not stale(specs.files(), within=ROOT / "specs"), "specs/ is stale; `just specs` rewrites it"


def test_the_reference_is_fresh() -> None:
    assert not stale(reference.files(), within=reference.FOLDER), "docs/reference/ is stale; `just docs`"
