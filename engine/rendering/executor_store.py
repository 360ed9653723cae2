"""Where files lie that all machines of a cluster see: a shared folder, or a bucket of an S3-compatible store.

    in/<first two digits>/<SHA-256>    what work reads, by its content
    out/<piece of work>/<number>       what work wrote, until it was fetched

Inputs are checked against their name when they are taken out: what lies elsewhere may have been changed there.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

from engine.kernel.blobs import hash_file
from engine.kernel.errors import Invalid, Unavailable, WorkFailed
from engine.rendering.executor import is_loopback

CHUNK: Final = 8 << 20


class Store(Protocol):
    """Files by key. All functions block: call them in a thread."""

    def has(self, key: str) -> bool:
        """Tell whether there is a file of this key."""

    def put(self, key: str, file: Path) -> None:
        """Lay a copy of a file there, whole or not at all."""

    def fetch(self, key: str, target: Path) -> None:
        """Write a file's content to `target`, which may be there already.

        Raises:
            Unavailable: it is not there, or the store cannot be reached.
        """

    def remove(self, key: str) -> None:
        """Be rid of a file, whether or not it is there."""


def store_of(place: str) -> Store:
    """Return the store at a place: a folder's absolute path, or `s3://bucket/prefix?endpoint=URL&region=NAME`.

    Raises:
        Invalid: it is neither, or an endpoint elsewhere without TLS.
        Unavailable: the folder is not there, or `obstore` is not installed.
    """
    if place.startswith("s3://"):
        return _Bucket(place)
    if not Path(place).is_absolute():
        raise Invalid(
            f"cluster_store is {place[:80]!r}; a folder's absolute path or s3://BUCKET/PREFIX is taken",
            field="cluster_store",
        )
    return _Folder(Path(place))


def input_key(sha256: str) -> str:
    """Return the key of what work reads."""
    return f"in/{sha256[:2]}/{sha256}"


def output_key(piece: str, number: int) -> str:
    """Return the key of what a piece of work wrote."""
    return f"out/{piece}/{number}"


def fetch_input(store: Store, sha256: str, folder: Path) -> Path:
    """Return a file of this machine with the content of this hash; what was fetched before is there.

    Raises:
        WorkFailed: what lies in the store has other content than its name says.
        Unavailable: it is not there.
    """
    target = folder / sha256
    if target.is_file():
        os.utime(target)  # when it was used last: what was not for long is removed first
        return target
    descriptor, name = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
    staged = Path(name)
    try:
        store.fetch(input_key(sha256), staged)
        if hash_file(staged) != sha256:
            raise WorkFailed(
                f"what the store holds as {sha256} has other content: remove it there", cause="error"
            )
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)
    return target


def trim(folder: Path, most_bytes: int, keep: frozenset[str]) -> None:
    """Remove the files that were used longest ago until those left take no more room than this; never those to keep."""
    files = sorted(
        (one.stat().st_mtime_ns, one.stat().st_size, one) for one in folder.iterdir() if one.is_file()
    )
    total = sum(size for _, size, _ in files)
    for _, size, file in files:
        if total <= most_bytes:
            return
        if file.name not in keep:
            file.unlink(missing_ok=True)
            total -= size


class _Folder:
    """A folder that all machines have mounted."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise Unavailable(f"the shared folder {root} is not there; is it mounted?", folder=str(root))
        self._root = root

    def has(self, key: str) -> bool:
        return (self._root / key).is_file()

    def put(self, key: str, file: Path) -> None:
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent)
        os.close(descriptor)
        try:
            shutil.copyfile(file, name)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)

    def fetch(self, key: str, target: Path) -> None:
        try:
            shutil.copyfile(self._root / key, target)
        except FileNotFoundError:
            raise Unavailable(f"{key} is not in the shared folder {self._root}", key=key) from None

    def remove(self, key: str) -> None:
        path = self._root / key
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it holds another file, or is gone
            path.parent.rmdir()


class _Bucket:
    """A bucket; credentials are those of the machine: `AWS_ACCESS_KEY_ID` and the like, never the daemon's settings."""

    def __init__(self, place: str) -> None:
        parts = urlsplit(place)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        endpoint = asked.get("endpoint", "")
        plain = endpoint.startswith("http://")
        if plain and not is_loopback(urlsplit(endpoint).hostname or ""):
            raise Invalid(
                f"the endpoint {endpoint[:80]!r} is another machine: it is spoken with under https only",
                field="cluster_store",
            )
        options: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
        if "region" in asked:
            options["region"] = asked["region"]
        try:
            from obstore.store import S3Store
        except ImportError:
            raise Unavailable(f"{place} needs obstore: install cutroom[cluster]") from None
        self._prefix = parts.path.strip("/")
        self._store = S3Store(parts.netloc, **options, client_options={"allow_http": plain})
        self._place = f"s3://{parts.netloc}/{self._prefix}"

    def has(self, key: str) -> bool:
        import obstore

        with self._told(key):
            try:
                obstore.head(self._store, self._key(key))
            except FileNotFoundError:
                return False
        return True

    def put(self, key: str, file: Path) -> None:
        import obstore

        with self._told(key):
            obstore.put(self._store, self._key(key), file)

    def fetch(self, key: str, target: Path) -> None:
        import obstore

        with self._told(key):
            try:
                answer = obstore.get(self._store, self._key(key))
            except FileNotFoundError:
                raise Unavailable(f"{key} is not in {self._place}", key=key) from None
            with target.open("wb") as file:
                for chunk in answer.stream(min_chunk_size=CHUNK):
                    file.write(chunk)

    def remove(self, key: str) -> None:
        import obstore

        with self._told(key), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, self._key(key))

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    @contextlib.contextmanager
    def _told(self, key: str) -> Any:
        """Have the store's own errors say which store it is."""
        from obstore.exceptions import BaseError

        try:
            yield
        except BaseError as error:
            raise Unavailable(
                f"{self._place} does not answer for {key}: {str(error)[:300]}", key=key
            ) from error
