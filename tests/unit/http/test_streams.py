"""Streams over a real socket: list and watch without a gap, resumable, in groups, and nobody held up by anybody."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.resources import Operation
from engine.http import sse
from engine.kernel import subscriptions
from tests.http_kit import Border, Watch, revs, served
from tests.kernel_kit import ADA, ELSEWHERE, Add, put, write

EVENTS = "/v1/resources/events"


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    async with served(tmp_path) as opened:
        yield opened


def ready(border: Border, position: int) -> dict[str, Any]:
    return {"position": position, "log_id": border.kernel.log.id}


async def test_the_first_frame_says_where_the_stream_begins(border: Border) -> None:
    await write(border.kernel, put("project/a", 1))
    async with Watch(border, EVENTS) as watch:
        assert watch.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert watch.response.headers["cache-control"] == "no-store"
        assert await watch.take(1) == [("ready", ready(border, 1), "1")]


async def test_changes_are_told_as_they_happen(border: Border) -> None:
    async with Watch(border, EVENTS) as watch:
        await watch.take(1)
        await write(border.kernel, put("project/a", {"n": 1}))
        await write(border.kernel, Operation(op="delete", key="project/a"))
        (updated, value, first), (deleted, tombstone, second) = await watch.take(2)
        assert (updated, first, deleted, second) == ("resource.updated", "1", "resource.deleted", "2")
        at_ms = value.pop("updated_at_ms")
        assert value == {"key": "project/a", "rev": 1, "value": {"n": 1}, "updated_by": "ada"}
        assert tombstone.pop("updated_at_ms") >= at_ms
        assert tombstone == {"key": "project/a", "rev": 2, "updated_by": "ada"}


async def test_a_snapshot_comes_first_then_ready_then_what_happens(border: Border) -> None:
    await write(border.kernel, put("project/b", 1), put("project/a", 1), put("team/x", 1))
    await write(border.kernel, put("project/c", 1))
    await write(border.kernel, Operation(op="delete", key="project/c"))
    async with Watch(border, f"{EVENTS}?snapshot=1&prefix=project") as watch:
        found = await watch.take(3)
        assert revs(found) == [("resource.updated", "project/a", 1), ("resource.updated", "project/b", 1)]
        assert [position for _, _, position in found] == [None, None, "3"]
        assert found[-1][0] == "ready"
        await write(border.kernel, put("project/a", 2))
        assert revs(await watch.take(1)) == [("resource.updated", "project/a", 2)]


async def test_a_snapshot_under_load_misses_nothing_and_tells_nothing_twice(border: Border) -> None:
    writes = 100

    async def load() -> None:
        for number in range(writes):
            await write(border.kernel, put(f"project/{number % 7}", number))

    async def replica() -> dict[str, int]:
        """Follow from a snapshot to the end; every rev must be the next one of its key."""
        seen: dict[str, int] = {}
        ready = False
        async with Watch(border, f"{EVENTS}?snapshot=1") as watch:
            while sum(seen.values()) < writes:
                ((event, data, _),) = await watch.take(1)
                if event == "ready":
                    ready = True
                elif event == "resource.updated":
                    assert not ready or data["rev"] == seen.get(data["key"], 0) + 1
                    seen[data["key"]] = data["rev"]
        return seen

    async def late(turns: int) -> dict[str, int]:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await replica()

    loading = asyncio.create_task(load())
    replicas = await asyncio.gather(*(late(turns * 60) for turns in range(5)))
    await loading
    assert all(found == replicas[0] for found in replicas)


async def test_a_stream_goes_on_after_the_position_given(border: Border) -> None:
    for number in range(5):
        await write(border.kernel, put("project/a", number))
    async with Watch(border, f"{EVENTS}?after=3") as watch:
        found = await watch.take(3)
        assert found[0] == ("ready", ready(border, 3), "3")
        assert revs(found) == [("resource.updated", "project/a", 4), ("resource.updated", "project/a", 5)]


async def test_last_event_id_wins_over_after_and_over_snapshot(border: Border) -> None:
    """A browser repeats its address when it comes back, with the header beside it."""
    for number in range(5):
        await write(border.kernel, put("project/a", number))
    headers = {"Last-Event-ID": "4"}
    async with Watch(border, f"{EVENTS}?after=1&snapshot=1", **headers) as watch:
        found = await watch.take(2)
        assert [(event, position) for event, _, position in found] == [
            ("ready", "4"),
            ("resource.updated", "5"),
        ]


@pytest.mark.parametrize("path", [EVENTS, "/v1/log/events"])
async def test_a_position_beyond_the_head_is_of_another_log(border: Border, path: str) -> None:
    await write(border.kernel, put("project/a", 1))
    for watch in (Watch(border, f"{path}?after=2"), Watch(border, path, **{"Last-Event-ID": "2"})):
        async with watch:
            told = watch.response.json()
            assert (watch.response.status_code, told["code"], told["head"]) == (409, "position_ahead", 1)
    async with Watch(border, f"{path}?after=1") as at_the_head:
        assert at_the_head.response.status_code == 200


@pytest.mark.parametrize("text", ["-1", "x", "1.0", "", "9" * 30])
async def test_a_position_that_is_none_is_a_mistake(border: Border, text: str) -> None:
    async with Watch(border, EVENTS, **{"Last-Event-ID": text}) as watch:
        assert (watch.response.status_code, watch.response.json()["field"]) == (400, "Last-Event-ID")


async def test_changes_of_a_transaction_share_one_id_on_the_last_that_is_seen(border: Border) -> None:
    async with Watch(border, f"{EVENTS}?prefix=project") as watch:
        await watch.take(1)
        await write(
            border.kernel, put("project/a", 1), put("team/x", 1), put("project/b", 1), put("team/y", 1)
        )
        await write(border.kernel, put("project/a", 2))
        found = await watch.take(3)
        assert [(data["key"], position) for _, data, position in found] == [
            ("project/a", None),
            ("project/b", "1"),
            ("project/a", "2"),
        ]


async def test_several_prefixes_are_followed_in_one_stream(border: Border) -> None:
    await write(border.kernel, put("project/a", 1), put("project/ab", 1), put("team/a", 1), put("team/b", 1))
    async with Watch(border, f"{EVENTS}?snapshot=1&prefix=project/a&prefix=team/b") as watch:
        assert revs(await watch.take(3)) == [
            ("resource.updated", "project/a", 1),
            ("resource.updated", "team/b", 1),
        ]
        await write(border.kernel, put("team/a", 2), put("project/a/b", 2))
        await write(border.kernel, put("team/b", 2))
        assert revs(await watch.take(2)) == [
            ("resource.updated", "project/a/b", 1),
            ("resource.updated", "team/b", 2),
        ]


async def test_a_prefix_is_of_whole_segments(border: Border) -> None:
    async with Watch(border, f"{EVENTS}?prefix=project/a") as watch:
        await watch.take(1)
        await write(
            border.kernel, *(put(key, 1) for key in ("project/ab", "project/a/b", "project/a-b", "project/a"))
        )
        assert [data["key"] for _, data, _ in await watch.take(2)] == ["project/a/b", "project/a"]


async def test_a_stream_tells_only_what_its_reader_may_see(border: Border) -> None:
    async with Watch(border, EVENTS, name="reader") as reader, Watch(border, EVENTS, name="eve") as eve:
        await reader.take(1)
        await eve.take(1)
        await border.kernel.dispatch.propose("counter/a", Add(), ADA)  # needs `counters:read`
        await write(border.kernel, put("project/a", 1))
        assert revs(await reader.take(1)) == [("resource.updated", "project/a", 1)]
        border.kernel.progress.report("acme/prod", "run/r", 1, 2)
        assert (await eve.take(1))[0][0] == "progress"  # nothing of the other tenant came before it


async def test_a_bookmark_moves_on_who_sees_nothing(border: Border, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "BOOKMARK_S", 0.05)
    async with Watch(border, f"{EVENTS}?prefix=team") as watch:
        await watch.take(1)
        await write(border.kernel, put("project/a", 1))
        await write(border.kernel, put("project/a", 2))
        found = await watch.until(2)
        assert {event for event, _, _ in found} == {"bookmark"}
        assert found[-1] == ("bookmark", {"position": 2}, "2")


async def test_steady_progress_does_not_keep_the_bookmark_away(
    border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "BOOKMARK_S", 0.1)
    async with Watch(border, EVENTS) as watch:
        await watch.take(1)
        for number in range(2_000):
            border.kernel.progress.report("local/dev", "run/r", number, 2_000)
            ((event, _, _),) = await watch.take(1)
            if event == "bookmark":
                break
        assert event == "bookmark"


async def test_progress_is_told_without_an_id_and_the_latest_is_in_the_snapshot(border: Border) -> None:
    for done in (1, 2, 3):
        border.kernel.progress.report("local/dev", "run/r", done, 4, "cutting")
    border.kernel.progress.report("local/dev", "run/gone", 1, 4)
    border.kernel.progress.clear("local/dev", "run/gone")
    body: dict[str, Any] = {"key": "run/r", "done": 3, "total": 4, "eta_s": None, "note": "cutting"}
    async with Watch(border, f"{EVENTS}?snapshot=1") as watch:
        assert await watch.take(2) == [("progress", body, None), ("ready", ready(border, 0), "0")]
        border.kernel.progress.report("local/dev", "run/r", 4, 4)
        ((event, told, position),) = await watch.take(1)
        assert (event, told["done"], position) == ("progress", 4, None)
    async with Watch(border, f"{EVENTS}?prefix=render") as other:
        await other.take(1)
        border.kernel.progress.report("local/dev", "run/r", 4, 4)
        border.kernel.progress.report("local/dev", "render/x", 1, 2)
        assert (await other.take(1))[0][1]["key"] == "render/x"
    assert border.kernel.dispatch.head == 0


async def test_a_reader_that_does_not_read_holds_up_nobody_and_misses_nothing(
    border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped by its socket, far behind what memory keeps; then it reads on, and everything is there."""
    monkeypatch.setattr(subscriptions, "RECENT_BYTES", 1 << 20)
    size, count = 200_000, 50  # more than the sockets of a machine take in
    host, port = border.url.removeprefix("http://").split(":")
    loop, parts = asyncio.get_running_loop(), list[bytes]()
    with socket.create_connection((host, int(port))) as lazy:
        lazy.setblocking(False)
        request = f"GET {EVENTS}?after=0 HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer token-of-ada\r\n\r\n"
        await loop.sock_sendall(lazy, request.encode())
        async with Watch(border, EVENTS) as lively:
            await lively.take(1)
            for number in range(count):
                await write(border.kernel, put("project/a", "x" * size))
                assert revs(await lively.take(1)) == [("resource.updated", "project/a", number + 1)]
        async with asyncio.timeout(20):
            while b"id: %d\n" % count not in b"".join(parts[-2:]):
                parts.append(await loop.sock_recv(lazy, 1 << 20))
    received = b"".join(parts)
    positions = [received.find(b'"rev":%d,' % rev) for rev in range(1, count + 1)]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert received.count(b"event: resource.updated") == count


