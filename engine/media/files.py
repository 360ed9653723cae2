"""Files that people name: beneath the media roots, regular, and still what they were."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cutroom_sdk.wire.media import Asset, FileGuard
from engine.kernel.blobs import Blobs
from engine.kernel.errors import Forbidden, Invalid, NotFound, Rejected


@dataclass(frozen=True)
class OpenFile:
    """A file that was checked. `path` is the real one; `held` names the open file itself, whatever `path` becomes."""

    path: Path
    descriptor: int
    guard: FileGuard

    @property
    def held(self) -> Path:
        """A path that leads to the very file that was checked, in this process."""
        return Path(f"/proc/self/fd/{self.descriptor}")

    def is_unchanged(self) -> bool:
        """Tell whether the file still is as it was when it was opened."""
        return guard_of(os.fstat(self.descriptor)) == self.guard


@contextmanager
def opened(path: str, roots: Sequence[Path]) -> Iterator[OpenFile]:
    """Open a regular file beneath one of `roots`; symlinks are followed, and what counts is where they lead.

    Raises:
        Invalid: not an absolute path, or no regular file.
        NotFound: nothing is there.
        Forbidden: `path_outside_roots`, or the file may not be read.
    """
    if not path.startswith("/") or "\0" in path:
        raise Invalid(f"{path[:200]!r} is not an absolute path", field="path")
    # Non-blocking: a FIFO or a device must be refused, not waited for.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    real = os.path.realpath(path)
    # Checked before it is opened, since opening a device can already do something, and after, by the file itself.
    check_beneath(Path(real), path, roots)
    try:
        if not stat.S_ISREG(os.stat(real).st_mode):
            raise Invalid(f"{path} is not a regular file", field="path")
        descriptor = os.open(real, flags)
    except FileNotFoundError:
        raise NotFound(f"{path} is not there", path=path) from None
    except (PermissionError, NotADirectoryError, OSError) as error:
        raise Forbidden(f"{path} cannot be read: {error.strerror}", path=path) from error
    try:
        status = os.fstat(descriptor)
        actual = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        check_beneath(actual, path, roots)
        if not stat.S_ISREG(status.st_mode):
            raise Invalid(f"{path} is not a regular file", field="path")
        yield OpenFile(path=actual, descriptor=descriptor, guard=guard_of(status))
    finally:
        os.close(descriptor)


def guard_of(status: os.stat_result) -> FileGuard:
    """Return what tells a file from a changed one."""
    return FileGuard(size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino)


def source_path(asset: Asset, blobs: Blobs) -> Path:
    """Return where an asset's file lies, if it still is what was registered.

    Raises:
        NotFound: the file is gone.
        Rejected: `asset_stale`: the file was changed.
    """
    if asset.blob is not None:
        if not blobs.has(asset.blob):
            raise NotFound(
                f"the content of {asset.name} is not among the blobs any more", asset_id=asset.asset_id
            )
        return blobs.path(asset.blob)
    assert asset.path is not None, "an asset is a path or a blob"
    path = Path(asset.path)
    try:
        status = os.stat(path)
    except OSError:
        raise NotFound(
            f"{asset.path} is gone; put it back, or register it where it is now", asset_id=asset.asset_id
        ) from None
    if guard_of(status) != asset.guard:
        raise Rejected(
            "asset_stale",
            f"{asset.path} was changed after it was registered; register it again",
            asset_id=asset.asset_id,
        )
    return path


def check_beneath(path: Path, named: str, roots: Sequence[Path]) -> None:
    """Check that a real path lies beneath a root; `named` is what it was called.

    Raises:
        Forbidden: `path_outside_roots`.
    """
    if not any(path.is_relative_to(root) for root in roots):
        places = ", ".join(str(root) for root in roots)
        raise Forbidden(
            f"{named} is outside the media roots ({places}); move it, add its folder to media_roots, or upload it",
            code="path_outside_roots",
            path=named,
        )
