"""A finished film comes from the daemon to its place: written beside it, checked, then put there, its receipt and captions with it."""

import contextlib
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, Final, Protocol

from msgspec.structs import replace

from clients.cli import files
from clients.cli.options import CommandError
from cutroom_sdk.client import Client
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.problems import FAILED, UNAVAILABLE
from cutroom_sdk.wire.renders import Render

RECEIPT_SUFFIX: Final = ".receipt.json"
CHUNK: Final = 1 << 20
FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Sent(Protocol):
    """Content as it comes from the daemon."""

    def aiter_bytes(self, chunk_size: int | None = None, /) -> AsyncIterator[bytes]:
        """Yield it in blocks of so many bytes."""


async def deliver(client: Client, render: Render, target: Path, *, force: bool = False) -> Path:
    """Fetch a render's file and put it in place, its receipt and its captions first; return the receipt's path.

    Whatever ends this, there is either the whole file at `target` or what was there before.

    Args:
        client: who has it.
        render: completed.
        target: where the film goes; captions go beside it.
        force: captions replace what did not come from here.

    Raises:
        CommandError: captions would replace what did not come from here, the folder cannot be written, the disk is full, or what came is not what was rendered.
        SdkError: the daemon says no.
    """
    assert render.output is not None, "only what is completed is delivered"
    receipt = await client.render_receipt(render.render_id)
    sidecars = tuple(
        replace(one, path=str(target.with_name(one.beside(target.name)))) for one in receipt.sidecars
    )
    placed = replace(receipt, output=replace(receipt.output, path=str(target)), sidecars=sidecars)
    beside = target.with_name(target.name + RECEIPT_SUFFIX)
    files.check_captions(sidecars, target, force=force)
    with contextlib.ExitStack() as parts:
        # The receipt names what is put in place after it: the film last, which is what is looked for.
        file, put_receipt = parts.enter_context(_part(beside, render.render_id))
        file.write(encode(placed))
        put = [put_receipt]
        for number, one in enumerate(sidecars):
            text, put_text = parts.enter_context(_part(Path(one.path), render.render_id))
            await _fetch(client.render_captions(render.render_id, number), text, one.sha256)
            put.append(put_text)
        film, put_film = parts.enter_context(_part(target, render.render_id))
        await _fetch(client.render_content(render.render_id), film, render.output.sha256)
        for one_put in (*put, put_film):
            one_put()
    return beside


async def _fetch(opening: contextlib.AbstractAsyncContextManager[Sent], file: IO[bytes], sha256: str) -> None:
    """Write what the daemon sends, and make sure that it is what was rendered.

    Raises:
        CommandError: it is not.
    """
    found = hashlib.sha256()
    async with opening as response:
        async for block in response.aiter_bytes(CHUNK):
            found.update(block)
            file.write(block)
    if found.hexdigest() != sha256:
        raise CommandError("what the daemon sent is not the file that it rendered; render it anew", FAILED)


def put_bytes(target: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        CommandError: the folder cannot be written, or the disk is full.
    """
    with _part(target, hashlib.sha256(content).hexdigest()[:16]) as (file, put):
        file.write(content)
        put()


@contextlib.contextmanager
def _part(target: Path, render_id: str) -> Iterator[tuple[IO[bytes], Callable[[], None]]]:
    """Open a file beside `target`, and give what puts it in place, synced; otherwise it is gone afterwards.

    It is named after the render: what a killed command left is written over by the next one.
    """
    part = target.with_name(f".{target.name}.{render_id}.part")
    try:
        with part.open("wb") as file:

            def put() -> None:
                file.flush()
                os.fsync(file.fileno())
                part.replace(target)
                folder = os.open(target.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)

            yield file, put
    except OSError as error:
        if error.errno in FULL:
            raise CommandError(f"the disk is full: {target} was not written", UNAVAILABLE) from error
        raise CommandError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