async def test_streams_end_when_the_daemon_closes(border: Border) -> None:
    async with Watch(border, EVENTS) as one, Watch(border, "/v1/log/events") as other:
        await one.take(1)
        await other.take(1)
        border.app.state.closing.set()
        for watch in (one, other):
            with pytest.raises(StopAsyncIteration):  # a whole answer, not a broken connection
                await watch.next()


async def test_more_streams_than_allowed_are_told_to_come_back(
    border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "STREAMS_MAX", 2)
    async with Watch(border, EVENTS) as one, Watch(border, "/v1/log/events") as two:
        await one.take(1)
        await two.take(1)
        async with Watch(border, EVENTS) as three:
            assert (three.response.status_code, three.response.json()["code"]) == (503, "unavailable")
            assert three.response.headers["retry-after"] == "1"
    status = 503
    async with asyncio.timeout(10):
        while status == 503:  # until the server has seen that they went
            async with Watch(border, EVENTS) as again:
                status = again.response.status_code
    assert status == 200


async def test_asking_for_the_head_of_a_stream_opens_none(border: Border) -> None:
    async with border.asks() as client:
        answer = await client.head(EVENTS)
        assert (answer.status_code, answer.content) == (200, b"")
    assert border.app.state.streams == 0


async def test_a_mistake_in_a_stream_is_logged_and_ends_it(
    border: Border, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_position: int) -> Any:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(border.kernel.subscriptions, "recent_after", fails)
    async with Watch(border, EVENTS) as watch:
        await watch.take(1)
        with pytest.raises(StopAsyncIteration):
            await watch.next()
    assert "a stream ended" in caplog.text


