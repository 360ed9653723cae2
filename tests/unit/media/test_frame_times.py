"""Which frame a time names: the one whose start is nearest, by the file's own index."""

from fractions import Fraction
from pathlib import Path

import pytest

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.media import FrameTimes
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.media.routes_frames import frame_named
from tests import clips
from tests.unit.media.room import room

# Shown at 0, 0.04, 0.1 and 0.2 s until 0.24 s; the file's own times begin elsewhere.
UNEVEN = FrameIndex(time_base=Fraction(1, 100), pts=(50, 54, 60, 70), keyframes=(0,), last_duration=4)


@pytest.mark.parametrize(
    ("asked", "frame"),
    [("0", 0), ("0.019", 0), ("0.02", 0), ("1/45", 1), ("0.07", 1), ("0.071", 2), ("0.2", 3), ("0.22", 3), ("0.23", 4),
     ("0.24", 4), ("0.26", 4), ("2f", 2), ("4f", 4)],
)  # fmt: skip
def test_the_nearest_start_counts_and_half_way_the_earlier(asked: str, frame: int) -> None:
    found = frame_named(asked, UNEVEN)
    assert found.frame == frame
    assert found.start == UNEVEN.time_of(frame)


@pytest.mark.parametrize("asked", ["0.2601", "5f", "12"])
def test_what_lies_beyond_the_end_is_refused(asked: str) -> None:
    with pytest.raises(Invalid, match="beyond the end: there are 4 frames"):
        frame_named(asked, UNEVEN)


@pytest.mark.parametrize("asked", ["-1", "1e9", "1/0", "1.5f", "f", "0x3", "١", "9" * 13, "nan"])
def test_what_is_no_time_is_refused(asked: str) -> None:
    with pytest.raises(Invalid, match="times names"):
        frame_named(asked, UNEVEN)


async def test_the_route_answers_in_the_order_asked(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        clip = clips.make_clip(here.footage / "a.mp4", frames=30, rate=clips.NTSC)
        asset = await here.add(clip.path)
        got = await here.http.get(
            f"/v1/assets/{asset.asset_id}/frames", params={"times": "29f,0.1,0,1001/1000"}
        )
        found = decode(got.content, FrameTimes)
        assert [one.frame for one in found.items] == [29, 3, 0, 30]
        assert found.items[0].start == Fraction(29 * 1001, 30000)
        assert (found.frame_count, found.duration) == (30, Fraction(1001, 1000))
        beyond = await here.http.get(f"/v1/assets/{asset.asset_id}/frames", params={"times": "2"})
        assert (beyond.status_code, beyond.json()["field"]) == (400, "times")
        many = await here.http.get(f"/v1/assets/{asset.asset_id}/frames", params={"times": "0," * 1001})
        assert "1001 times" in many.json()["detail"]


async def test_sound_alone_has_no_frames(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        asset = await here.add(clips.make_sound(here.footage / "a.wav"))
        answer = await here.http.get(f"/v1/assets/{asset.asset_id}/frames", params={"times": "0"})
        assert answer.status_code == 400
        assert "no picture" in answer.json()["detail"]
