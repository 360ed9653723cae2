"""Whatever happened, and wherever the log is cut: it is the same log, but for a past that nobody can ask for any more."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel import checkpoint, compactor, proof, replay
from engine.kernel.compaction import STREAM
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Compacted
from engine.kernel.kernel import Kernel
from tests.compaction_kit import KEEPER, check_sound, export, look, positions, streams_of, take_in
from tests.kernel_kit import ADA, running
from tests.property.test_fold import batches

Batches = list[list[tuple[list[Asked], Any]]]
cuts = st.lists(st.integers(0, 100), min_size=1, max_size=3)


async def _write(kernel: Kernel, given_: Batches) -> None:
    for batch in given_:
        together = [kernel.dispatch.propose_many(one, context) for one, context in batch]
        await asyncio.gather(*together, return_exceptions=True)


async def _check_beginning(kernel: Kernel) -> None:
    """Whatever asks for what lies before the beginning is told so."""
    oldest = kernel.log.oldest
    if oldest:
        for ask in (
            kernel.log.read(after=oldest - 1),
            kernel.resources.as_of("project/a", oldest - 1),
        ):
            with pytest.raises(Compacted):
                await ask


async def _cut(folder: Path, number: int, percent: int, streams: set[tuple[str, str]]) -> None:
    """Compact somewhere, and see that everything from there on is as it was: at once, after a restart, and elsewhere."""
    async with running(folder) as kernel:
        head = kernel.dispatch.head
        before = max(1, (head + 1) * percent // 100)
        whole = await look(kernel, kernel.log.oldest, head, streams)
        if before > 1:
            await kernel.reactions.seen(before - 1)
        told = await kernel.compactor.compact(before, KEEPER)
        assert told.position < before or told.events == 0
        after = kernel.log.oldest
        assert after == told.position
        expected = type(whole)(
            events=[event for event in whole.events if event.position > after],
            changes=[row for row in whole.changes if int(str(row[0])) > after],
            live=whole.live,
            states=whole.states,
            past={at: record for at, record in whole.past.items() if at[2] >= after},
        )
        assert await look(kernel, after, head, streams) == expected
        await check_sound(kernel.database, folder)
    async with running(folder) as kernel:
        assert await look(kernel, after, head, streams) == expected
        await _check_beginning(kernel)
        lines = await export(kernel.database)
        assert positions(lines) == list(range(after + 1, kernel.dispatch.head + 1))
        end = kernel.dispatch.hash
    other = folder / f"taken-in-{number}"
    await take_in(other, lines)
    async with running(other) as kernel:
        assert await look(kernel, after, head, streams) == expected
        assert (kernel.dispatch.hash, await export(kernel.database)) == (end, lines)


async def _live_through(folder: Path, given_: Batches, places: list[int]) -> None:
    streams: set[tuple[str, str]] = set()
    for number, percent in enumerate(places):
        async with running(folder) as kernel:
            await _write(kernel, given_[number :: len(places)])
            streams |= await streams_of(kernel, kernel.log.oldest)
        await _cut(folder, number, percent, streams)
    async with running(folder) as kernel:
        found = [event.type for event in await kernel.log.stream(ADA.partition, STREAM)]
        assert set(found) <= {"log.compacted"}
        await _write(kernel, given_)
        await check_sound(kernel.database, folder)


@settings(max_examples=max(settings().max_examples // 5, 10))
@given(batches, cuts, st.sampled_from([1, 2, 1000]))
def test_a_compacted_log_is_the_same_log(given_: Batches, places: list[int], page: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        for module in (checkpoint, proof, replay):
            patched.setattr(module, "PAGE", page)
        patched.setattr(compactor, "STEP", page)
        asyncio.run(_live_through(Path(folder), given_, places))
