"""Where work is done is said in settings; another machine is spoken with under TLS or not at all; stores keep files whole."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from engine.kernel.errors import Invalid, NotFound, Unavailable, WorkFailed
from engine.rendering.executor import ClusterSettings, cluster_settings
from engine.rendering.executor_dask import Cluster
from engine.rendering.executor_store import fetch_input, input_key, store_of, trim
from engine.rendering.work import MuxDone

PAPERS = {"tls_ca": "ca.pem", "tls_cert": "me.pem", "tls_key": "me.key"}


def test_local_means_no_cluster() -> None:
    assert cluster_settings("local", "") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]"])
def test_this_machine_may_be_spoken_with_in_the_clear(host: str) -> None:
    found = cluster_settings(f"dask://{host}:8786", "/srv")
    assert found is not None
    assert found.address == f"tcp://{host}:8786"


def test_with_papers_it_is_tls_everywhere() -> None:
    for host in ("render.lan", "127.0.0.1", "[fd00::1]"):
        found = cluster_settings(f"dask://{host}:8786", "/srv", **PAPERS)
        assert found is not None
        assert found.address == f"tls://{host}:8786"


@pytest.mark.parametrize(
    ("executor", "store", "papers", "said"),
    [
        ("dask://render.lan:8786", "/srv", {}, "under TLS only"),
        ("dask://10.0.0.2:8786", "/srv", {}, "under TLS only"),
        ("dask://localhost.evil.example:8786", "/srv", {}, "under TLS only"),
        ("dask://127.0.0.1:8786", "/srv", {"tls_ca": "ca.pem"}, "all three"),
        ("dask://127.0.0.1:8786", "", {}, "cluster_store"),
        ("dask://127.0.0.1", "/srv", {}, "HOST:PORT"),
        ("dask://127.0.0.1:99999", "/srv", {}, "HOST:PORT"),
        ("tcp://127.0.0.1:8786", "/srv", {}, "HOST:PORT"),
        ("cloud", "/srv", {}, "HOST:PORT"),
    ],
)
def test_what_cannot_be_or_must_not_be_is_refused(
    executor: str, store: str, papers: dict[str, str], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        cluster_settings(executor, store, **papers)


def kept(folder: Path, content: bytes) -> tuple[Path, str]:
    file = folder / "file"
    file.write_bytes(content)
    return file, hashlib.sha256(content).hexdigest()


def test_a_folder_gives_back_what_was_laid_there(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "cache").mkdir()
    store = store_of(str(tmp_path / "shared"))
    file, sha256 = kept(tmp_path, b"pictures")
    assert not store.has(input_key(sha256))
    store.put(input_key(sha256), file)
    assert store.has(input_key(sha256))
    assert fetch_input(store, sha256, tmp_path / "cache").read_bytes() == b"pictures"
    store.remove(input_key(sha256))
    store.remove(input_key(sha256))
    # What was fetched once is there without the store.
    assert fetch_input(store, sha256, tmp_path / "cache").read_bytes() == b"pictures"
    with pytest.raises(Unavailable, match="is not in the shared folder"):
        fetch_input(store, "0" * 64, tmp_path / "cache")


def test_content_that_was_changed_in_the_store_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "cache").mkdir()
    store = store_of(str(tmp_path / "shared"))
    file, sha256 = kept(tmp_path, b"pictures")
    store.put(input_key(sha256), file)
    (tmp_path / "shared" / input_key(sha256)).write_bytes(b"others")
    with pytest.raises(WorkFailed, match="has other content"):
        fetch_input(store, sha256, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_was_not_used_for_long_makes_room_but_for_what_is_in_use(tmp_path: Path) -> None:
    for age, name in enumerate(("c", "b", "a")):
        (tmp_path / name).write_bytes(b"x" * 100)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(10 - age, 10 - age))
    trim(tmp_path, 150, frozenset({"a"}))
    assert {one.name for one in tmp_path.iterdir()} == {"a"}


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("shared", "absolute path"),
        ("s3://films/x?endpoint=http://minio.example:9000", "https only"),
    ],
)
def test_a_store_that_must_not_be_is_refused(place: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        store_of(place)


def test_a_folder_that_is_not_mounted_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is it mounted"):
        store_of(str(tmp_path / "none"))


async def test_without_the_extra_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    far = Cluster(ClusterSettings(address="tcp://127.0.0.1:1", store=str(tmp_path)))
    with pytest.raises(Unavailable, match=r"install cutroom\[cluster\]"):
        await far.run("engine.rendering.worker:join", MuxDone(bytes=0), MuxDone)
    with pytest.raises(Unavailable, match=r"install cutroom\[cluster\]"):
        store_of("s3://films")


def test_an_input_that_is_not_there_or_no_file_is_named(tmp_path: Path) -> None:
    far = Cluster(ClusterSettings(address="tcp://127.0.0.1:1", store=str(tmp_path)))
    with pytest.raises(NotFound, match="gone"):
        far._hash(tmp_path / "gone")
    with pytest.raises(Invalid, match="regular file"):
        far._hash(tmp_path)
