"""Records that live for a time: deleted by an event when it is up, and never when somebody has written since."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.resources import Operation, PatchOperation
from engine.kernel import records
from engine.kernel.context import Context
from engine.kernel.errors import Invalid, Unavailable
from engine.kernel.expiry import Sweeper
from engine.kernel.kernel import Kernel
from engine.kernel.records import Expiry, JsonPatch, ResourcesChanged, WriteRecords
from engine.kernel.resources import Record
from tests.kernel_kit import (
    ADA,
    ELSEWHERE,
    FakeClock,
    check_invariants,
    events_of,
    put,
    running,
    until,
    write,
)

HOUR_MS = 3600 * 1000


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing sweep but the test, and the start."""

    async def idle(_: Sweeper) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Sweeper, "run", idle)


def lasting(key: str, ttl_ms: int, value: Any = None) -> Operation:
    return Operation(op="put", key=key, value=value, ttl_ms=ttl_ms)


async def found(kernel: Kernel, key: str, context: Context = ADA) -> Record | None:
    return await kernel.resources.record(key, context.partition)


async def there(kernel: Kernel, key: str) -> Record:
    record = await found(kernel, key)
    assert record is not None
    return record


async def test_a_record_says_how_long_it_lives(tmp_path: Path) -> None:
    clock = FakeClock(5_000)
    async with running(tmp_path, clock=clock) as kernel:
        await write(kernel, lasting("project/a", 700), put("project/b", 1))
        record, other = await there(kernel, "project/a"), await there(kernel, "project/b")
        assert (record.ttl_ms, record.expires_at_ms) == (700, 5_700)
        assert (other.ttl_ms, other.expires_at_ms) == (None, None)
        (event,) = await events_of(kernel)
        first, second = decode(bytes(event.data), ResourcesChanged).operations
        assert (first.ttl_ms, first.expires_at_ms) == (700, 5_700)
        assert (second.ttl_ms, second.expires_at_ms) == (UNSET, UNSET)


