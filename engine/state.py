"""The state directory's lock: whoever holds it has the files to itself."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.kernel.errors import Conflict

LOCK_FILE: Final = "daemon.lock"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the state directory: one process at a time, and the lock goes with the process whatever ends it.

    Raises:
        Conflict: `daemon_running`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(
                f"a daemon is running for {folder} already; use it, stop it, or name another --state-dir",
                expected=0,
                actual=1,
                code="daemon_running",
            ) from error
        yield
