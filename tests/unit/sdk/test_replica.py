import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom_sdk.errors import SdkError
from cutroom_sdk.replica import BACKOFF_S, REFUSALS_MAX, Connection, Replica
from cutroom_sdk.shelf import Batch, Shelf
from cutroom_sdk.sse import SseMessage
from tests.unit.sdk.streams import History, Write

keys = st.sampled_from(["mission/a", "mission/b", "run/a"])
values = st.one_of(st.none(), st.integers(1, 9).map(lambda number: {"n": number}))
transactions = st.lists(
    st.lists(st.tuples(keys, values), min_size=1, max_size=4, unique_by=lambda write: write[0]), max_size=8
)


READY = SseMessage("ready", b'{"position":4}', "4")
CLOSED = SdkError("unauthenticated", "who are you", status=401)


async def _no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


def _held(shelf: Shelf) -> dict[str, object]:
    return {key: shelf.value(key, dict) for key in shelf.keys()}


async def _caught_up(history: History, replica: Replica) -> None:
    task = asyncio.create_task(replica.run())
    try:
        async with asyncio.timeout(5):
            await replica.wait_until(history.head)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@given(transactions, st.lists(st.integers(0, 12), max_size=5), st.integers(0, 8))
def test_however_often_the_stream_breaks_the_copy_ends_up_equal(
    written: list[list[Write]], breaks: list[int], oldest: int
) -> None:
    history = History(written, breaks=breaks, oldest=min(oldest, len(written)))
    replica = Replica(history.stream, sleep=_no_sleep)
    asyncio.run(_caught_up(history, replica))
    assert _held(replica.shelf) == history.state()


@given(transactions, st.lists(st.integers(1, 12), max_size=5))
def test_a_transaction_is_seen_whole_or_not_at_all(written: list[list[Write]], breaks: list[int]) -> None:
    history = History(written, breaks=breaks)
    moments = [History(written[:count]).state() for count in range(len(written) + 1)]
    seen: list[tuple[int, dict[str, object]]] = []

    def note(batch: Batch) -> None:
        seen.append((batch.position, _held(replica.shelf)))

    replica = Replica(history.stream, on_batch=note, sleep=_no_sleep)
    asyncio.run(_caught_up(history, replica))
    assert all(state == moments[position] for position, state in seen)
    positions = [position for position, _ in seen]
    assert positions == sorted(positions)


async def test_after_a_break_it_goes_on_from_where_it_was() -> None:
    history = History([[("mission/a", {"n": 1})]], breaks=[2])
    replica = Replica(history.stream, sleep=_no_sleep)
    task = asyncio.create_task(replica.run())
    await replica.wait_until(1)
    history.transactions.append([("mission/b", {"n": 2})])
    await replica.wait_until(2)
    task.cancel()
    assert history.opened[:2] == [None, 1]
    assert replica.shelf.value("mission/b", dict) == {"n": 2}


@pytest.mark.parametrize(("oldest", "kept", "code"), [(2, 3, "compacted"), (0, 0, "position_ahead")])
async def test_a_gap_that_cannot_be_bridged_gives_a_fresh_copy_and_says_why(
    oldest: int, kept: int, code: str
) -> None:
    history = History([[("mission/a", {"n": 1})]])
    reasons: list[str] = []
    replica = Replica(history.stream, on_fresh=reasons.append, sleep=_no_sleep)
    async with replica.following():
        others: list[list[Write]] = [[("mission/b", {"n": number})] for number in (1, 2, 3)]
        history.transactions, history.oldest = others[:kept], oldest
        await replica.until(lambda: replica.shelf.position == kept or None)
        assert "mission/a" not in set(replica.shelf.keys())
    assert reasons[0] == code
    assert _held(replica.shelf) == history.state()


async def test_a_lost_daemon_shows_and_so_does_its_return() -> None:
    history = History([[("mission/a", {"n": 1})]], breaks=[2, 0, 5])
    states: list[Connection] = []
    replica = Replica(history.stream, on_connection=lambda state, _why: states.append(state), sleep=_no_sleep)
    async with replica.following():
        await replica.until(lambda: states.count("live") > 1 or None)
    assert states[:3] == ["live", "lost", "live"] or states[:2] == ["live", "lost"]


