"""Watched folders: a file that is finished fires its routine, once for its content.

Finished is what has neither changed its size nor its time for a while, by the clock; the content is hashed then, and the
file must still be the same afterwards. What was seen is in the log, in the same commit as the run that it begins.
"""

import asyncio
import fnmatch
import logging
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cutroom_sdk.wire.routines import Watch
from engine.kernel.blobs import hash_file
from engine.kernel.context import engine_context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import StudioError
from engine.kernel.kernel import Kernel
from engine.routines.definitions import check_folder
from engine.routines.reducer_watch import Mark, See, Watched
from engine.routines.scheduler import Name, Scheduler
from engine.routines.types import Trip

LOOK_S: Final = 2.0
FILES_MAX: Final = 10_000  # in one folder; the first by name
UNFINISHED: Final = (
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".opdownload",
    ".filepart",
    ".aria2",
    ".tmp",
    ".temp",
    ".swp",
    "~",
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Still:
    """A file that has been like this since then."""

    mark: Mark
    since_ms: int


class Watcher:
    """Looks into the folders of active routines."""

    def __init__(self, kernel: Kernel, scheduler: Scheduler, roots: Sequence[Path]) -> None:
        self._kernel, self._scheduler, self._roots = kernel, scheduler, roots
        self._still: dict[Name, dict[str, _Still]] = {}
        self._said: dict[Name, str] = {}

    async def run(self) -> None:
        """Look every two seconds, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Look once into every folder, and fire what is finished."""
        watched = dict(self._scheduler.watched)
        for gone in self._still.keys() - watched.keys():
            del self._still[gone]
        for name, watch in watched.items():
            try:
                await self._look_into(name, watch)
                self._said.pop(name, None)
            except (StudioError, OSError) as error:
                # Said once: a folder that is not there is looked for every two seconds.
                if self._said.get(name) != str(error):
                    _log.warning("the folder of %s cannot be watched: %s", name[1], error)
                self._said[name] = str(error)

    async def _look_into(self, name: Name, watch: Watch) -> None:
        partition, routine_id = name
        found = await asyncio.to_thread(scan, watch, self._roots)
        state: Watched = (await self._kernel.dispatch.state(f"watch/{routine_id}", partition))[0]
        now_ms, before = self._kernel.clock.now_ms(), self._still.get(name, {})
        still = self._still[name] = {}
        for path, mark in found.items():
            if state.files.get(path) == mark:
                continue
            one = before.get(path)
            # A clock that was set back counts anew.
            if one is None or one.mark != mark or one.since_ms > now_ms:
                one = _Still(mark, now_ms)
            still[path] = one
            if now_ms - one.since_ms >= watch.stable_ms:
                await self._finished(name, path, mark)

    async def _finished(self, name: Name, path: str, mark: Mark) -> None:
        partition, routine_id = name
        try:
            sha256 = await asyncio.to_thread(hash_file, Path(path))
            if await asyncio.to_thread(mark_of, path) != mark:
                return  # written to after all; it is looked at again
        except OSError as error:
            _log.warning("%s cannot be read: %s", path, error)
            return
        stream = f"watch/{routine_id}"
        state, version = await self._kernel.dispatch.state(stream, partition)
        asked = [Asked(stream, See(path=path, sha256=sha256, mark=mark), version)]
        if sha256 not in state.seen:
            asked.append(Asked(f"routine/{routine_id}", Trip(trigger="watch", file=path)))
        await self._kernel.dispatch.propose_many(asked, engine_context("routines", partition=partition))


def scan(watch: Watch, roots: Sequence[Path]) -> dict[str, Mark]:
    """Return the files of a folder that may be finished, by real path, sorted by name.

    Raises:
        Forbidden: the folder is, by now, outside the media roots.
        OSError: it cannot be read.
    """
    folder, found = check_folder(watch, roots), dict[str, Mark]()
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if _wanted(entry.name, watch.pattern))
    for name in names[:FILES_MAX]:
        real = (folder / name).resolve()
        # A link may lead out of the roots, or to what is unfinished under its own name.
        if not any(real.is_relative_to(root) for root in roots) or not _wanted(real.name, "*"):
            continue
        mark = mark_of(str(real))
        if mark is not None and mark.size > 0:
            found[str(real)] = mark
    return found


def mark_of(path: str) -> Mark | None:
    """Return what a file is like, None when it is gone or no regular file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Mark(size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino)


def _wanted(name: str, pattern: str) -> bool:
    unfinished = name.startswith((".", "~")) or name.lower().endswith(UNFINISHED)
    return not unfinished and fnmatch.fnmatchcase(name.lower(), pattern.lower())
