"""One talk for all tests of the detectors, made once."""

from pathlib import Path

import pytest

from tests.unit.media.analysis.scenes import Talk, make


@pytest.fixture(scope="package")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    return make(Path(tmp_path_factory.mktemp("talk")) / "talk.mp4")
