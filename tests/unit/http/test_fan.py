"""Many streams are told in one go: each all that is for it, once, in order, whatever its neighbours do."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.http import fan as fan_module
from engine.http.fan import Fan, Group
from engine.http.sse import ResourceStream
from tests.http_kit import Border, Watch, served
from tests.kernel_kit import put, write

EVENTS = "/v1/resources/events"


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    async with served(tmp_path) as opened:
        yield opened


async def _watches(stack: AsyncExitStack, border: Border, paths: list[str], name: str = "ada") -> list[Watch]:
    watches = [await stack.enter_async_context(Watch(border, path, name=name)) for path in paths]
    for watch in watches:
        await watch.take(1)
    return watches


async def test_streams_that_rest_are_told_without_waking_their_tasks(
    border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[ResourceStream] = []
    monkeypatch.setattr(ResourceStream, "wake", woken.append)
    async with AsyncExitStack() as stack:
        watches = await _watches(stack, border, [EVENTS] * 5)
        for number in range(20):
            await write(border.kernel, put("project/a", number))
            for watch in watches:
                assert [data["value"] for _, data, _ in await watch.take(1)] == [number]
    assert woken == []


async def test_what_is_new_is_filtered_and_framed_once_for_a_group(
    border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    framed: list[Group] = []
    original = Group.framed

    def noted(group: Group, changes: Any) -> bytes:
        framed.append(group)
        return original(group, changes)

    async with AsyncExitStack() as stack:
        watches = await _watches(stack, border, [EVENTS] * 4 + [f"{EVENTS}?prefix=team"] * 4)
        monkeypatch.setattr(Group, "framed", noted)
        await write(border.kernel, put("team/a", 1))
        for watch in watches:
            await watch.take(1)
        assert len(framed) == len(set(framed)) == 2


@pytest.mark.parametrize("slice_", [1, 3, 250])
async def test_under_load_every_stream_gets_what_is_for_it_once_and_in_order(
    border: Border, monkeypatch: pytest.MonkeyPatch, slice_: int
) -> None:
    monkeypatch.setattr(fan_module, "SLICE", slice_)
    writes = 60

    async def load(kind: str) -> None:
        for number in range(writes):
            await write(border.kernel, put(f"{kind}/a", number))

    async def follow(watch: Watch, kinds: int) -> None:
        seen: dict[str, int] = {}
        for _ in range(writes * kinds):
            ((_, data, _),) = await watch.take(1)
            assert data["value"] == seen.get(data["key"], -1) + 1
            seen[data["key"]] = data["value"]

    async with AsyncExitStack() as stack:
        all_, some = [EVENTS] * 4, [f"{EVENTS}?prefix=team/a"] * 4
        watches = await _watches(stack, border, all_ + some)
        follows = [follow(watch, 2 if at < 4 else 1) for at, watch in enumerate(watches)]
        await asyncio.gather(load("project"), load("team"), *follows)


async def test_streams_of_other_partitions_and_rights_are_other_groups(border: Border) -> None:
    async with AsyncExitStack() as stack:
        (ada,) = await _watches(stack, border, [EVENTS])
        (eve,) = await _watches(stack, border, [EVENTS], "eve")
        (reader,) = await _watches(stack, border, [EVENTS], "reader")
        fan: Fan = border.app.state.fan
        assert len(fan._groups) == 3
        await write(border.kernel, put("project/a", 1))
        await ada.take(1)
        await reader.take(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await eve.next()


async def test_a_group_goes_with_its_last_stream(border: Border) -> None:
    async with AsyncExitStack() as stack:
        await _watches(stack, border, [EVENTS] * 2)
        assert len(border.app.state.fan._groups) == 1
    async with asyncio.timeout(5):
        while border.app.state.streams or len(border.app.state.fan._groups):
            await border.kernel.log.head()  # a round to another thread, while the server notices
    assert border.app.state.fan._resting == {}


async def test_a_token_that_is_over_ends_its_streams_at_the_next_news_and_they_hear_nothing_of_it(
    border: Border,
) -> None:
    async with AsyncExitStack() as stack:
        (watch,) = await _watches(stack, border, [EVENTS])
        border.app.state.still_valid = lambda _: False
        await write(border.kernel, put("project/a", 1))
        with pytest.raises(StopAsyncIteration):
            await watch.next()


async def test_a_mistake_in_a_push_is_logged_and_costs_nobody_anything(
    border: Border, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original, calls = ResourceStream.pushed, list[int]()

    def fails_once(stream: ResourceStream) -> bool:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("a mistake")
        return original(stream)

    monkeypatch.setattr(ResourceStream, "pushed", fails_once)
    async with AsyncExitStack() as stack:
        watches = await _watches(stack, border, [EVENTS] * 3)
        with caplog.at_level(logging.ERROR):
            for number in range(2):
                await write(border.kernel, put("project/a", number))
                for watch in watches:
                    assert [data["value"] for _, data, _ in await watch.take(1)] == [number]
    assert "a push to a stream failed" in caplog.text
