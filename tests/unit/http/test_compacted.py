"""What lies before the log's beginning is 410 `compacted`, wherever it is asked for; what lies after it is answered."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from engine.kernel.changes import Change
from tests.http_kit import Border, Watch, revs, served
from tests.kernel_kit import ADA, Add, put, write

EVENTS = "/v1/resources/events"
COMPACT = "/v1/log/compact"


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    """A log of five events that begins after the third."""
    async with served(tmp_path) as opened:
        for number in range(3):
            await write(opened.kernel, put("project/a", number))
        await write(opened.kernel, put("project/b", 1))
        async with opened.asks() as ada:
            told = (await ada.post(COMPACT, json={"before": 4})).json()
        assert (told["position"], told["events"], told["held_by"]) == (3, 3, None)
        yield opened


def _is_compacted(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"], answer.json()["oldest"]) == (410, "compacted", 3)


@pytest.mark.parametrize(
    "path",
    [
        f"{EVENTS}?after=2",
        "/v1/log/events?after=0",
        "/v1/log?after=2",
        "/v1/log?cursor=0",
        "/v1/log/export?after=1",
    ],
)
async def test_a_position_before_the_beginning_is_refused(border: Border, path: str) -> None:
    async with border.asks() as ada:
        assert _is_compacted(await ada.get(path))


async def test_a_stream_that_is_resumed_from_before_the_beginning_is_refused(border: Border) -> None:
    async with Watch(border, EVENTS, **{"Last-Event-ID": "2"}) as watch:
        assert _is_compacted(watch.response)
    async with Watch(border, f"{EVENTS}?after=3") as watch:
        assert revs((await watch.take(2))[1:]) == [("resource.updated", "project/b", 1)]


async def test_the_past_is_answered_from_the_beginning_on(border: Border) -> None:
    async with border.asks() as ada:
        assert _is_compacted(await ada.get("/v1/resources/project/a?at=2"))
        assert (await ada.get("/v1/resources/project/a?at=3")).json()["rev"] == 3
        assert (await ada.get("/v1/resources/project/b?at=3")).status_code == 404


async def test_the_log_is_read_from_where_it_begins(border: Border) -> None:
    async with border.asks() as ada:
        items = (await ada.get("/v1/log")).json()["items"]
        assert [(event["position"], event["type"]) for event in items] == [
            (4, "resources.changed"),
            (5, "log.compacted"),
        ]
        assert items[1]["actor"] == "ada"
        assert len((await ada.get("/v1/log/export")).content.splitlines()) == 1 + 1 + 1 + 2


async def test_what_is_to_go_is_said_one_way_and_only_by_the_keeper_of_the_log(border: Border) -> None:
    async with border.asks() as ada, border.asks("auditor") as auditor, border.asks("eve") as eve:
        for asked in ({}, {"before": 1, "before_at_ms": 1}, {"before": 0}, {"after": 1}):
            assert (await ada.post(COMPACT, json=asked)).status_code == 400
        assert (await ada.post(COMPACT, json={"before": 99})).json()["code"] == "position_ahead"
        assert (await auditor.post(COMPACT, json={"before": 1})).status_code == 403
        assert (await eve.post(COMPACT, json={"before": 1})).status_code == 403
        nothing = (await ada.post(COMPACT, json={"before_at_ms": 0})).json()
        assert (nothing["position"], nothing["events"]) == (3, 0)


async def test_a_reader_that_falls_behind_the_beginning_is_sent_away_and_told_when_it_comes_back(
    border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Watch(border, f"{EVENTS}?after=3") as watch:
        await watch.take(2)
        # It reads nothing for a while: what it has not seen is neither in memory nor in the log when it goes on.
        subscriptions, go_on = border.kernel.subscriptions, asyncio.Event()
        read = subscriptions.changes_after

        async def late(position: int) -> tuple[Sequence[Change], int]:
            await go_on.wait()
            return await read(position)

        monkeypatch.setattr("engine.kernel.subscriptions.RECENT", 0)
        monkeypatch.setattr(subscriptions, "changes_after", late)
        await border.kernel.dispatch.propose("counter/a", Add(), ADA)
        head = border.kernel.dispatch.head
        await border.kernel.compactor.compact(head + 1, ADA)
        go_on.set()
        with pytest.raises(StopAsyncIteration):
            await watch.next()
    async with border.asks() as ada:
        assert (await ada.get(f"{EVENTS}?after=4")).json()["oldest"] == head
