import os
from pathlib import Path

import pytest

from cutroom_sdk.discovery import find, read_endpoint, read_token, state_dir
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.status import Endpoint

PID_MAX = 1 << 22  # of Linux; no process has a greater id


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUTROOM_HOME", "CUTROOM_URL", "CUTROOM_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def publish(folder: Path, pid: int) -> None:
    endpoint = Endpoint(url="http://127.0.0.1:1", pid=pid, started_at_ms=1, version="0")
    (folder / "endpoint.json").write_bytes(encode(endpoint))
    (folder / "operator.token").write_text("secret\n")


def test_the_folder_is_as_given_else_from_the_environment_else_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert state_dir() == tmp_path / "data" / "cutroom"
    monkeypatch.setenv("CUTROOM_HOME", str(tmp_path / "home"))
    assert state_dir() == tmp_path / "home"
    assert state_dir(tmp_path / "given") == tmp_path / "given"


def test_a_running_daemon_is_found_with_its_token(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    publish(tmp_path, os.getpid())
    address = find(tmp_path)
    assert address is not None
    assert (address.url, address.token) == ("http://127.0.0.1:1", "secret")


def test_what_a_killed_daemon_left_behind_is_no_daemon(tmp_path: Path) -> None:
    publish(tmp_path, PID_MAX + 1)
    assert read_endpoint(tmp_path) is None
    (tmp_path / "endpoint.json").write_bytes(b"{half")
    assert read_endpoint(tmp_path) is None


def test_the_environment_names_another_daemon_and_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, os.getpid())
    monkeypatch.setenv("CUTROOM_URL", "http://127.0.0.1:2/")
    monkeypatch.setenv("CUTROOM_TOKEN", "other")
    address = find(tmp_path)
    assert address is not None
    assert (address.url, address.token) == ("http://127.0.0.1:2", "other")
    assert read_token(tmp_path) == "other"
