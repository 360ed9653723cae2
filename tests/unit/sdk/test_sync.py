"""The client and the replica for programs without an event loop, against a border that has one."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from cutroom_sdk.discovery import Address
from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.shelf import Batch
from cutroom_sdk.sync.client import Client
from cutroom_sdk.sync.replica import Replica
from cutroom_sdk.wire.resources import Operation
from tests.http_kit import Border, served

T = TypeVar("T")
WAIT_S = 10


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    async with served(tmp_path) as opened:
        yield opened


async def script(border: Border, work: Callable[[Client], T], *, name: str = "ada") -> T:
    """Run `work` as a program of its own would: in a thread, waiting for every answer."""

    def run() -> T:
        with Client(lambda: Address(url=border.url, token=f"token-of-{name}")) as studio:
            return work(studio)

    return await asyncio.to_thread(run)


async def test_a_script_writes_and_finds_it_in_its_copy(border: Border) -> None:
    def work(studio: Client) -> None:
        studio.put("project/a/before", 1)
        with Replica(studio, prefixes=["project/a"]) as copy:
            assert copy.value("project/a/before", int) == 1
            written = studio.put("project/a/b", {"n": 1})
            copy.wait_until(written.position, timeout_s=WAIT_S)
            assert copy.value("project/a/b", dict) == {"n": 1}
            assert (copy.keys("project"), copy.connection) == (["project/a/b", "project/a/before"], "live")
            gone = studio.delete("project/a/b", if_match=1)
            copy.wait_until(gone.position, timeout_s=WAIT_S)
            assert (copy.held("project/a/b"), copy.position) == (None, gone.position)

    await script(border, work)


async def test_many_threads_read_one_copy_and_see_transactions_whole(border: Border) -> None:
    def work(studio: Client) -> None:
        with Replica(studio, prefixes=["project"]) as copy, ThreadPoolExecutor(4) as pool:
            done = threading.Event()

            def look() -> bool:
                whole = True
                while not done.is_set():
                    with copy.reading() as shelf:
                        whole &= len({shelf.value(f"project/{name}", int) for name in "abc"}) == 1
                return whole

            looking = [pool.submit(look) for _ in range(4)]
            for n in range(30):
                position = studio.transact(
                    [Operation(op="put", key=f"project/{name}", value=n) for name in "abc"]
                ).position
            copy.wait_until(position, timeout_s=WAIT_S)
            done.set()
            assert all(one.result() for one in looking)

    await script(border, work)


async def test_waiting_ends_with_the_time_given_for_it(border: Border) -> None:
    def work(studio: Client) -> None:
        with Replica(studio) as copy, pytest.raises(TimeoutError, match=r"within 0\.01 s"):
            copy.wait_until(1_000_000, timeout_s=0.01)

    await script(border, work)


async def test_a_stopped_replica_ends_at_once_and_tells_who_waits(border: Border) -> None:
    def work(studio: Client) -> None:
        copy, told = Replica(studio), list[str]()

        def wait() -> None:
            try:
                copy.until(lambda: None)
            except SdkError as error:
                told.append(error.detail)

        with copy:
            waiting = threading.Thread(target=wait)
            waiting.start()
        waiting.join(WAIT_S)
        assert told == ["the replica was stopped"]
        assert not [one for one in threading.enumerate() if one.name == "replica"]

    await script(border, work)


async def test_who_is_refused_hears_so_where_the_block_begins(border: Border) -> None:
    def work(studio: Client) -> str:
        with pytest.raises(SdkError) as caught, Replica(studio):
            pytest.fail("it was let in")
        return caught.value.code

    assert await script(border, work, name="stranger") == "unauthenticated"


async def test_a_callback_hears_of_changes_and_may_not_wait_for_them(border: Border) -> None:
    def work(studio: Client) -> None:
        seen: list[frozenset[str]] = []

        def on_batch(batch: Batch) -> None:
            seen.append(batch.changed)
            if "project/wait" in batch.changed:
                copy.until(lambda: None)

        copy = Replica(studio, on_batch=on_batch)
        with copy:
            copy.wait_until(studio.put("project/a", 1).position, timeout_s=WAIT_S)
            studio.put("project/wait", 1)
            with pytest.raises(SdkError, match="a callback would wait for itself"):
                copy.until(lambda: None, timeout_s=WAIT_S)
        assert frozenset({"project/a"}) in seen

    await script(border, work)


async def test_a_stream_of_events_is_read_one_after_the_other(border: Border) -> None:
    def work(studio: Client) -> list[int]:
        for n in range(3):
            studio.put("project/a", n)
        events = studio.follow_log(1)
        found = [next(events).position, next(events).position]
        events.close()
        return found

    assert await script(border, work) == [2, 3]


def test_without_a_daemon_it_says_how_to_get_one() -> None:
    with Client(lambda: None) as studio, pytest.raises(Unreachable, match="'cutroom serve' starts one"):
        studio.health()
