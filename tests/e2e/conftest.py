"""What the end-to-end tests share: a talk that is made once."""

from pathlib import Path

import pytest

from demo.footage import Script, make_talk


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Script]:
    """Twenty seconds of somebody talking, and the truth about them."""
    path = tmp_path_factory.mktemp("footage") / "talk.mp4"
    return path, make_talk(path, seconds=20, width=640, height=360)
