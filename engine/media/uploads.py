"""Files that come in pieces, over connections that break: an offset says how much is here for certain.

The pieces lie in one file for each upload, synced before a piece is acknowledged. How far it is synced stands in a file beside
it: after a power cut a file may be longer than what was written, and zeros at its end would be taken for footage. A
finished upload is read, moved among the blobs and registered; what was cut off by a crash in between starts again from 0.
What turns out to be no media is thrown away at once, and what nobody went on with for a day at the next start.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.media import Upload
from engine.kernel import failpoints
from engine.kernel.anchor import sync_folder
from engine.kernel.blobs import hash_file
from engine.kernel.context import Context, engine_context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import (
    Conflict,
    Invalid,
    LimitExceeded,
    NotFound,
    Rejected,
    StudioError,
    Unavailable,
)
from engine.kernel.ids import new_id
from engine.kernel.kernel import Kernel
from engine.kernel.room import full_is_told, write_all
from engine.media.reducer import Begin, Cancel, Finish
from engine.media.registering import Place, Registrar, Taken, clean_name

UPLOAD_MAX: Final = 1 << 40
SPARE_BYTES: Final = 256 << 20  # left free on the disk whatever is uploaded
PIECE: Final = 1 << 20
KEPT_MS: Final = 24 * 3600 * 1000  # an unfinished upload, from its last piece on
_log = logging.getLogger(__name__)
reach = failpoints.points(
    "uploads",
    "file_made",
    "begun",
    "piece_written",
    "piece_synced",
    "read",
    "adopted",
    "recorded",
    "canceled",
)


class Uploads:
    """The uploads of one daemon. One piece at a time is written to each."""

    def __init__(self, kernel: Kernel, registrar: Registrar, folder: Path) -> None:
        self._kernel, self._registrar, self._folder = kernel, registrar, folder
        self._busy: set[str] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def begin(self, name: str, size: int, context: Context) -> Upload:
        """Make place for a file of `size` bytes.

        Raises:
            Invalid: `media_unreadable`: no bytes; or more than a tebibyte.
            Unavailable: `insufficient_storage`.
        """
        if size == 0:
            raise Invalid(f"{clean_name(name)}: the file is empty (0 bytes)", code="media_unreadable")
        if not 0 < size <= UPLOAD_MAX:
            raise Invalid(f"bytes is {size}; 1 to {UPLOAD_MAX} is taken", field="bytes")
        free = shutil.disk_usage(self._folder).free
        if size + SPARE_BYTES > free:
            raise Unavailable(
                f"the upload needs {size} bytes and {SPARE_BYTES} must stay free, but {free} are",
                code="insufficient_storage",
            )
        upload_id = new_id(self._kernel.clock.now_ms())
        self._file(upload_id).touch(mode=0o600)
        self._mark(upload_id).touch(mode=0o600)
        await asyncio.to_thread(sync_folder, self._folder)
        reach("file_made")
        begin = Begin(name=clean_name(name), bytes=size)
        accepted = await self._kernel.dispatch.propose(f"upload/{upload_id}", begin, context)
        reach("begun")
        upload: Upload = accepted.state.upload
        return upload

    async def find(self, upload_id: str, context: Context) -> Upload:
        """Return an upload.

        Raises:
            NotFound: there is none of this id.
        """
        key = f"upload/{upload_id}"
        found = await self._kernel.resources.value(key, Upload, context.partition)
        if found is None:
            raise NotFound(f"there is no upload {upload_id}", upload_id=upload_id)
        return found

    def offset(self, upload: Upload) -> int:
        """Return how many bytes are here for certain."""
        if upload.state == "finished":
            return upload.bytes
        file = self._file(upload.upload_id)
        try:
            marked, size = int(self._mark(upload.upload_id).read_bytes()), file.stat().st_size
        except (FileNotFoundError, ValueError):
            return 0  # nothing has come yet, or one of the two is gone: the client sends it all again
        return min(marked, size)

    async def append(self, upload: Upload, offset: int, pieces: AsyncIterator[bytes]) -> int:
        """Add bytes at `offset`; return the new offset. What came before a connection broke is kept.

        Raises:
            Rejected: `upload_over`: it is finished or canceled.
            Conflict: `offset` is not where the upload stands, or somebody else is writing to it.
            LimitExceeded: more came than was announced; what fits is kept.
            Unavailable: `insufficient_storage`: the disk is full; what fits is kept.
        """
        if upload.state != "open":
            raise Rejected("upload_over", f"the upload {upload.upload_id} is {upload.state}, not open")
        here = self.offset(upload)
        if offset != here or upload.upload_id in self._busy:
            raise Conflict(
                f"the upload {upload.upload_id} stands at {here}; ask with HEAD and go on from there",
                expected=offset,
                actual=here,
            )
        self._busy.add(upload.upload_id)
        self._mark(upload.upload_id).touch(mode=0o600)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._file(upload.upload_id), flags, 0o600)
        writing: asyncio.Future[None] | None = None
        try:
            os.ftruncate(descriptor, here)  # whatever lies after it was acknowledged to nobody
            async for piece in gathered(pieces, PIECE):
                fits = piece[: upload.bytes - here]
                with full_is_told(f"the rest of the upload {upload.upload_id}"):
                    writing = asyncio.ensure_future(asyncio.to_thread(write_all, descriptor, fits, here))
                    await asyncio.shield(writing)
                here += len(fits)
                reach("piece_written")
                if len(fits) < len(piece):
                    raise LimitExceeded(f"more came than the {upload.bytes} bytes that were announced")
        finally:
            # To its end also where the request is given up: until then nobody else may write.
            settling = asyncio.ensure_future(self._end(upload.upload_id, descriptor, writing))
            settling.add_done_callback(lambda _: self._busy.discard(upload.upload_id))
            with full_is_told(f"the rest of the upload {upload.upload_id}"):
                await asyncio.shield(settling)
        reach("piece_synced")
        return here

    async def _end(self, upload_id: str, descriptor: int, writing: "asyncio.Future[None] | None") -> None:
        if writing is not None:
            await asyncio.wait([writing])  # the file is not closed under a thread that writes to it
        await asyncio.to_thread(self._settle, upload_id, descriptor)

    def _settle(self, upload_id: str, descriptor: int) -> None:
        """Have what has come on disk, then say how much that is, and close the file."""
        try:
            os.fsync(descriptor)
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        try:
            mark = os.open(self._mark(upload_id), os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # canceled meanwhile
        try:
            os.pwrite(mark, b"%020d" % size, 0)  # of one length and in one block: there is no half of it
            os.fsync(mark)
        finally:
            os.close(mark)

    async def finish(self, upload_id: str, name: str | None, context: Context) -> Taken:
        """Register what was uploaded.

        Raises:
            Rejected: `upload_incomplete` or `upload_over`.
            Invalid: `media_unreadable`; the upload is thrown away.
        """
        upload = await self.find(upload_id, context)
        if upload.state == "finished" and upload.asset_id is not None:
            return await self._registrar.check(upload.asset_id, context)
        if upload.state != "open":
            raise Rejected("upload_over", f"the upload {upload_id} is {upload.state}")
        file, here = self._file(upload_id), self.offset(upload)
        if here != upload.bytes:
            raise Rejected(
                "upload_incomplete", f"{here} of {upload.bytes} bytes have come; send the rest first"
            )
        sha256 = await asyncio.to_thread(hash_file, file)
        try:
            asset, index = await self._registrar.read(file, sha256, clean_name(name or upload.name), context)
        except Invalid as error:
            if error.code == "media_unreadable":
                await self.cancel(upload_id, context)
            raise
        reach("read")
        # Moved before it is recorded: an asset whose content is nowhere must not be on record.
        await asyncio.to_thread(self._kernel.blobs.adopt, file, sha256=sha256)
        reach("adopted")
        done = Asked(f"upload/{upload_id}", Finish(asset_id=asset.asset_id))
        recorded = await self._registrar.record(asset, Place(blob=sha256), index, context, done)
        self._mark(upload_id).unlink(missing_ok=True)
        reach("recorded")
        return Taken(asset=recorded, reused=index is None)

    async def cancel(self, upload_id: str, context: Context) -> Upload:
        """Throw an upload away.

        Raises:
            Rejected: `upload_over`: it is finished.
            NotFound: there is none of this id.
        """
        await self.find(upload_id, context)
        accepted = await self._kernel.dispatch.propose(f"upload/{upload_id}", Cancel(), context)
        reach("canceled")
        self._file(upload_id).unlink(missing_ok=True)
        self._mark(upload_id).unlink(missing_ok=True)
        canceled: Upload = accepted.state.upload
        return canceled

    async def clear(self) -> int:
        """Throw away what nobody went on with for a day, and files that no open upload has; return how many that were.

        To be called before pieces come in. What the log does not take now is left to the next start.
        """
        before_s = (self._kernel.clock.now_ms() - KEPT_MS) / 1000
        going_on = set[str]()
        for partition, record in await self._kernel.resources.everything("upload"):
            upload = decode(record.value, Upload)
            if upload.state != "open":
                continue
            file = self._file(upload.upload_id)
            if not file.exists() or file.stat().st_mtime <= before_s:
                context = engine_context("media", partition=partition)
                try:
                    await self._kernel.dispatch.propose(f"upload/{upload.upload_id}", Cancel(), context)
                    continue
                except StudioError as error:
                    _log.warning("the upload %s is not cleared: %s", upload.upload_id, error.detail)
            going_on.add(upload.upload_id)
        over = [file for file in self._folder.iterdir() if file.stem not in going_on]
        for file in over:
            file.unlink()
        return len({file.stem for file in over})

    def _file(self, upload_id: str) -> Path:
        assert upload_id.isalnum(), "ids are made here"
        return self._folder / upload_id

    def _mark(self, upload_id: str) -> Path:
        return self._file(upload_id).with_suffix(".synced")


async def gathered(pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Join small pieces into ones of at least `size` bytes; the last may be smaller."""
    joined = bytearray()
    async for piece in pieces:
        joined += piece
        if len(joined) >= size:
            yield bytes(joined)
            joined.clear()
    if joined:
        yield bytes(joined)
