"""Files stay open between frames: the frames are those of a fresh decoder, and what was kept goes when it must."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from engine.kernel.errors import Invalid
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex
from engine.media.tasks import run_let_gos
from engine.rendering.scrubbing import Kept, Stand, kept
from tests.clips import make_clip, read_number
from tests.render.workshop import Source, source_of

COUNT = 90
Files = tuple[int, int]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("footage")
    return source_of(make_clip(folder / "clip.mp4", frames=COUNT, gop=30).path)


@pytest.fixture
def files(source: Source, tmp_path: Path) -> Iterator[Files]:
    with opened(source.path, index_of(source), tmp_path) as both:
        yield both


@pytest.fixture
def shelf() -> Iterator[Kept]:
    shelf = Kept()
    yield shelf
    shelf.tidy(-1)


def index_of(source: Source) -> FrameIndex:
    assert source.index is not None
    return source.index


@contextmanager
def opened(path: Path, index: FrameIndex, folder: Path) -> Iterator[Files]:
    (folder / "index").write_bytes(index.to_bytes())
    descriptors = (os.open(path, os.O_RDONLY), os.open(folder / "index", os.O_RDONLY))
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def shown(frame: av.VideoFrame) -> int | None:
    return read_number(np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_frames_in_any_order_are_those_that_were_asked_for(shelf: Kept, files: Files, source: Source) -> None:
    pts = index_of(source).pts
    chance = np.random.default_rng(3)
    near = [(int(start) + step) % COUNT for start in chance.integers(0, COUNT, 6) for step in (0, 1, 1, 5, 2)]
    for number in [*(int(one) for one in chance.integers(0, COUNT, 30)), *near]:
        assert shown(shelf.frame(files, pts[number], set())) == number


def test_a_frame_a_little_later_is_decoded_from_where_the_decoder_stands(
    shelf: Kept, files: Files, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    frames = FrameReader.frames

    def noted(self: FrameReader, start: int, end: int) -> Any:
        begun.append(start)
        return frames(self, start, end)

    monkeypatch.setattr(FrameReader, "frames", noted)
    pts = index_of(source).pts
    for number in (40, 40, 41, 50, 10, 11):
        assert shown(shelf.frame(files, pts[number], set())) == number
    assert begun == [40, 10]


def test_two_places_of_a_file_in_one_picture_have_a_decoder_each(
    shelf: Kept, files: Files, source: Source
) -> None:
    pts = index_of(source).pts
    users: list[set[Stand]] = []
    for step in range(3):
        taken: set[Stand] = set()
        assert [shown(shelf.frame(files, pts[place + step], taken)) for place in (5, 60)] == [
            5 + step,
            60 + step,
        ]
        users.append(taken)
    assert len(users[0]) == 2
    assert users[0] == users[1] == users[2]


def test_a_file_with_other_content_is_opened_anew(shelf: Kept, source: Source, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    shutil.copy(source.path, path)
    other = make_clip(tmp_path / "other.mp4", frames=COUNT, numbers=range(100, 100 + COUNT)).path
    pts = index_of(source).pts
    with opened(path, index_of(source), tmp_path) as files:
        assert shown(shelf.frame(files, pts[7], set())) == 7
        path.write_bytes(other.read_bytes())
        assert shown(shelf.frame(files, pts[7], set())) == 107


def test_what_cannot_be_decoded_is_not_kept(shelf: Kept, source: Source, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with opened(tmp_path / "empty.mp4", index_of(source), tmp_path) as files:
        before = open_files()
        for _ in range(3):
            with pytest.raises(Invalid, match="empty"):
                shelf.frame(files, index_of(source).pts[0], set())
        assert open_files() == before


def test_only_so_much_is_kept_and_nothing_when_other_work_comes(files: Files, source: Source) -> None:
    run_let_gos()
    before = open_files()
    taken: set[Stand] = set()
    for number in (0, 40, 80):
        kept.frame(files, index_of(source).pts[number], taken)
    assert open_files() > before
    one = min(stand.held_bytes for stand in taken)
    kept.tidy(2 * one)
    assert open_files() == before + 2
    run_let_gos()
    assert open_files() == before
