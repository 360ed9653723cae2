"""Watched folders: a file that is finished fires once, whatever happens to it before and after."""

import os
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.routines import Watch, WatchedFolder
from engine.kernel.errors import Forbidden
from engine.routines import types as t
from tests.kernel_kit import FakeClock
from tests.missions_kit import FakeTool
from tests.routines_kit import NOON, Studio, studio


async def _watching(play: Studio, folder: Path, **more: Any) -> None:
    watch = Watch(folder=str(folder), stable_ms=10_000)
    await play.active(schedule=None, watch=watch, args={"text": "$file"}, **more)


async def _looks(play: Studio, *, seconds: int = 20) -> None:
    """Look every five seconds, by the clock that is turned."""
    for _ in range(seconds // 5 + 1):
        await play.routines.watcher.look()
        play.clock.at_ms += 5_000


def _seen(work: FakeTool) -> list[str]:
    return [Path(given.text).name for given, _ in work.seen]


async def test_a_finished_file_begins_a_mission_with_its_path(tmp_path: Path) -> None:
    work, folder = FakeTool("work"), tmp_path / "in"
    folder.mkdir()
    async with studio(tmp_path / "state", work, roots=(tmp_path,)) as play:
        await _watching(play, folder)
        (folder / "a.mp4").write_bytes(b"whole")
        await _looks(play)
        (run,) = await play.runs("completed")
        assert (run.trigger, run.file) == ("watch", str(folder / "a.mp4"))
        assert _seen(work) == ["a.mp4"]
        found = await play.kernel.resources.value("watch/r1", WatchedFolder)
        assert found is not None
        assert (found.files, found.last_path) == (1, str(folder / "a.mp4"))


async def test_a_file_that_still_grows_is_not_finished(tmp_path: Path) -> None:
    work, folder = FakeTool("work"), tmp_path / "in"
    folder.mkdir()
    async with studio(tmp_path / "state", work, roots=(tmp_path,)) as play:
        await _watching(play, folder)
        for part in range(6):
            with (folder / "a.mp4").open("ab") as file:
                file.write(b"part%d" % part)
            await _looks(play, seconds=5)
        await play.runs(count=0)
        await _looks(play)
        await play.runs("completed")
        assert _seen(work) == ["a.mp4"]


async def test_the_same_content_fires_once_however_it_is_named_and_written(tmp_path: Path) -> None:
    work, folder = FakeTool("work"), tmp_path / "in"
    folder.mkdir()
    async with studio(tmp_path / "state", work, roots=(tmp_path,)) as play:
        await _watching(play, folder)
        (folder / "a.mp4").write_bytes(b"one")
        await _looks(play)
        (folder / "a.mp4").write_bytes(b"one")
        (folder / "copy.mp4").write_bytes(b"one")
        os.utime(folder / "a.mp4", ns=(1, 1))
        await _looks(play)
        (folder / "b.mp4").write_bytes(b"two")
        await _looks(play)
        await play.runs("completed", count=2)
        assert _seen(work) == ["a.mp4", "b.mp4"]


async def test_what_is_unfinished_by_name_hidden_empty_or_outside_is_left_alone(tmp_path: Path) -> None:
    work, folder, outside = FakeTool("work"), tmp_path / "roots" / "in", tmp_path / "outside.mp4"
    folder.mkdir(parents=True)
    outside.write_bytes(b"secret")
    async with studio(tmp_path / "state", work, roots=(tmp_path / "roots",)) as play:
        await _watching(play, folder)
        for name in ("a.mp4.part", "b.crdownload", ".c.mp4", "~d.mp4", "e.mp4~", "f.TMP"):
            (folder / name).write_bytes(name.encode())
        (folder / "empty.mp4").touch()
        (folder / "link.mp4").symlink_to(outside)
        (folder / "folder.mp4").mkdir()
        await _looks(play, seconds=30)
        await play.runs(count=0)
        (folder / "a.mp4.part").rename(folder / "a.mp4")
        await _looks(play)
        await play.runs("completed")
        assert _seen(work) == ["a.mp4"]


async def test_a_restart_fires_nothing_again_and_misses_nothing(tmp_path: Path) -> None:
    folder, clock = tmp_path / "in", FakeClock(NOON)
    folder.mkdir()
    async with studio(tmp_path / "state", FakeTool("work"), clock=clock, roots=(tmp_path,)) as play:
        await _watching(play, folder)
        (folder / "a.mp4").write_bytes(b"one")
        await _looks(play)
        await play.runs("completed")
    (folder / "b.mp4").write_bytes(b"two")
    work = FakeTool("work")
    async with studio(tmp_path / "state", work, clock=clock, roots=(tmp_path,)) as play:
        await _looks(play)
        await play.runs("completed", count=2)
        assert _seen(work) == ["b.mp4"]


async def test_a_file_that_came_during_a_pause_waits_for_its_end(tmp_path: Path) -> None:
    work, folder = FakeTool("work"), tmp_path / "in"
    folder.mkdir()
    async with studio(tmp_path / "state", work, roots=(tmp_path,)) as play:
        await _watching(play, folder)
        await play.tell(t.Pause())
        (folder / "a.mp4").write_bytes(b"one")
        await _looks(play)
        await play.runs(count=0)
        await play.tell(t.Resume(capabilities=("media:write",)))
        await _looks(play)
        await play.runs("completed")
        assert _seen(work) == ["a.mp4"]


async def test_only_folders_beneath_the_media_roots_are_watched(tmp_path: Path) -> None:
    async with studio(tmp_path / "state", FakeTool("work"), roots=(tmp_path / "roots",)) as play:
        with pytest.raises(Forbidden) as refused:
            await _watching(play, tmp_path / "roots" / ".." / "else")
        assert refused.value.code == "path_outside_roots"


async def test_a_folder_that_is_not_there_yet_is_looked_for_again(tmp_path: Path) -> None:
    work, folder = FakeTool("work"), tmp_path / "later"
    async with studio(tmp_path / "state", work, roots=(tmp_path,)) as play:
        await _watching(play, folder)
        await _looks(play)
        folder.mkdir()
        (folder / "a.mp4").write_bytes(b"one")
        await _looks(play)
        await play.runs("completed")
        assert _seen(work) == ["a.mp4"]
