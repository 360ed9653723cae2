"""The state directory: whose it is, and where its daemon can be found."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cutroom_sdk.discovery import ENDPOINT_FILE
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.status import Endpoint
from engine.kernel import failpoints
from engine.kernel.errors import Conflict

LOCK_FILE: Final = "daemon.lock"
reach = failpoints.points("daemon", "endpoint_written", "endpoint_removed")


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


@contextlib.contextmanager
def published(folder: Path, endpoint: Endpoint) -> Iterator[None]:
    """Say in the state directory where the daemon is, for as long as the block lasts; there whole or not at all."""
    file = folder / ENDPOINT_FILE
    temporary = file.with_suffix(".new")
    with temporary.open("wb") as new:
        new.write(encode(endpoint))
        new.flush()
        os.fsync(new.fileno())
    reach("endpoint_written")
    temporary.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        reach("endpoint_removed")
