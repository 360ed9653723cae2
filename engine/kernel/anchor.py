"""The head anchor: how far the log had come, kept in a file of its own beside it.

The hash chain tells that nothing inside the log was changed. That its end is still there, no file can tell of itself: a
single flipped bit in SQLite's write-ahead log makes everything after it disappear without a word. The anchor can. It is
written after the commits that it speaks of, never before, so it may be behind the log and never ahead.
"""

import asyncio
import logging
import os
from pathlib import Path
from typing import Final

import msgspec

from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.log import Anchor
from engine.kernel import failpoints
from engine.kernel.dispatch import Dispatch, Told
from engine.kernel.errors import Unavailable
from engine.kernel.log import Log

ANCHOR_FILE: Final = "log.anchor"
EVERY_S: Final = 1.0
_log = logging.getLogger(__name__)
reach = failpoints.points("anchor", "before_write", "new_synced", "renamed", "written")


class Keeper:
    """Keeps the anchor behind the log, by a second at most while something is written."""

    def __init__(self, folder: Path, dispatch: Dispatch) -> None:
        self._folder = folder
        self._dispatch = dispatch
        self._news = asyncio.Event()
        self._written = 0
        self._under_way: asyncio.Future[None] | None = None
        dispatch.listen(self._hear)

    def _hear(self, _told: Told) -> None:
        self._news.set()

    async def run(self) -> None:
        """Write the anchor as the log grows, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.write()
            await asyncio.sleep(EVERY_S)

    async def write(self) -> None:
        """Write where the log is now; a disk that is full costs the anchor its place and nobody their commit."""
        while self._under_way is not None and not self._under_way.done():
            # Somebody else's, or begun by somebody who was cancelled while the thread was not.
            await asyncio.wait([self._under_way])
        position = self._dispatch.head
        if position == self._written:
            return
        anchor = Anchor(position=position, hash=self._dispatch.hash.hex())
        self._under_way = asyncio.ensure_future(asyncio.to_thread(write, self._folder, anchor))
        try:
            await asyncio.shield(self._under_way)
        except OSError as error:
            _log.warning("the anchor stays at %s: %s", self._written, error)
        else:
            self._written = position


def read(folder: Path) -> Anchor | None:
    """Return the anchor of a state directory, None when it has none.

    Raises:
        Unavailable: the file is there and is no anchor.
    """
    file = folder / ANCHOR_FILE
    try:
        return decode(file.read_bytes(), Anchor)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"{file} is damaged ({error}); if 'cutroom log verify' finds the log sound, remove the file"
        ) from error


def write(folder: Path, anchor: Anchor) -> None:
    """Replace the anchor in one step; it is on disk when this returns."""
    temporary = folder / (ANCHOR_FILE + ".new")
    reach("before_write")
    with temporary.open("wb") as file:
        file.write(encode(anchor))
        file.flush()
        os.fsync(file.fileno())
    reach("new_synced")
    temporary.replace(folder / ANCHOR_FILE)
    reach("renamed")
    sync_folder(folder)
    reach("written")


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, not only what the files hold."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def check(folder: Path, log: Log) -> None:
    """Check that the log still holds what the anchor speaks of; done before anything is written after it.

    Raises:
        Unavailable: its end is lost, or it was changed.
    """
    anchor = read(folder)
    if anchor is None or anchor.position == 0:
        return
    if anchor.position < log.oldest:
        raise Unavailable(
            f"{folder / ANCHOR_FILE} speaks of {anchor.position}, and the log begins after {log.oldest}: one of the two is "
            "not of this log. If 'cutroom log verify' finds nothing else wrong, remove the file"
        )
    found = await log.hash_at(anchor.position)
    if found is None or found.hex() != anchor.hash:
        head, _ = await log.head()
        raise Unavailable(
            f"the log in {folder} ends at {head} and is not the one that had come to {anchor.position}: events are "
            "lost or changed. 'cutroom log verify' says where; 'cutroom restore BACKUP' goes back to a backup, and one "
            "that 'cutroom backup' makes now keeps what is left"
        )