@pytest.mark.usefixtures("by_hand")
async def test_a_record_whose_time_is_up_is_there_until_its_deletion_and_then_gone(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as kernel:
        await write(kernel, lasting("project/a", HOUR_MS, "x"))
        clock.at_ms += HOUR_MS - 1
        await kernel.expiry.sweep()
        assert (await there(kernel, "project/a")).rev == 1
        clock.at_ms += 1
        assert (await there(kernel, "project/a")).rev == 1
        await kernel.expiry.sweep()
        assert await found(kernel, "project/a") is None
        (before, _), (after, _) = (
            await kernel.resources.as_of("project/a", 1),
            await kernel.resources.as_of("project/a", 2),
        )
        assert before is not None
        assert (before.value, before.expires_at_ms, after) == (b'"x"', clock.at_ms, None)
        assert [event.actor for event in await events_of(kernel)] == ["ada", "engine:expiry"]
        assert (await write(kernel, put("project/a", 1, if_match_rev=0))).revs == {"project/a": 3}
        await check_invariants(kernel)


async def test_it_goes_by_itself_when_its_time_comes(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, lasting("project/late", HOUR_MS))
        await write(kernel, lasting("project/soon", 5))  # due before what the sweeper waits for
        await until(kernel, lambda: kernel.dispatch.head == 3)
        assert await found(kernel, "project/soon") is None
        assert await found(kernel, "project/late") is not None
        await write(kernel, lasting("project/late", 5))
        await until(kernel, lambda: kernel.dispatch.head == 5)
        assert await found(kernel, "project/late") is None
        await check_invariants(kernel)


@pytest.mark.usefixtures("by_hand")
async def test_a_put_without_a_time_lets_it_live_on(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as kernel:
        await write(kernel, lasting("project/a", 10))
        await write(kernel, put("project/a", 2))
        clock.at_ms += HOUR_MS
        await kernel.expiry.sweep()
        assert (await there(kernel, "project/a")).expires_at_ms is None


@pytest.mark.usefixtures("by_hand")
async def test_a_patch_leaves_the_time_as_it_is_and_a_put_sets_it_anew(tmp_path: Path) -> None:
    clock = FakeClock(0)
    async with running(tmp_path, clock=clock) as kernel:
        await write(kernel, lasting("project/a", 100, {}))
        clock.at_ms = 60
        add = PatchOperation(op="add", path="/n", value=1)
        await write(kernel, Operation(op="patch", key="project/a", value={"m": 1}))
        await write(kernel, JsonPatch(key="project/a", operations=(add,)))
        record = await there(kernel, "project/a")
        assert (record.rev, record.ttl_ms, record.expires_at_ms) == (3, 100, 100)
        await write(kernel, lasting("project/a", 100, {}))
        assert (await there(kernel, "project/a")).expires_at_ms == 160
        await check_invariants(kernel)


@pytest.mark.usefixtures("by_hand")
async def test_what_was_written_since_the_sweeper_looked_lives_on(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as kernel:
        await write(kernel, lasting("project/a", HOUR_MS), lasting("project/b", 2 * HOUR_MS))
        clock.at_ms += HOUR_MS
        await write(kernel, lasting("project/a", HOUR_MS))
        late = WriteRecords(operations=(Expiry(key="project/a", rev=1), Expiry(key="project/b", rev=1)))
        accepted = await kernel.dispatch.propose(records.STREAM, late, ADA)
        assert accepted.events == ()
        assert (await there(kernel, "project/a")).rev == 2
        assert (await there(kernel, "project/b")).rev == 1


@pytest.mark.usefixtures("by_hand")
async def test_the_sweeper_deletes_no_rev_but_the_one_it_saw(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as kernel:
        await write(kernel, lasting("project/a", HOUR_MS, {}))
        clock.at_ms += HOUR_MS
        await write(kernel, Operation(op="patch", key="project/a", value={"late": True}))
        for rev, events in ((1, 0), (2, 1)):
            asked = WriteRecords(operations=(Expiry(key="project/a", rev=rev),))
            accepted = await kernel.dispatch.propose(records.STREAM, asked, ADA)
            assert len(accepted.events) == events


@pytest.mark.usefixtures("by_hand")
async def test_what_expired_while_nothing_ran_is_gone_before_anybody_is_answered(tmp_path: Path) -> None:
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as kernel:
        await write(
            kernel, lasting("project/a", HOUR_MS), lasting("project/b", 2 * HOUR_MS), put("project/c", 1)
        )
        await write(kernel, lasting("project/a", HOUR_MS), context=ELSEWHERE)
    clock.at_ms += HOUR_MS
    async with running(tmp_path, clock=clock) as kernel:
        assert await found(kernel, "project/a") is None
        assert await found(kernel, "project/a", ELSEWHERE) is None
        assert (await there(kernel, "project/b")).rev == 1
        # Nothing crosses partitions: each has its own event.
        assert sorted(event.partition for event in (await events_of(kernel))[2:]) == [
            "acme/prod",
            "local/dev",
        ]
        await check_invariants(kernel)


async def test_a_full_disk_keeps_nothing_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, sweep = FakeClock(), Sweeper.sweep
    async with running(tmp_path, clock=clock) as kernel:
        await write(kernel, lasting("project/a", HOUR_MS))
    clock.at_ms += HOUR_MS

    async def full(_: Sweeper) -> None:
        raise Unavailable("the disk is full", code="insufficient_storage")

    monkeypatch.setattr(Sweeper, "sweep", full)
    async with running(tmp_path, clock=clock) as kernel:
        assert (await there(kernel, "project/a")).rev == 1
        monkeypatch.setattr(Sweeper, "sweep", sweep)
        await kernel.expiry.sweep()
        assert await found(kernel, "project/a") is None


@pytest.mark.usefixtures("by_hand")
async def test_more_than_a_page_goes_in_one_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.kernel.expiry.PAGE", 3)
    clock = FakeClock()
    async with running(tmp_path, clock=clock) as kernel:
        await write(kernel, *(lasting(f"project/{number}", HOUR_MS + number) for number in range(8)))
        clock.at_ms += 2 * HOUR_MS
        await kernel.expiry.sweep()
        assert (await kernel.resources.page("")).items == ()
        assert kernel.dispatch.head == 4
        await check_invariants(kernel)


@pytest.mark.parametrize("op", ["patch", "delete", "check"])
async def test_only_a_put_sets_a_time(tmp_path: Path, op: Any) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", {}))
        with pytest.raises(Invalid) as caught:
            await write(kernel, Operation(op=op, key="project/a", value={}, ttl_ms=5))
        assert caught.value.extra["field"] == "ttl_ms"


async def test_the_sweeper_asks_an_index_and_reads_no_other_record(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        query = "EXPLAIN QUERY PLAN SELECT partition, key, rev FROM resources WHERE expires_at_ms <= 5 ORDER BY expires_at_ms"
        plan = await kernel.database.read(lambda connection: connection.execute(query).fetchall())
        assert ["resources_expiring" in row[3] for row in plan] == [True]