async def test_a_refused_client_is_told_at_once_and_does_not_try_again() -> None:
    opened = 0

    async def refused(_after: int | None) -> AsyncGenerator[SseMessage, None]:
        nonlocal opened
        opened += 1
        if opened:
            raise SdkError("unauthenticated", "who are you", status=401)
        yield SseMessage("ready", b"{}", None)

    replica = Replica(refused, sleep=_no_sleep)
    with pytest.raises(SdkError, match="who are you"):
        async with replica.following():
            pytest.fail("it was not refused")
    assert opened == 1
    assert replica.connection == "lost"


class Door:
    """A stream that tells the same few frames each time, and before that raises what is in `refusals`, in turn."""

    def __init__(self, *refusals: SdkError | None, frames: tuple[SseMessage, ...] = (READY,)) -> None:
        self.opened: list[int | None] = []
        self.slept: list[float] = []
        self._refusals = list(refusals)
        self._frames = frames

    async def stream(self, after: int | None) -> AsyncGenerator[SseMessage, None]:
        self.opened.append(after)
        refusal = self._refusals.pop(0) if self._refusals else CLOSED
        if refusal is not None:
            raise refusal
        for frame in self._frames:
            yield frame

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def ended(self, **told: Any) -> str:
        """Follow until it is refused for good; return the code."""
        with pytest.raises(SdkError) as caught:
            await Replica(self.stream, sleep=self.sleep, **told).run()
        return caught.value.code


async def test_a_refusal_of_who_was_let_in_before_is_asked_about_again_with_pauses() -> None:
    expired = SdkError("unauthenticated", "expired", status=401)
    door = Door(None, expired, expired, None, *[expired] * REFUSALS_MAX)
    assert await door.ended() == "unauthenticated"
    assert door.opened == [None, *[4] * (3 + REFUSALS_MAX)]
    assert door.slept == [*BACKOFF_S[:3], *BACKOFF_S[:REFUSALS_MAX]]


async def test_it_waits_as_long_as_the_daemon_asks_for() -> None:
    busy = SdkError("unavailable", "1000 streams are open", status=503, retry_after_s=7.0)
    door = Door(busy, busy, None)
    assert await door.ended() == "unauthenticated"
    assert door.slept[:3] == [7.0, 7.0, 0.1]


async def test_a_snapshot_that_is_refused_is_not_asked_for_without_a_pause() -> None:
    ahead = SdkError("position_ahead", "another log", status=409)
    fresh: list[str] = []
    door = Door(None, *[ahead] * 4)
    await door.ended(on_fresh=fresh.append)
    assert fresh == ["position_ahead"], "there is one copy to throw away"
    assert door.opened[:6] == [None, 4, None, None, None, None]
    assert door.slept[:5] == [0.1, 0.0, 0.2, 0.4, 0.8]


async def test_a_log_whose_snapshots_are_never_gone_on_with_is_asked_more_and_more_rarely() -> None:
    ahead = SdkError("position_ahead", "another log", status=409)
    door = Door(*[None, ahead] * 4)
    await door.ended()
    assert door.slept[:8] == [0.1, 0.0, 0.1, 0.1, 0.1, 0.2, 0.1, 0.4]


async def test_a_rev_that_does_not_grow_is_another_log_at_the_same_address() -> None:
    history = History([[("mission/a", {"n": 1})], [("mission/a", {"n": 2})]], breaks=[2])
    reasons: list[str] = []
    replica = Replica(history.stream, on_fresh=reasons.append, sleep=_no_sleep)
    async with replica.following():
        # Restored from a backup, written on since: its positions go on where those of the old log were.
        other: list[list[Write]] = [[("mission/b", {"n": 1})], [("mission/b", {"n": 2})]]
        history.transactions = [*other, [("mission/a", {"n": 3})]]
        await replica.until(lambda: replica.shelf.value("mission/a", dict) == {"n": 3} or None)
    assert reasons == ["gap"]
    assert _held(replica.shelf) == history.state()


async def test_a_mistake_in_a_callback_ends_the_replica_and_whoever_waits_hears_of_it() -> None:
    def fail(_batch: Batch) -> None:
        raise ZeroDivisionError("a mistake")

    history = History([[("mission/a", {"n": 1})]])
    replica = Replica(history.stream, on_batch=fail, sleep=_no_sleep)
    with pytest.raises(SdkError, match="ZeroDivisionError: a mistake"):
        async with replica.following():
            await replica.until(lambda: None)
    assert replica.connection == "lost"


