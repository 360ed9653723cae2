"""Sources of every make become the same kind of film: bit depths, colour models, pixel shapes, codecs, odd sizes."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace

from tests.clips import Sound, draw_number, make_clip, read_numbers
from tests.render.workshop import Source, make_film, source_of, span, timeline_of

PAL = Fraction(25)


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [
        (".mkv", "ffv1", "yuv420p10le"),
        (".mkv", "ffv1", "yuv444p"),
        (".mkv", "ffv1", "gray"),
        (".mkv", "ffv1", "bgr0"),
        (".mp4", "mpeg4", "yuv420p"),
    ],
)
def test_numbers_survive_every_pixel_format(tmp_path: Path, suffix: str, codec: str, pixels: str) -> None:
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 180, pixels
        for number in range(40):
            gray = av.VideoFrame.from_ndarray(draw_number(number), format="gray")
            container.mux(stream.encode(gray.reformat(format=pixels)))
        container.mux(stream.encode(None))
    source = source_of(path)
    film = make_film(tmp_path / "out", timeline_of([span(source, 5, 35, rate=PAL)], rate=PAL), [source])
    assert read_numbers(film.path) == list(range(5, 35))
    assert film.inspection.pixel_format == "yuv420p"


def test_a_source_without_packet_times_is_counted(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "clip.avi", frames=60, codec="mpeg4", b_frames=0, gop=10).path)
    film = make_film(tmp_path / "out", timeline_of([span(source, 22, 50, rate=PAL)], rate=PAL), [source])
    assert read_numbers(film.path) == list(range(22, 50))


@pytest.mark.parametrize(("width", "height"), [(322, 182), (854, 480), (202, 360)])
def test_any_size_is_cropped_to_the_targets_shape(tmp_path: Path, width: int, height: int) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=20, width=width, height=height).path)
    timeline = timeline_of([span(source, 0, 20, rate=PAL)], rate=PAL, width=270, height=480)
    film = make_film(tmp_path / "out", timeline, [source])
    assert (film.inspection.width, film.inspection.height) == (270, 480)
    assert read_numbers(film.path) == list(range(20))


def test_pixels_that_are_not_square_are_shown_in_their_shape(tmp_path: Path) -> None:
    """A 2:1 pixel: 160x180 stored pixels are shown as 320x180."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 180, "yuv420p"
        stream.sample_aspect_ratio = Fraction(2)
        for number in range(10):
            narrow = np.ascontiguousarray(draw_number(number)[:, ::2])
            frame = av.VideoFrame.from_ndarray(narrow, format="gray").reformat(format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    source = source_of(path)
    assert source.asset.video is not None
    wide = replace(source.asset, video=replace(source.asset.video, width=320))
    shown = Source(source.path, wide, source.index)
    film = make_film(tmp_path / "out", timeline_of([span(shown, 0, 10, rate=PAL)], rate=PAL), [shown])
    assert read_numbers(film.path) == list(range(10))
    with av.open(str(film.path)) as container:
        frame = next(container.decode(video=0))
        bright = np.flatnonzero((frame.to_ndarray(format="gray") > 175).sum(axis=0) >= 6)
        rows = np.flatnonzero((frame.to_ndarray(format="gray") > 175).sum(axis=1) >= 6)
    assert np.ptp(bright) == pytest.approx(np.ptp(rows), abs=4)


def test_two_sources_of_different_make_go_into_one_film(tmp_path: Path) -> None:
    one = source_of(
        make_clip(tmp_path / "one.mp4", frames=40, audio=Sound(sample_rate=44_100, channels=1)).path
    )
    two = source_of(
        make_clip(
            tmp_path / "two.webm", frames=40, rate=30, codec="libvpx-vp9", width=640, height=360, audio=Sound(),
            numbers=range(100, 140),
        ).path
    )  # fmt: skip
    items = [span(one, 5, 15, rate=PAL), span(two, 0, 30, rate=PAL), span(one, 20, 30, rate=PAL)]
    film = make_film(tmp_path / "out", timeline_of(items, rate=PAL, sound=True), [one, two])
    numbers = read_numbers(film.path)
    assert numbers[:10] == list(range(5, 15))
    assert numbers[10] == 100
    assert numbers[-10:] == list(range(20, 30))
    assert film.inspection.mismatches == ()


def test_full_range_colours_become_limited_ones(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        planes = np.full((270, 320), 128, dtype=np.uint8)
        planes[:180] = 255
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        for _ in range(5):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    source = source_of(path)
    assert source.asset.video is not None
    full = Source(
        source.path, replace(source.asset, video=replace(source.asset.video, color_range="pc")), source.index
    )
    film = make_film(tmp_path / "out", timeline_of([span(full, 0, 5, rate=PAL)], rate=PAL), [full])
    with av.open(str(film.path)) as container:
        decoded = next(container.decode(video=0))
        luma = np.frombuffer(memoryview(decoded.planes[0]), np.uint8)
        assert int(luma[0]) == pytest.approx(235, abs=2)
        assert int(decoded.color_range) == 1
        assert int(decoded.colorspace) == 1
