"""Blobs are there whole or not at all, under the hash of what is in them."""

import hashlib
import itertools
import os
from pathlib import Path

import pytest

from engine.kernel import blobs
from engine.kernel.blobs import Blobs, hash_file


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_blob_is_found_under_its_hash(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    sha256 = blobs.put(b"footage")
    assert sha256 == hashlib.sha256(b"footage").hexdigest() == hash_file(blobs.path(sha256))
    assert blobs.has(sha256)
    assert blobs.read(sha256) == b"footage"


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert blobs.put(b"footage") == blobs.put(b"footage")
    assert len(_files(tmp_path)) == 1


def test_what_was_never_put_is_not_there(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert not blobs.has("0" * 64)
    with pytest.raises(FileNotFoundError):
        blobs.read("0" * 64)


def test_what_is_staged_and_not_adopted_is_gone(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with blobs.staged() as (file, path):
        file.write(b"half")
        assert path.exists()

    def fails() -> None:
        with blobs.staged() as (file, _):
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert _files(tmp_path) == []


def test_a_reserved_file_costs_no_descriptor_and_is_gone_unless_adopted(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    with blobs.reserved() as path, blobs.reserved() as other:
        assert len(os.listdir("/proc/self/fd")) == before
        path.write_bytes(b"segment")
        other.write_bytes(b"half")
        sha256 = blobs.adopt(path)
    assert _files(tmp_path) == [blobs.path(sha256)]


def test_an_adopted_file_is_moved_and_hashed(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with blobs.staged() as (file, path):
        file.write(b"render")
        file.flush()
        sha256 = blobs.adopt(path)
    assert blobs.read(sha256) == b"render"
    assert _files(tmp_path) == [blobs.path(sha256)]


def test_a_write_that_fails_leaves_no_blob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = Blobs(tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        blobs.put(b"footage")
    assert _files(tmp_path) == []


def test_the_content_is_synced_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut a name must never stand over content that did not reach the disk."""
    blobs, order = Blobs(tmp_path), list[str]()
    replace = Path.replace

    def replaced(self: Path, target: Path) -> Path:
        order.append("name")
        return replace(self, target)

    monkeypatch.setattr("os.fsync", lambda _: order.append("sync"))
    monkeypatch.setattr(Path, "replace", replaced)
    blobs.put(b"footage")
    assert order == ["sync", "name", "sync", "sync"]  # the content; then its folder, and where that lies


def test_a_start_clears_what_a_crash_left_half_written(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    kept = blobs.put(b"whole")
    (tmp_path / "staging" / "left").write_bytes(b"half")
    assert Blobs(tmp_path).clear_staging() == 1
    assert _files(tmp_path) == [blobs.path(kept)]


def _in_one_folder(count: int) -> list[bytes]:
    """Contents whose blobs share a subfolder."""
    contents = (str(number).encode() for number in itertools.count())
    return list(
        itertools.islice((one for one in contents if hashlib.sha256(one).hexdigest()[:2] == "00"), count)
    )


@pytest.mark.parametrize("same", [False, True])
def test_a_blob_is_not_acknowledged_before_another_threads_names_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    """The first thread has made the subfolder and its blob, and is held up where it syncs their names."""
    first, second = _in_one_folder(2)
    second = first if same else second
    store = Blobs(tmp_path)
    synced: list[Path] = []
    held = iter([True])

    def sync(folder: Path) -> None:
        if next(held, False):
            store.put(second)
            assert {store.path(hashlib.sha256(second).hexdigest()).parent, tmp_path} <= set(synced)
        synced.append(folder)

    monkeypatch.setattr(blobs, "sync_folder", sync)
    store.put(first)
    assert set(synced) == {tmp_path, tmp_path / "00"}