async def test_a_frame_of_another_shape_ends_it_too() -> None:
    door = Door(None, frames=(SseMessage("ready", b'{"position":"x"}', None),))
    assert await door.ended() == "internal"
    assert door.slept == []


def test_progress_is_kept_until_its_thing_is_gone() -> None:
    shelf = Shelf()
    shelf.begin(snapshot=True)
    report = b'{"key":"run/a","done":3,"total":10,"eta_s":2.5,"note":"shots"}'
    shelf.feed(SseMessage("progress", report, None))
    shelf.feed(SseMessage("ready", b'{"position":4}', "4"))
    assert shelf.progress["run/a"].eta_s == 2.5
    shelf.feed(SseMessage("resource.deleted", b'{"key":"run/a","rev":2}', "5"))
    assert shelf.progress == {}


def test_what_is_not_wanted_is_not_kept() -> None:
    shelf = Shelf(lambda key: key.startswith("mission/"))
    shelf.begin(snapshot=False)
    shelf.feed(SseMessage("resource.updated", b'{"key":"artifact/a","rev":1,"value":{}}', None))
    shelf.feed(SseMessage("resource.updated", b'{"key":"mission/a","rev":1,"value":{}}', "1"))
    assert list(shelf.keys()) == ["mission/a"]


def test_keys_are_found_beneath_whole_segments_only() -> None:
    shelf = Shelf()
    shelf.begin(snapshot=False)
    for position, key in enumerate(("mission/a", "mission/a/item/x", "mission/ab"), start=1):
        shelf.feed(
            SseMessage("resource.updated", b'{"key":"%s","rev":1,"value":1}' % key.encode(), str(position))
        )
    assert list(shelf.keys("mission/a")) == ["mission/a", "mission/a/item/x"]
    assert list(shelf.keys("mission", depth=2)) == ["mission/a", "mission/ab"]


def test_a_value_of_another_shape_is_a_clear_error() -> None:
    shelf = Shelf()
    shelf.begin(snapshot=False)
    shelf.feed(SseMessage("resource.updated", b'{"key":"mission/a","rev":1,"value":[1]}', "1"))
    with pytest.raises(SdkError, match="version"):
        shelf.value("mission/a", dict)


def updated(key: str, value: int, position: int | None = None) -> SseMessage:
    body = b'{"key":"%s","rev":%d,"value":%d}' % (key.encode(), value, value)
    return SseMessage("resource.updated", body, None if position is None else str(position))


def test_what_was_told_before_is_not_put_down_again() -> None:
    shelf = Shelf()
    shelf.begin(snapshot=False)
    shelf.feed(updated("mission/a", 2, 5))
    for repeated in (4, 5):
        shelf.feed(updated("mission/a", 1))
        assert shelf.feed(updated("mission/b", 1, repeated)) is None
    assert _held_numbers(shelf) == {"mission/a": 2}


def test_half_a_transaction_is_forgotten_when_the_stream_breaks() -> None:
    shelf = Shelf()
    shelf.begin(snapshot=False)
    shelf.feed(updated("mission/gone", 1))
    shelf.begin(snapshot=True)
    shelf.feed(updated("mission/a", 1))
    shelf.feed(SseMessage("ready", b'{"position":9}', "9"))
    assert _held_numbers(shelf) == {"mission/a": 1}


def _held_numbers(shelf: Shelf) -> dict[str, int | None]:
    return {key: shelf.value(key, int) for key in shelf.keys()}


def test_a_log_of_another_name_is_another_history_though_its_positions_fit() -> None:
    shelf = Shelf()
    shelf.begin(snapshot=True)
    shelf.feed(SseMessage("resource.updated", b'{"key":"project/a","rev":1,"value":1}', None))
    shelf.feed(SseMessage("ready", b'{"position":4,"log_id":"one"}', "4"))
    shelf.begin(snapshot=False)
    shelf.feed(SseMessage("ready", b'{"position":4,"log_id":"one"}', "4"))
    shelf.begin(snapshot=False)
    with pytest.raises(SdkError) as refused:
        shelf.feed(SseMessage("ready", b'{"position":4,"log_id":"two"}', "4"))
    assert (refused.value.code, shelf.value("project/a", int), shelf.position) == ("gap", 1, 4)
    shelf.begin(snapshot=True)
    batch = shelf.feed(SseMessage("ready", b'{"position":2,"log_id":"two"}', "2"))
    assert (batch is not None and batch.fresh, list(shelf.keys()), shelf.log_id) == (True, [], "two")
