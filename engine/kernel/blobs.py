"""Files by what is in them: media, renders, artifacts. A blob's name is the SHA-256 of its content.

A blob is written beside its place, synced, and renamed into it: it is there whole or not at all. Several threads may do so
at once, and what one finds done may not be on disk yet: whoever acknowledges a blob has synced its name and its folder's.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from engine.kernel import failpoints
from engine.kernel.anchor import sync_folder
from engine.kernel.room import full_is_told

CHUNK = 1 << 20
reach = failpoints.points("blobs", "staged", "synced", "renamed", "in_place")


class Blobs:
    """The content-addressed files under one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / "staging"
        self._named: set[str] = set()  # subfolders whose own names this process has seen to disk
        if not self._staging.exists():
            self._staging.mkdir(parents=True)
            sync_folder(root.parent)
            sync_folder(root)

    def path(self, sha256: str) -> Path:
        """Return where the blob lies or would lie."""
        return self._root / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether the blob is there."""
        return self.path(sha256).is_file()

    def read(self, sha256: str) -> bytes:
        """Return the whole content.

        Raises:
            FileNotFoundError: there is no such blob.
        """
        return self.path(sha256).read_bytes()

    def put(self, content: bytes) -> str:
        """Keep `content` and return its SHA-256.

        Raises:
            Unavailable: `insufficient_storage`.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        if self.has(sha256):
            self._settle(self.path(sha256))
        else:
            with self.staged() as (file, staged):
                file.write(content)
                file.flush()
                self.adopt(staged, sha256=sha256)
        return sha256

    @contextlib.contextmanager
    def staged(self) -> Iterator[tuple[IO[bytes], Path]]:
        """Open a new file (`r+b`) on the blobs' file system; what is not adopted is gone afterwards.

        Raises:
            Unavailable: `insufficient_storage`: what the block writes does not fit on the disk.
        """
        with full_is_told("a file of the engine's own"):
            descriptor, name = tempfile.mkstemp(dir=self._staging)
            try:
                with os.fdopen(descriptor, "r+b") as file:
                    yield file, Path(name)
            finally:
                Path(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def reserved(self) -> Iterator[Path]:
        """Yield a new, empty file on the blobs' file system, for others to open; what is not adopted is gone afterwards.

        Work that waits for its turn so holds no descriptor: a process has few of them, and thousands may wait.

        Raises:
            Unavailable: as `staged`.
        """
        with full_is_told("a file of the engine's own"):
            descriptor, name = tempfile.mkstemp(dir=self._staging)
            os.close(descriptor)
            try:
                yield Path(name)
            finally:
                Path(name).unlink(missing_ok=True)

    def adopt(self, file: Path, *, sha256: str | None = None) -> str:
        """Move a staged file to its place and return its SHA-256, which is computed unless it is given."""
        reach("staged")
        sha256 = sha256 or hash_file(file)
        target = self.path(sha256)
        target.parent.mkdir(exist_ok=True)
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        reach("synced")
        file.replace(target)
        reach("renamed")
        self._settle(target)
        reach("in_place")
        return sha256

    def _settle(self, target: Path) -> None:
        """Have a blob's name on disk, and that of the folder it is in, whoever made them."""
        folder = target.parent
        sync_folder(folder)
        if folder.name not in self._named:
            sync_folder(self._root)
            self._named.add(folder.name)

    def remove(self, sha256: str) -> None:
        """Be rid of a blob, durably, whether or not it is there; for what nothing refers to any more."""
        path = self.path(sha256)
        if path.exists():
            path.unlink()
            sync_folder(path.parent)

    def clear_staging(self) -> int:
        """Remove what a crash left half written; return how many files that were."""
        left = list(self._staging.iterdir())
        for file in left:
            file.unlink()
        return len(left)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
