"""The daemon as the command line starts it."""

import os
from pathlib import Path

import pytest

from clients.cli import daemon
from clients.cli.daemon import Started


def test_the_state_directory_that_a_command_makes_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "SERVE", ("true",))
    folder, usual = tmp_path / "state", os.umask(0o022)
    try:
        Started(folder).end()
    finally:
        os.umask(usual)
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "logs")] == [0o700, 0o700]
