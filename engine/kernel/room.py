"""Room on the disk, looked at before a commit is begun.

SQLite itself says no cleanly when a write does not fit. But a disk that is full to its last block also stops what is no
commit: the index of the write-ahead log cannot grow, which counts as an error of the disk, and nothing can be folded into
the database any more. So some is kept free for that.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.kernel.clock import monotonic_s
from engine.kernel.errors import Unavailable

SPARE_BYTES: Final = 16 << 20  # two write-ahead logs at the size at which they are folded in
LOOK_S: Final = 0.25
FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Room:
    """How much is free where `folder` lies. Asked four times a second at most, and each time while it is too little."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._good_until_s = 0.0

    def check(self) -> None:
        """Let a commit begin.

        Raises:
            Unavailable: `insufficient_storage`: fewer than `SPARE_BYTES` are free.
        """
        now_s = monotonic_s()
        if now_s < self._good_until_s:
            return
        found = os.statvfs(self._folder)
        free = found.f_bavail * found.f_frsize
        if free < SPARE_BYTES:
            raise Unavailable(
                f"the disk is full: {free} bytes are free and {SPARE_BYTES} must be; free some space",
                code="insufficient_storage",
                needed=SPARE_BYTES,
                free=free,
            )
        self._good_until_s = now_s + LOOK_S


@contextlib.contextmanager
def full_is_told(what: str) -> Iterator[None]:
    """Have a file of the block's that does not fit on the disk told as such.

    Raises:
        Unavailable: `insufficient_storage`; says that `what` was not written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise Unavailable(f"the disk is full: {what} was not written", code="insufficient_storage") from error


def write_all(descriptor: int, content: bytes, offset: int) -> None:
    """Write all of `content` at `offset`; the system may take less at once, as it does when the disk is nearly full.

    Raises:
        OSError: it cannot be written; a part of it may have been.
    """
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written
