"""How far the log had come is known beside it: an end that is lost is noticed before anything is written after it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.log import Anchor
from engine.kernel import anchor
from engine.kernel.anchor import ANCHOR_FILE
from engine.kernel.errors import Unavailable
from engine.kernel.kernel import DATABASE_NAME, Kernel
from tests.kernel_kit import ADA, Add, running


async def _some_work(folder: Path) -> Anchor:
    async with running(folder) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(1, 2, 3)), ADA)
        head = Anchor(position=kernel.dispatch.head, hash=kernel.dispatch.hash.hex())
    return head


def _change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME, isolation_level=None)) as connection:
        connection.execute(statement)


async def test_after_a_close_in_peace_the_anchor_is_at_the_head(tmp_path: Path) -> None:
    assert await _some_work(tmp_path) == anchor.read(tmp_path)


async def test_while_something_is_written_the_anchor_follows_and_is_never_ahead(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        for _ in range(3):
            await kernel.dispatch.propose("counter/a", Add(), ADA)
            await kernel.anchor.write()
            found = anchor.read(tmp_path)
            assert found is not None
            assert found.position == kernel.dispatch.head
            told = await kernel.log.hash_at(found.position)
            assert told is not None
            assert told.hex() == found.hash


async def test_those_who_have_it_written_at_once_do_not_get_in_each_others_way(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as kernel:
        for _ in range(5):
            await kernel.dispatch.propose("counter/a", Add(), ADA)
            await asyncio.gather(*(kernel.anchor.write() for _ in range(4)))
            found = anchor.read(tmp_path)
            assert found is not None
            assert found.position == kernel.dispatch.head
    assert not caplog.records


async def test_a_log_whose_end_is_lost_is_refused_with_what_to_do(tmp_path: Path) -> None:
    await _some_work(tmp_path)
    _change(tmp_path, "DELETE FROM events WHERE position = 3")
    with pytest.raises(Unavailable, match=r"had come to 3.*'cutroom log verify'.*'cutroom restore"):
        async with running(tmp_path):
            pass


async def test_another_log_under_the_same_name_is_refused(tmp_path: Path) -> None:
    head = await _some_work(tmp_path)
    anchor.write(tmp_path, replace(head, hash="00" * 32))
    with pytest.raises(Unavailable, match="lost or changed"):
        async with running(tmp_path):
            pass


async def test_an_anchor_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    await _some_work(tmp_path)
    (tmp_path / ANCHOR_FILE).write_bytes(b"{")
    with pytest.raises(Unavailable, match="damaged"):
        async with running(tmp_path):
            pass


async def test_a_log_without_an_anchor_gets_one(tmp_path: Path) -> None:
    await _some_work(tmp_path)
    (tmp_path / ANCHOR_FILE).unlink()
    head = await _some_work(tmp_path)
    assert anchor.read(tmp_path) == head


async def test_a_full_disk_costs_the_anchor_its_place_and_nobody_their_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    async with running(tmp_path) as kernel:
        monkeypatch.setattr(anchor, "write", full)
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        await kernel.anchor.write()
        assert await _total(kernel) == 1
        monkeypatch.undo()
    found = anchor.read(tmp_path)
    assert found is not None
    assert found.position == 1


async def _total(kernel: Kernel) -> int:
    state, _ = await kernel.dispatch.state("counter/a", ADA.partition)
    total: int = state.total
    return total
