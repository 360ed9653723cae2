"""Published state: what differs is written, with a rev; lists are of one moment; history keeps what was."""

import sqlite3
from pathlib import Path

import pytest

from cutroom_sdk.wire.resources import Operation
from engine.kernel.changes import covering, covers
from engine.kernel.dispatch import Asked
from engine.kernel.resources import Reader, _rows, _spans
from tests.kernel_kit import ADA, ELSEWHERE, Add, Counter, check_invariants, put, running, write


async def test_only_what_differs_is_written(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        await kernel.dispatch.propose(
            "counter/a", Add(by=(0,)), ADA
        )  # an event that changes nothing to be seen
        record = await kernel.resources.record("counter/a")
        assert record is not None
        assert (record.rev, record.position, record.updated_by) == (1, 1, "ada")


async def test_one_request_is_one_write_of_a_resource_however_many_events_it_has(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(1, 2, 3)), ADA)
        record = await kernel.resources.record("counter/a")
        assert record is not None
        assert (record.rev, record.position) == (1, 3)


async def test_a_resource_appears_and_its_parts_share_the_position(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(9,)), ADA)
        assert await kernel.resources.value("counter/a/full", Counter) is None
        await kernel.dispatch.propose_many([Asked("counter/a", Add()), Asked("counter/b", Add(by=(2,)))], ADA)
        found = (await kernel.resources.page("counter")).items
        assert [(record.key, record.rev, record.position) for record in found] == [
            ("counter/a", 2, 3),
            ("counter/a/full", 1, 3),
            ("counter/b", 1, 3),
        ]
        await check_invariants(kernel)


async def test_a_prefix_is_of_whole_segments(tmp_path: Path) -> None:
    keys = ["project/a", "project/a/b", "project/a-b", "project/a.b", "project/ab", "project/b", "team/a"]
    async with running(tmp_path) as kernel:
        await write(kernel, *(put(key, 0) for key in keys))
        for prefix in ("", "project", "project/a", "project/a/", "project/a/b", "projec", "team", "/"):
            listed = {record.key for record in (await kernel.resources.page(prefix)).items}
            # What a list shows and what a stream shows are the same keys.
            assert listed == {key for key in keys if covers(prefix, key)}, prefix
        assert {record.key for record in (await kernel.resources.page("project/a")).items} == {
            "project/a",
            "project/a/b",
        }


async def test_pages_are_sorted_by_key_and_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    keys = [f"project/{number:03}" for number in range(25)]
    async with running(tmp_path) as kernel:
        await write(kernel, *(put(key, 0) for key in reversed(keys)), put("team/x", 0))
        found, cursor, sizes = [], "", []
        while True:
            page = await kernel.resources.page("project", limit=10, cursor=cursor)
            found += [record.key for record in page.items]
            sizes.append(len(page.items))
            if page.next is None:
                break
            cursor = page.next
        assert (found, sizes) == (keys, [10, 10, 5])
        assert (await kernel.resources.page("project", limit=25)).next is None


async def test_what_a_reader_may_not_see_takes_no_place_on_a_page(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, *(put(f"project/{number}", 0) for number in range(9)))
        page = await kernel.resources.page("", limit=3, visible=lambda key: int(key[-1]) % 2 == 0)
        assert [record.key for record in page.items] == ["project/0", "project/2", "project/4"]
        assert page.next == "project/4"


async def test_several_prefixes_give_what_lies_under_any_of_them_once_and_in_order(tmp_path: Path) -> None:
    keys = ["project/a", "project/a-b", "project/a-b/c", "project/a/b", "project/ab", "project/b", "team/a"]
    async with running(tmp_path) as kernel:
        await write(kernel, *(put(key, 0) for key in keys))
        for prefixes in (
            (),
            ("",),
            ("team", ""),
            ("team", "project/a"),
            ("project/a-b", "project/a"),
            ("project/a/b", "project", "project/a/"),
            ("project/b", "nowhere"),
        ):
            wanted = [key for key in keys if not prefixes or any(covers(prefix, key) for prefix in prefixes)]
            assert [key for key in keys if covering(prefixes)(key)] == wanted
            found, cursor = [], ""
            while True:  # page by page comes to the same as all at once
                page = await kernel.resources.page(prefixes, limit=2, cursor=cursor)
                found += [record.key for record in page.items]
                if page.next is None:
                    break
                cursor = page.next
            assert found == wanted, prefixes


async def test_a_small_prefix_is_found_by_the_index(tmp_path: Path) -> None:
    """The work that a list takes does not grow with what lies outside its prefix."""

    def steps(connection: sqlite3.Connection) -> int:
        taken: list[None] = []
        connection.set_progress_handler(lambda: taken.append(None), 1)
        assert len(list(_rows(connection, "local/dev", _spans(["project/m"])))) == 2
        connection.set_progress_handler(None, 1)
        return len(taken)

    async with running(tmp_path) as kernel:
        await write(kernel, put("project/m/1", 0), put("project/m/2", 0))
        few = await kernel.database.read(steps)
        for side in "az":
            await write(kernel, *(put(f"project/{side}{number}", 0) for number in range(500)))
        assert await kernel.database.read(steps) <= few + 10


async def test_history_tells_what_was_and_what_was_before_it(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", 1))
        await write(kernel, put("project/b", 1))
        await write(kernel, Operation(op="delete", key="project/a"))
        await write(kernel, put("project/a", 2))
        seen = []
        for position in range(5):
            now, before = await kernel.resources.as_of("project/a", position)
            seen.append((now and now.value, before and before.value))
        assert seen == [(None, None), (b"1", None), (b"1", None), (None, b"1"), (b"2", None)]


async def test_a_tool_reads_its_own_partition(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        await kernel.dispatch.propose("counter/b", Add(by=(2,)), ELSEWHERE)
        reader = Reader(kernel.resources, ELSEWHERE.partition)
        assert await reader.value("counter/a", Counter) is None
        assert await reader.values("counter", Counter) == [Counter(total=2, by="eve")]


async def test_values_reads_on_beyond_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, *(put(f"project/{number:04}", number) for number in range(1_100)))
        assert await kernel.resources.values("project", int) == list(range(1_100))
