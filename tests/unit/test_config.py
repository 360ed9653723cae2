"""Settings: a file, then the environment, then flags; a mistake is named with its place."""

from pathlib import Path

import pytest

from engine.config import FILE, Settings, load
from engine.kernel.errors import Invalid


def _file(folder: Path, text: str) -> None:
    (folder / FILE).write_text(text)


def test_without_any_settings_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path, {}, {}) == Settings()


def test_flags_override_the_environment_and_that_the_file(tmp_path: Path) -> None:
    _file(tmp_path, 'port = 1\nworkers = 1\nidle_exit_s = 1\nlog_level = "debug"')
    environment = {"CUTROOM_PORT": "2", "CUTROOM_WORKERS": "2"}
    settings = load(tmp_path, environment, {"port": 3, "host": None})
    assert (settings.port, settings.workers, settings.idle_exit_s) == (3, 2, 1)
    assert (settings.log_level, settings.host) == ("debug", "127.0.0.1")


def test_folders_in_the_environment_are_joined_with_colons(tmp_path: Path) -> None:
    assert load(tmp_path, {"CUTROOM_MEDIA_ROOTS": "/a:/b c"}, {}).media_roots == ("/a", "/b c")
    assert load(tmp_path, {"CUTROOM_MEDIA_ROOTS": ""}, {}).media_roots == ()  # and not the current folder


def test_what_belongs_to_clients_or_to_other_programs_is_passed_over(tmp_path: Path) -> None:
    environment = {
        "CUTROOM_HOME": "/h",
        "CUTROOM_TOKEN": "t",
        "CUTROOM_URL": "u",
        "PORT": "1",
        "PATH": "/bin",
    }
    assert load(tmp_path, environment, {}) == Settings()


@pytest.mark.parametrize("where", ["file", "environment", "flags"])
def test_an_unknown_name_is_an_error_that_says_what_and_where(tmp_path: Path, where: str) -> None:
    if where == "file":
        _file(tmp_path, "prot = 1")
    with pytest.raises(Invalid) as caught:
        load(
            tmp_path,
            {"CUTROOM_PROT": "1"} if where == "environment" else {},
            {"prot": 1} if where == "flags" else {},
        )
    assert "`prot`" in caught.value.detail
    assert where in caught.value.detail
    assert "media_roots" in caught.value.detail  # and what there is


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("port = 70000", "port"),
        ("port = -1", "port"),
        ('port = "high"', "port"),
        ("workers = -1", "workers"),
        ("idle_exit_s = -5", "idle_exit_s"),
        ('sandbox = "open"', "sandbox"),
        ('log_level = "loud"', "log_level"),
        ('host = "0.0.0.0"', "host"),
        ('media_roots = "/a"', "media_roots"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_that_names_it(tmp_path: Path, text: str, named: str) -> None:
    _file(tmp_path, text)
    with pytest.raises(Invalid, match=named):
        load(tmp_path, {}, {})


@pytest.mark.parametrize("content", [b"port = = 1", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_an_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(Invalid, match=FILE):
        load(tmp_path, {}, {})