async def test_the_log_streams_events_by_stream_and_type(border: Border) -> None:
    await border.kernel.dispatch.propose("counter/a", Add(by=(1,)), ADA)
    async with (
        Watch(border, "/v1/log/events?after=0") as everything,
        Watch(border, "/v1/log/events?stream=counter/b") as one_stream,
        Watch(border, "/v1/log/events?type=resources") as one_type,
    ):
        for watch in (everything, one_stream, one_type):
            assert (await watch.take(1))[0][0] == "ready"
        await border.kernel.dispatch.propose("counter/b", Add(by=(2, 3)), ADA)
        await write(border.kernel, put("project/a", 1))
        found = await everything.until(4)
        assert [(event, position) for event, _, position in found] == [
            ("counter.added", "1"),
            ("counter.added", "2"),
            ("counter.added", "3"),
            ("resources.changed", "4"),
        ]
        assert found[0][1]["data"] == {"type": "counter.added", "by": 1}
        assert [data["version"] for _, data, _ in await one_stream.take(2)] == [1, 2]
        assert (await one_type.take(1))[0][1]["position"] == 4


async def test_the_log_streams_nothing_of_another_tenant(border: Border) -> None:
    async with Watch(border, "/v1/log/events", name="eve") as eve:
        await eve.take(1)
        await border.kernel.dispatch.propose("counter/a", Add(by=(1,)), ADA)
        own = await border.kernel.dispatch.propose("counter/a", Add(by=(1,)), ELSEWHERE)
        (_, told, _), *_ = await eve.take(1)
        assert (told["partition"], told["position"]) == (ELSEWHERE.partition, own.position)


async def test_the_log_streams_only_what_its_reader_may_see(border: Border) -> None:
    async with Watch(border, "/v1/log/events", name="auditor") as watch:
        await watch.take(1)
        await border.kernel.dispatch.propose("counter/a", Add(by=(1,)), ADA)
        await border.kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        assert (await watch.take(1))[0][0] == "command.enqueued"
    async with Watch(border, "/v1/log/events", name="reader") as refused:
        assert refused.response.status_code == 403
