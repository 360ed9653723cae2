"""Records that clients write: keys, revs, patches and transactions."""

from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.resources import Operation, PatchOperation
from engine.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from engine.kernel.records import (
    DEPTH_MAX,
    MAX_VALUE_BYTES,
    JsonPatch,
    check_key,
    check_writable,
    merge_patch,
)
from tests.kernel_kit import ADA, ELSEWHERE, check_invariants, events_of, put, running, write


@pytest.mark.parametrize(
    "key", ["project/a", "team/a.b_c~d-e", "/".join("abcdefgh"), "project/" + "x" * 128, "project/.a/..."]
)
def test_a_well_formed_key_is_taken(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "project",
        "project/",
        "/project/a",
        "project//a",
        "project/a b",
        "project/ä",
        "project/a\n",
        "project/a%2Fb",
        "project/..",
        "project/./a",
        "../project/a",
        "project/" + "x" * 129,
        "/".join("abcdefghi"),
        "/".join(["x" * 128] * 5),
    ],
)
def test_a_malformed_key_is_named_as_such(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_key(key)
    assert caught.value.code == "invalid_key"


@pytest.mark.parametrize(
    "key",
    ["project/a", "team/a", "run/r1/notes", "run/r1/status/mine", "mission/m1/notes", "mission/m1/items"],
)
def test_clients_write_what_is_theirs(key: str) -> None:
    check_writable(key)


@pytest.mark.parametrize(
    "key",
    ["run/r1", "run/r1/status", "mission/m1", "mission/m1/item", "mission/m1/item/i1", "asset/a", "outbox/c"],
)
def test_what_the_engine_owns_is_not_for_clients(key: str) -> None:
    with pytest.raises(Forbidden) as caught:
        check_writable(key)
    assert (caught.value.code, caught.value.extra) == ("engine_owned", {"key": key})


def nested(levels: int) -> Any:
    """An object in an object in an object, so many of them."""
    deep: Any = {}
    for _ in range(levels - 1):
        deep = {"a": deep}
    return deep


# RFC 7396, appendix A, all of it.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_its_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


async def test_a_rev_counts_the_writes_and_goes_on_after_a_deletion(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        for rev, operation in enumerate(
            [
                put("project/a", 1),
                Operation(op="patch", key="project/a", value={"b": 2}),
                Operation(op="delete", key="project/a"),
                put("project/a", 3),
            ],
            start=1,
        ):
            assert (await write(kernel, operation)).revs == {"project/a": rev}
        await check_invariants(kernel)


async def test_a_write_at_another_rev_than_expected_is_refused_with_both(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", 1))
        for operation in (
            put("project/a", 2, if_match_rev=7),
            Operation(op="patch", key="project/a", value=2, if_match_rev=7),
            Operation(op="delete", key="project/a", if_match_rev=7),
            Operation(op="check", key="project/a", if_match_rev=7),
        ):
            with pytest.raises(Conflict) as caught:
                await write(kernel, operation)
            assert caught.value.code == "revision_conflict"
            assert caught.value.extra == {"key": "project/a", "expected": 7, "actual": 1}
        record = await kernel.resources.record("project/a")
        assert record is not None
        assert (record.value, record.rev) == (b"1", 1)


async def test_rev_0_means_absent_whether_never_there_or_deleted(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", 1, if_match_rev=0))
        with pytest.raises(Conflict):
            await write(kernel, put("project/a", 2, if_match_rev=0))
        await write(kernel, Operation(op="delete", key="project/a"))
        with pytest.raises(Conflict) as caught:
            await write(
                kernel, put("project/a", 2, if_match_rev=2)
            )  # the rev of a tombstone is no rev to build on
        assert caught.value.extra["actual"] == 0
        assert (await write(kernel, put("project/a", 2, if_match_rev=0))).revs == {"project/a": 3}


@pytest.mark.parametrize("op", ["patch", "delete"])
async def test_what_is_not_there_can_be_neither_patched_nor_deleted(tmp_path: Path, op: Any) -> None:
    async with running(tmp_path) as kernel:
        with pytest.raises(NotFound):
            await write(kernel, Operation(op=op, key="project/a", value={}))
        assert await events_of(kernel) == []


async def test_a_transaction_writes_all_at_one_position_or_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        accepted = await write(
            kernel,
            put("project/a", 1),
            Operation(op="check", key="project/b", if_match_rev=0),
            put("team/c", 2),
        )
        assert (accepted.position, accepted.revs) == (1, {"project/a": 1, "project/b": 0, "team/c": 1})
        with pytest.raises(Conflict):
            await write(kernel, put("project/a", 9), put("team/c", 9, if_match_rev=5))
        assert (await kernel.resources.page("")).position == 1
        assert [record.value for record in (await kernel.resources.page("")).items] == [b"1", b"2"]
        assert len(await check_invariants(kernel)) == 1


async def test_an_operation_sees_what_those_before_it_in_the_transaction_did(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        accepted = await write(
            kernel,
            put("project/a", {"n": 1}, if_match_rev=0),
            Operation(op="patch", key="project/a", value={"m": 2}, if_match_rev=1),
        )
        assert accepted.revs == {"project/a": 2}
        assert (await kernel.resources.value("project/a", dict)) == {"n": 1, "m": 2}


async def test_every_operation_of_a_transaction_is_told_its_own_rev(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/gone", 1))
        await write(kernel, Operation(op="delete", key="project/gone"))
        accepted = await write(
            kernel,
            put("project/a", 1),
            Operation(op="check", key="project/a", if_match_rev=1),
            Operation(op="delete", key="project/a"),
            put("project/a", 2, if_match_rev=0),
            Operation(op="check", key="project/gone", if_match_rev=0),
        )
        assert accepted.results == (1, 1, 2, 3, 0)
        record = await kernel.resources.record("project/a")
        assert record is not None
        assert (record.rev, record.value) == (3, b"2")
        await check_invariants(kernel)


async def test_checks_alone_write_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", 1))
        accepted = await write(kernel, Operation(op="check", key="project/a", if_match_rev=1))
        assert (accepted.events, accepted.position) == ((), 1)
        assert accepted.revs == {"project/a": 1}


async def test_null_is_a_value_and_a_missing_value_is_a_mistake(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", None))
        record = await kernel.resources.record("project/a")
        assert record is not None
        assert record.value == b"null"
        with pytest.raises(Invalid, match="no value"):
            await write(kernel, Operation(op="put", key="project/b"))


async def test_a_value_has_a_bound_in_size_and_in_depth(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", "x" * (MAX_VALUE_BYTES - 2)))
        with pytest.raises(Invalid, match=str(MAX_VALUE_BYTES)):
            await write(kernel, put("project/a", "x" * (MAX_VALUE_BYTES - 1)))
        await write(kernel, put("project/a", nested(DEPTH_MAX)))
        for deep in (nested(DEPTH_MAX + 1), nested(5_000)):
            for operation in (put("project/a", deep), Operation(op="patch", key="project/a", value=deep)):
                with pytest.raises(Invalid, match=f"nested too deeply; {DEPTH_MAX} levels"):
                    await write(kernel, operation)


async def test_patches_cannot_nest_a_value_deeper_one_by_one(tmp_path: Path) -> None:
    add = PatchOperation(op="add", path="/a" * DEPTH_MAX, value={})
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", nested(DEPTH_MAX)))
        with pytest.raises(Invalid, match="nested too deeply"):
            await write(kernel, JsonPatch(key="project/a", operations=(add,)))


async def test_many_containers_side_by_side_are_not_deep(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", [{"a": []}] * (DEPTH_MAX + 1)))
        accepted = await write(kernel, put("project/a", "[" * (DEPTH_MAX + 1)))
        assert accepted.revs == {"project/a": 2}


async def test_the_same_key_in_two_partitions_is_two_records(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", 1))
        assert (await write(kernel, put("project/a", 2, if_match_rev=0), context=ELSEWHERE)).revs == {
            "project/a": 1
        }
        assert await kernel.resources.value("project/a", int, ADA.partition) == 1
        assert await kernel.resources.value("project/a", int, ELSEWHERE.partition) == 2
        await check_invariants(kernel)
