"""JSON Patch: the cases of its RFC, and what a patch must never do."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom_sdk.wire.resources import PatchOperation
from engine.kernel import json_patch
from engine.kernel.errors import Invalid, Rejected, StudioError
from engine.kernel.json_patch import COPIED_BYTES_MAX, OPERATIONS_MAX, apply


def read(*operations: dict[str, Any]) -> tuple[PatchOperation, ...]:
    return msgspec.convert(operations, tuple[PatchOperation, ...])


def patched(document: Any, *operations: dict[str, Any]) -> Any:
    return apply(document, read(*operations))


def refusal(document: Any, *operations: dict[str, Any]) -> StudioError:
    with pytest.raises((Invalid, Rejected)) as caught:
        patched(document, *operations)
    assert isinstance(caught.value, StudioError)
    return caught.value


WIDE = {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}}
GROWN = {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}}

# RFC 6902, appendix A: those that give a document.
CASES: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("A.1", {"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"baz": "qux", "foo": "bar"}),
    (
        "A.2",
        {"foo": ["bar", "baz"]},
        {"op": "add", "path": "/foo/1", "value": "qux"},
        {"foo": ["bar", "qux", "baz"]},
    ),
    ("A.3", {"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}),
    ("A.4", {"foo": ["bar", "qux", "baz"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["bar", "baz"]}),
    (
        "A.5",
        {"baz": "qux", "foo": "bar"},
        {"op": "replace", "path": "/baz", "value": "boo"},
        {"baz": "boo", "foo": "bar"},
    ),
    ("A.6", WIDE, {"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}, GROWN),
    (
        "A.7",
        {"foo": ["all", "grass", "cows", "eat"]},
        {"op": "move", "from": "/foo/1", "path": "/foo/3"},
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        "A.8",
        {"baz": "qux", "foo": ["a", 2, "c"]},
        {"op": "test", "path": "/foo/1", "value": 2},
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    (
        "A.10",
        {"foo": "bar"},
        {"op": "add", "path": "/child", "value": {"grandchild": {}}},
        {"foo": "bar", "child": {"grandchild": {}}},
    ),
    (
        "A.11",
        {"foo": "bar"},
        {"op": "add", "path": "/baz", "value": "qux", "xyz": 123},
        {"foo": "bar", "baz": "qux"},
    ),
    ("A.14", {"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
    (
        "A.16",
        {"foo": ["bar"]},
        {"op": "add", "path": "/foo/-", "value": ["abc", "def"]},
        {"foo": ["bar", ["abc", "def"]]},
    ),
]


@pytest.mark.parametrize(("document", "operation", "result"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_a_patch_does_what_its_rfc_says(document: Any, operation: dict[str, Any], result: Any) -> None:
    assert patched(document, operation) == result


@pytest.mark.parametrize(
    ("document", "operation", "reason"),
    [
        pytest.param({"baz": "qux"}, {"op": "test", "path": "/baz", "value": "bar"}, "test_failed", id="A.9"),
        pytest.param(
            {"foo": "bar"}, {"op": "add", "path": "/baz/bat", "value": "qux"}, "path_not_found", id="A.12"
        ),
        pytest.param(
            {"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": "10"}, "test_failed", id="A.15"
        ),
        ({"a": 1}, {"op": "remove", "path": "/b"}, "path_not_found"),
        ({"a": 1}, {"op": "replace", "path": "/b", "value": 1}, "path_not_found"),
        ({"a": 1}, {"op": "move", "from": "/b", "path": "/c"}, "path_not_found"),
        ({"a": 1}, {"op": "copy", "from": "/b", "path": "/c"}, "path_not_found"),
        ({"a": 1}, {"op": "test", "path": "/b", "value": None}, "path_not_found"),
        ([1, 2], {"op": "add", "path": "/3", "value": 0}, "path_not_found"),
        ([1, 2], {"op": "replace", "path": "/2", "value": 0}, "path_not_found"),
        ([1, 2], {"op": "remove", "path": "/-"}, "path_not_found"),
        ([1, 2], {"op": "remove", "path": "/-1"}, "path_not_found"),
        ([1, 2], {"op": "remove", "path": "/01"}, "path_not_found"),
        ([1, 2], {"op": "remove", "path": "/1e0"}, "path_not_found"),
        ([1, 2], {"op": "remove", "path": "/٠"}, "path_not_found"),
        ("text", {"op": "add", "path": "/0", "value": 0}, "path_not_found"),
    ],
)
def test_what_the_document_does_not_allow_names_the_operation(
    document: Any, operation: dict[str, Any], reason: str
) -> None:
    fine = {"op": "test", "path": "", "value": document}
    error = refusal(document, fine, operation)
    assert isinstance(error, Rejected)
    assert (error.reason, error.extra["operation"], error.extra["path"]) == (reason, 1, operation["path"])
    assert error.detail.startswith(f"operation 1, {operation['op']} {operation['path']}: ")


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ({"op": "add", "path": "a", "value": 1}, "[0].path"),
        ({"op": "add", "path": "/~2", "value": 1}, "[0].path"),
        ({"op": "add", "path": "/a~", "value": 1}, "[0].path"),
        ({"op": "add", "path": "/a"}, "[0].value"),
        ({"op": "test", "path": "/a"}, "[0].value"),
        ({"op": "move", "path": "/a"}, "[0].from"),
        ({"op": "copy", "path": "/a", "from": "b"}, "[0].from"),
        ({"op": "move", "from": "/a", "path": "/a/b"}, "[0].path"),
        ({"op": "move", "from": "", "path": "/a"}, "[0].path"),
        ({"op": "remove", "path": ""}, "[0].path"),
    ],
)
def test_an_operation_that_is_wrong_in_itself_is_named_by_its_field(
    operation: dict[str, Any], field: str
) -> None:
    error = refusal({"a": {"b": 1}}, operation)
    assert (error.code, error.extra["field"]) == ("invalid_request", field)


def test_a_pointer_may_name_the_whole_the_empty_name_and_names_with_slashes_and_tildes() -> None:
    assert patched({"a": 1}, {"op": "replace", "path": "", "value": [2]}) == [2]
    assert patched({"a": 1}, {"op": "add", "path": "", "value": None}) is None
    assert patched({"a": 1}, {"op": "copy", "from": "", "path": "/a"}) == {"a": {"a": 1}}
    assert patched({"a": {"b": 1}}, {"op": "move", "from": "/a", "path": ""}) == {"b": 1}
    assert patched({"": 1, "a/b": 2}, {"op": "remove", "path": "/"}) == {"a/b": 2}
    assert patched({"a/b": 2, "m~n": 3}, {"op": "remove", "path": "/a~1b"}) == {"m~n": 3}
    assert patched({"m~n": 3}, {"op": "replace", "path": "/m~0n", "value": 4}) == {"m~n": 4}
    assert patched({"0": 1}, {"op": "replace", "path": "/0", "value": 4}) == {"0": 4}


def test_null_is_a_value_that_can_be_added_and_tested() -> None:
    added = {"op": "add", "path": "/a", "value": None}
    assert patched({}, added, {"op": "test", "path": "/a", "value": None}) == {"a": None}


def test_numbers_are_equal_by_value_and_are_no_truth_values() -> None:
    for value, other, equal in (
        (1, 1.0, True),
        (10**30, 10**30, True),
        (2**53, 2**53 + 1, False),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        ([1, {"a": 2}], [1.0, {"a": 2}], True),
        ({"a": 1}, {"a": 1, "b": None}, False),
    ):
        assert json_patch.same(value, other) is equal, (value, other)
        assert json_patch.same(other, value) is equal


def test_an_index_that_is_equal_as_a_number_is_not_a_name() -> None:
    assert patched([1, 2, 3], {"op": "add", "path": "/3", "value": 4}) == [1, 2, 3, 4]
    assert patched([1, 2, 3], {"op": "move", "from": "/0", "path": "/-"}) == [2, 3, 1]
    assert patched([1, 2, 3], {"op": "move", "from": "/1", "path": "/1"}) == [1, 2, 3]


def test_what_is_moved_to_where_it_is_stays_as_it_is() -> None:
    assert list(patched({"a": 1, "b": 2}, {"op": "move", "from": "/a", "path": "/a"})) == ["a", "b"]
    assert patched({"a": 1}, {"op": "move", "from": "", "path": ""}) == {"a": 1}


def test_a_small_patch_cannot_make_a_huge_document() -> None:
    double = [{"op": "copy", "from": "", "path": "/-"}] * 40
    error = refusal(["x" * 100], *double)
    assert f"at most {COPIED_BYTES_MAX} bytes" in error.detail
    assert len(patched(["x" * 100], *double[:5])) == 6


def test_a_patch_has_a_bounded_number_of_operations() -> None:
    one = {"op": "add", "path": "/-", "value": 1}
    assert len(patched([], *[one] * OPERATIONS_MAX)) == OPERATIONS_MAX
    assert str(OPERATIONS_MAX) in refusal([], *[one] * (OPERATIONS_MAX + 1)).detail


names = st.sampled_from(["a", "b", "0", "1", "~", "/", ""])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.just(1.5)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)
pointers = st.lists(names | st.just("-"), max_size=3).map(
    lambda tokens: "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)
)
operations = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": pointers,
        "from": pointers,
        "value": documents,
    }
)


def places(document: Any, pointer: str = "") -> list[str]:
    """Every pointer into the document that names something."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(document, dict):
        inner = list(document.items())
    if isinstance(document, list):
        inner = list(enumerate(document))
    found = [pointer]
    for name, value in inner:
        found += places(value, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")
    return found


def _at(node: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        node = node[int(name)] if isinstance(node, list) else node[name]
    return node


@given(documents, st.lists(operations, max_size=4))
def test_neither_the_document_nor_the_patch_is_ever_touched(
    document: Any, patch: list[dict[str, Any]]
) -> None:
    before, asked = copy.deepcopy(document), read(*copy.deepcopy(patch))
    try:
        apply(document, asked)
    except (Invalid, Rejected):
        pass
    assert repr(document) == repr(before)
    assert repr(asked) == repr(read(*patch))


@given(documents, st.data())
def test_what_is_added_is_there_and_what_is_taken_away_again_leaves_no_trace(
    document: Any, data: st.DataObject
) -> None:
    value = data.draw(documents)
    for pointer in places(document)[1:]:
        added = {"op": "add", "path": pointer, "value": value}
        apply(document, read(added, {"op": "test", "path": pointer, "value": value}))
        if isinstance(_at(document, pointer.rpartition("/")[0]), list):
            assert patched(document, added, {"op": "remove", "path": pointer}) == document


@given(documents, st.lists(operations, min_size=1, max_size=3))
def test_operations_one_after_the_other_come_to_the_same_as_together(
    document: Any, patch: list[dict[str, Any]]
) -> None:
    try:
        together = patched(document, *patch)
    except (Invalid, Rejected):
        return
    step_by_step = document
    for operation in patch:
        step_by_step = patched(step_by_step, operation)
    assert json_patch.same(step_by_step, together)
