"""What packets alone tell of a film: where a player can begin, whether its sound holds together, what repeats itself."""

import os
from fractions import Fraction
from pathlib import Path

import av
import pytest

from engine.media.index import FrameIndex, build_index
from engine.media.source import open_media
from engine.rendering import packets
from engine.rendering.encoded import Evidence
from engine.rendering.packets import doubled, keyframe_distance, seek_misses, sound_gap
from tests.clips import Sound, make_clip


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "film.mp4"
    return make_clip(path, frames=100, gop=20, audio=Sound(tone_hz=300)).path


def looked(path: Path) -> tuple[FrameIndex, tuple[int, ...], Fraction]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with open_media(descriptor) as container:
            index = build_index(container)
            return index, seek_misses(container, index), sound_gap(container)
    finally:
        os.close(descriptor)


def test_a_film_can_be_sought_at_each_keyframe(film: Path) -> None:
    index, misses, gap = looked(film)
    assert (keyframe_distance(index), len(misses), gap) == (20, 0, Fraction(0))
    assert (
        keyframe_distance(FrameIndex(time_base=Fraction(1), pts=(0, 1, 2), keyframes=(1,), last_duration=1))
        == 4
    )


def test_a_keyframe_that_the_index_wrongly_names_is_not_found(film: Path) -> None:
    descriptor = os.open(film, os.O_RDONLY)
    with open_media(descriptor) as container:
        index = build_index(container)
        wrong = FrameIndex(
            time_base=index.time_base, pts=index.pts, keyframes=(0, 30), last_duration=index.last_duration
        )
        assert seek_misses(container, wrong) == (30,)
    os.close(descriptor)


def test_a_hole_in_the_sound_is_measured(film: Path, tmp_path: Path) -> None:
    holed = tmp_path / "holed.mp4"
    with av.open(str(film)) as source, av.open(str(holed), "w") as target:
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        for number, packet in enumerate(source.demux()):
            if packet.dts is None or (packet.stream.type == "audio" and 60 < number < 80):
                continue
            packet.stream = streams[packet.stream_index]
            target.mux(packet)
    assert looked(holed)[2] > Fraction(1, 50)


def test_a_repeated_frame_counts_only_amid_movement() -> None:
    def seen(*changes: float | None) -> list[Evidence]:
        return [Evidence(dark=0.0, source_change=change, thumb=b"") for change in changes]

    assert doubled(seen(None, 0.1, 0.1, 0.0, 0.1, 0.1)) == (3,)
    assert doubled(seen(None, 0.1, 0.1, 0.0, 0.0, 0.1, 0.1)) == (3, 4)
    assert doubled(seen(None, 0.1, 0.1, *[0.0] * 5, 0.1, 0.1)) == (), "five in a row stand still"
    assert doubled(seen(None, 0.1, 0.001, 0.0, 0.1, 0.1)) == (), "hardly anything moves before it"
    assert doubled(seen(None, 0.1, 0.1, 0.0, 0.1)) == (), "nobody knows what moves after it"
    assert doubled(seen(None, 0.1, 0.1, None, 0.1, 0.1)) == (), "where a segment begins nothing is known"
    assert sum(map(packets.moves, seen(None, 0.1, 0.01, 0.02))) == 2
