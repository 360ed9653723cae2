"""A place in the log: woken at every commit, never behind for good, never told twice, never sent back."""

import asyncio
from pathlib import Path

import pytest

from engine.kernel import changes as changes_module
from engine.kernel import subscriptions as subscriptions_module
from engine.kernel.changes import Change
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from tests.kernel_kit import ADA, Add, put, running, write


async def follow(kernel: Kernel, after: int) -> list[Change]:
    """Read changes from `after` to the head, place by place."""
    found: list[Change] = []
    position = after
    while position < kernel.subscriptions.head:
        more, reached = await kernel.subscriptions.changes_after(position)
        assert reached > position
        assert all(position < change.position <= reached for change in more)
        found.extend(more)
        position = reached
    return found


def named(changes: list[Change]) -> list[tuple[int, str, int]]:
    return [(change.position, change.key, change.rev) for change in changes]


async def _history(kernel: Kernel) -> list[tuple[int, str, int]]:
    """Twenty transactions of one to three records, with events between that change nothing to be seen."""
    written = []
    for number in range(20):
        keys = [f"project/{number % 4}-{part}" for part in range(1 + number % 3)]
        accepted = await write(kernel, *(put(key, number) for key in keys))
        written += [(accepted.position, key, accepted.revs[key]) for key in keys]
        await kernel.dispatch.propose("counter/a", Add(by=(0,)), ADA)
    return written


@pytest.mark.parametrize("recent", [0, 1, 7, 1_000])
@pytest.mark.parametrize("page", [1, 2, 5, 500])
async def test_every_change_after_a_place_is_told_once_from_memory_or_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recent: int, page: int
) -> None:
    monkeypatch.setattr(subscriptions_module, "RECENT", recent)
    monkeypatch.setattr(subscriptions_module, "PAGE", page)
    async with running(tmp_path) as kernel:
        written = await _history(kernel)
        for after in range(kernel.subscriptions.head + 1):
            found = [entry for entry in named(await follow(kernel, after)) if entry[1].startswith("project")]
            assert found == [entry for entry in written if entry[0] > after]


async def test_after_a_restart_places_are_what_they_were(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        written = await _history(kernel)
    async with running(tmp_path) as kernel:
        found = [entry for entry in named(await follow(kernel, 7)) if entry[1].startswith("project")]
        assert found == [entry for entry in written if entry[0] > 7]


async def test_a_page_ends_by_bytes_too_and_never_within_a_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "RECENT", 0)
    monkeypatch.setattr(changes_module, "PAGE_BYTES", 2_500)
    async with running(tmp_path) as kernel:
        for _ in range(4):
            await write(kernel, *(put(f"project/{part}", "x" * 1_000) for part in range(4)))
        more, reached = await kernel.subscriptions.changes_after(0)
        assert (len(more), reached) == (4, 1)


async def test_memory_keeps_no_more_bytes_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "RECENT_BYTES", 10_000)
    async with running(tmp_path) as kernel:
        for number in range(50):
            await write(kernel, put("project/a", "x" * 1_000 + str(number)))
        assert 1 <= len(kernel.subscriptions._recent) < 10
        assert len(await follow(kernel, 0)) == 50


async def test_who_is_ahead_of_what_was_told_is_not_sent_back(tmp_path: Path) -> None:
    """A list read from the file may be of a commit that its subscribers have not heard of yet."""
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", 1))
        assert await kernel.subscriptions.changes_after(2) == ([], 2)
        assert await kernel.subscriptions.events_after(2) == ([], 2)


async def test_events_are_told_once_from_any_place_also_within_a_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "PAGE", 4)
    monkeypatch.setattr(subscriptions_module, "RECENT", 5)
    async with running(tmp_path) as kernel:
        for _ in range(10):
            await kernel.dispatch.propose("counter/a", Add(by=(1, 1, 1)), ADA)
        for after in range(30):
            position, seen = after, list[int]()
            while position < 30:
                found, position = await kernel.subscriptions.events_after(position)
                seen += [event.position for event in found]
            assert seen == list(range(after + 1, 31))


async def test_a_follower_waits_and_is_woken_by_every_commit(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        seen: list[Event] = []

        async def reader() -> None:
            async for event in kernel.subscriptions.follow_events(0):
                seen.append(event)
                if len(seen) == 30:
                    return

        following = asyncio.create_task(reader())
        for _ in range(30):
            await kernel.dispatch.propose("counter/a", Add(), ADA)
            await asyncio.sleep(0)
        await asyncio.wait_for(following, 5)
        assert [event.position for event in seen] == list(range(1, 31))


async def test_a_signal_taken_before_looking_is_set_by_what_comes_after(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        signal = kernel.subscriptions.signal
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert signal.is_set()
        assert not kernel.subscriptions.signal.is_set()
