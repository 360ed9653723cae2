# Made by `just specs` from cutroom_sdk/uploads.py; change that one.
"""Sending footage to a daemon that may not read it where it lies: in chunks, going on where a broken one ended."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.sync.client import Client
from cutroom_sdk.wire.media import Asset

CHUNK_BYTES: Final = 8 << 20
TRIES: Final = 5
ID_DIGITS: Final = 32  # of the content's SHA-256, see `wire.media.Asset`
NOT_FOUND_STATUS: Final = 404

Report = Callable[[int, int], None]


def upload(
    client: Client,
    path: Path,
    *,
    report: Report | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Asset:
    """Send a file and have it registered. `report(bytes_sent, bytes_in_all)` is called after each chunk.

    A chunk whose connection broke is not sent again blindly: the daemon is asked how much it has.

    Raises:
        Unreachable: the connection broke five times in a row.
        SdkError: the daemon's own, such as `insufficient_storage` or `media_unreadable`.
    """
    found = path.stat()
    size = found.st_size
    begun = client.begin_upload(path.name, size)
    offset, failures = 0, 0
    while offset < size:
        try:
            offset = _send_chunk(client, begun.upload_id, path, offset)
            failures = 0
        except SdkError as error:
            failures += 1
            if failures == TRIES or not _worth_asking(error):
                raise
            sleep(0.2 * failures)
            offset = client.upload_offset(begun.upload_id)
        if report:
            report(offset, size)
    return client.register_upload(begun.upload_id, name=path.name)


def find_known(client: Client, path: Path) -> Asset | None:
    """Return the asset that a file's content is already, whose file is where it was; None: it has to be sent."""
    sha256 = _sha256(path)
    try:
        asset = client.asset(sha256[:ID_DIGITS])
    except SdkError as error:
        if error.status == NOT_FOUND_STATUS:
            return None
        raise
    return asset if asset.state == "ready" else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _worth_asking(error: SdkError) -> bool:
    """A broken connection, or an offset that is not the daemon's: it knows how much has come."""
    return isinstance(error, Unreachable) or error.code == "version_conflict"


def _send_chunk(client: Client, upload_id: str, path: Path, offset: int) -> int:
    chunk = _read_at(path, offset)
    if not chunk:
        raise SdkError("invalid_request", f"{path.name} became shorter while it was uploaded")
    return client.send_chunk(upload_id, offset, chunk)


def _read_at(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(CHUNK_BYTES)
