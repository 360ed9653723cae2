"""Cuts of every make of H.264 and H.265 source: the right frames to the last, copied bytes as they were, sound in its place."""

import itertools
import json
import subprocess
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import pytest

from engine.kernel.errors import WorkFailed
from engine.media import h264, h265
from engine.media.packets import copied_packets
from engine.media.source import open_media
from engine.rendering.smartcopy.division import widened
from engine.rendering.smartcopy.splice import splice
from engine.rendering.smartcopy.work import SpliceWork
from tests.clips import FILM, NTSC, Clip, Sound, find_ticks, make_clip, read_numbers, read_sound
from tests.render.cutting import Cut, Span, cut_of, payloads
from tests.render.workshop import Opened, Source, source_of

FRAMES: Final = 120
TICKS: Final = Sound(tick_every=Fraction(1, 4), codec="aac")


def jittered(count: int, seed: int) -> list[Fraction]:
    """Return times of frames that follow each other in 17 to 80 ms, in whole ticks of 1/90000 s."""
    steps = np.random.default_rng(seed).integers(1500, 7200, size=count - 1)
    return [Fraction(tick, 90_000) for tick in itertools.accumulate(map(int, steps), initial=0)]


MAKES: Final[dict[str, dict[str, Any]]] = {
    "closed.mp4": {"gop": 25},
    "no_b.mp4": {"gop": 12, "b_frames": 0},
    "pyramid.mp4": {"gop": 30, "b_frames": 5, "codec_options": {"x264-params": "b-pyramid=normal"}},
    "pyramid.mkv": {"gop": 24, "b_frames": 3},
    "film.mov": {"gop": 24, "rate": FILM},
    "ntsc.mp4": {"gop": 30, "rate": NTSC},
    "fifty.mkv": {"gop": 40, "rate": 50},
    "stream.ts": {"gop": 20},
    "ntsc.ts": {"gop": 20, "rate": NTSC, "b_frames": 0},
    "taken_ids.mp4": {"gop": 20, "codec_options": {"x264-params": "sps-id=3"}},
    "late.mp4": {"gop": 20, "start": Fraction(3, 2)},
    "turned.mp4": {"gop": 20, "rotation": 90},
    "upside_down.mp4": {"gop": 20, "rotation": 180},
    "varying.mp4": {"gop": 20, "times": jittered(FRAMES, 1)},
    "varying.mkv": {"gop": 20, "times": jittered(FRAMES, 2)},
    "open.mp4": {"gop": 20, "open_gop": True},
    "tall.mp4": {"gop": 20, "width": 202, "height": 360},
    "hevc.mp4": {"codec": "libx265", "gop": 20},
    "hevc_open.mp4": {"codec": "libx265", "gop": 20, "open_gop": True, "b_frames": 4},
    "hevc_open.mkv": {"codec": "libx265", "gop": 25, "open_gop": True, "b_frames": 3, "rate": NTSC},
    "hevc_open.ts": {"codec": "libx265", "gop": 20, "open_gop": True},
    "hevc_varying.mp4": {"codec": "libx265", "gop": 20, "open_gop": True, "times": jittered(FRAMES, 3)},
    "full_range.mp4": {"gop": 20, "codec_options": {"x264-params": "fullrange=1"}},
}


def rate_of(make: dict[str, Any]) -> Fraction | None:
    return None if "times" in make else Fraction(make.get("rate", 25))


def spans(chance: np.random.Generator, count: int) -> list[Span]:
    """Return one to three spans of frames, some of them next to each other."""
    picked = chance.choice(count + 1, size=2 * int(chance.integers(1, 4)), replace=False)
    edges = sorted(map(int, picked))
    return list(zip(edges[::2], edges[1::2], strict=True))


def source(folder: Path, name: str, make: dict[str, Any], sound: Sound | None = TICKS) -> tuple[Clip, Source]:
    clip = make_clip(folder / name, frames=FRAMES, audio=sound, **make)
    return clip, source_of(clip.path)


def wanted(kept: list[Span]) -> list[int]:
    return [number for start, end in kept for number in range(start, end)]


@pytest.mark.parametrize("cuts", [2, pytest.param(40, marks=pytest.mark.deep)])
@pytest.mark.parametrize("name", MAKES)
def test_random_cuts_have_no_wrong_frame_and_copied_bytes(tmp_path: Path, name: str, cuts: int) -> None:
    """Whatever is kept comes back by number; what was copied holds the source's bytes; the engine's own look agrees."""
    _, one = source(tmp_path, name, MAKES[name])
    chance = np.random.default_rng(zlib.crc32(name.encode()))
    for number in range(cuts):
        kept = spans(chance, FRAMES)
        cut = cut_of(one, kept, tmp_path / str(number), rate=rate_of(MAKES[name]))
        assert read_numbers(cut.path) == wanted(kept), (name, kept, cut.stretches)
        assert cut.found.mismatches == ()
        assert cut.found.on_time
        assert cut.found.moov_first
        assert_copied_as_they_lay(one, cut)


def assert_copied_as_they_lay(one: Source, cut: Cut) -> None:
    assert one.index is not None
    order = one.index.order
    if order is None:
        assert {stretch.kind for stretch in cut.stretches} == {"render"}
        return
    made, at = payloads(cut.path), 0
    assert len(made) == sum(stretch.count for stretch in cut.stretches)
    for stretch in cut.stretches:
        if stretch.kind == "copy":
            with Opened([one.path], []) as files, open_media(files.inputs[0]) as container:
                found = copied_packets(container, one.index, stretch.start, stretch.count)
                for got, (_, packet) in zip(made[at : at + stretch.count], found, strict=True):
                    kept = picture_units(bytes(packet), order.length_size, order.codec)
                    assert picture_units(got, 4, order.codec) == kept
                    # H.265 has its headers before each keyframe; else the bytes are the source's own.
                    led = order.codec == "hevc" and packet.is_keyframe
                    assert led or order.length_size == h264.ANNEX_B or got == bytes(packet)
        at += stretch.count


def picture_units(data: bytes, length_size: int, codec: str) -> list[bytes]:
    """Return the NAL units of pictures; one that may stand alone counts as one that does."""
    units = h264.units(data, length_size)
    if codec == "hevc":
        apart = (*h265.SETS, h265.DELIMITER)
        return [h265.standing_alone(unit) for unit in units if h265.unit_kind(unit) not in apart]
    return [unit for unit in units if h264.unit_kind(unit) not in (h264.SPS, h264.PPS, h264.DELIMITER)]


@pytest.mark.parametrize(
    "name", ["closed.mp4", "pyramid.mkv", "stream.ts", "varying.mp4", "hevc_open.mp4", "hevc_open.mkv"]
)
def test_what_is_copied_decodes_to_the_very_pixels_of_the_source(tmp_path: Path, name: str) -> None:
    _, one = source(tmp_path, name, MAKES[name], sound=None)
    cut = cut_of(one, [(7, 66), (71, 113)], tmp_path / "out", rate=rate_of(MAKES[name]))
    original, made, at = pictures(one.path), pictures(cut.path), 0
    copied = 0
    for stretch in cut.stretches:
        for place in range(stretch.count):
            if stretch.kind == "copy":
                copied += 1
                assert np.array_equal(made[at + place], original[stretch.start + place])
        at += stretch.count
    assert copied > FRAMES // 4


def pictures(path: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def test_an_open_group_is_entered_only_where_decoding_may_begin(tmp_path: Path) -> None:
    """x264's open groups begin with recovery points, which are no entries: only the very first frame is one."""
    _, one = source(tmp_path, "open.mp4", MAKES["open.mp4"])
    assert one.index is not None
    assert one.index.order is not None
    assert one.index.order.entries == (0,)
    assert len(one.index.keyframes) > 1
    cut = cut_of(one, [(0, 90)], tmp_path / "out", rate=Fraction(25))
    assert cut.stretches[0].kind == "copy"
    assert cut.stretches[0].count > 80


def test_an_open_group_of_h265_is_entered_without_the_pictures_that_lead_it(tmp_path: Path) -> None:
    """They refer to what was before: they are encoded anew, and a decoder is told that they are not there."""
    _, one = source(tmp_path, "hevc_open.mp4", MAKES["hevc_open.mp4"], sound=None)
    assert one.index is not None
    order = one.index.order
    assert order is not None
    assert order.entries == one.index.keyframes
    assert len(order.entries) > 3
    entry = order.entries[2]
    assert order.shown[order.shown.index(entry) + 1] < entry
    cut = cut_of(one, [(entry - 3, entry + 15)], tmp_path / "out", rate=Fraction(25))
    assert [(one.kind, one.start) for one in cut.stretches][:2] == [("edge", entry - 3), ("copy", entry)]
    first = payloads(cut.path)[3]
    assert h265.BLA_ALONE in {h265.unit_kind(unit) for unit in h264.units(first, 4)}
    assert read_numbers(cut.path) == list(range(entry - 3, entry + 15))


def test_what_is_copied_whole_of_h265_keeps_its_headers_in_one_place(tmp_path: Path) -> None:
    """Without anything encoded the film has one set of headers, for players that want them before the pictures alone."""
    _, one = source(tmp_path, "hevc.mp4", MAKES["hevc.mp4"], sound=None)
    cuts = [
        cut_of(one, [kept], tmp_path / str(n), rate=Fraction(25))
        for n, kept in enumerate([(20, 40), (15, 40)])
    ]
    tags = []
    for cut in cuts:
        with av.open(str(cut.path)) as container:
            tags.append(container.streams.video[0].codec_context.codec_tag)
    assert tags == ["hvc1", "hev1"]


def test_an_edit_list_that_begins_in_a_group_hides_what_lies_before(tmp_path: Path) -> None:
    """The first 7 frames are decoded and never shown: frame 0 of the source is the 8th of the clip."""
    clip = make_clip(tmp_path / "clip.mp4", frames=FRAMES, gop=20, b_frames=0)
    whole = source_of(clip.path)
    assert whole.index is not None
    trimmed = tmp_path / "trimmed.mp4"
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-ss", "0.28", "-i", str(clip.path), "-c", "copy", str(trimmed)], check=True
    )  # fmt: skip
    one = source_of(trimmed)
    first = read_numbers(trimmed)
    assert one.index is not None
    assert one.index.count == len(first) < FRAMES
    cut = cut_of(one, [(3, 70)], tmp_path / "out", rate=Fraction(25))
    assert read_numbers(cut.path) == first[3:70]
    assert "copy" in {stretch.kind for stretch in cut.stretches}


def test_varying_frames_keep_their_own_times(tmp_path: Path) -> None:
    clip, one = source(tmp_path, "varying.mp4", MAKES["varying.mp4"])
    kept = [(13, 50), (50, 77), (90, 119)]
    cut = cut_of(one, kept, tmp_path / "out")
    steps = [clip.times[number + 1] - clip.times[number] for number in wanted(kept)]
    with av.open(str(cut.path)) as container:
        base = container.streams.video[0].time_base
        assert base is not None
        shown = [frame.pts * base for frame in container.decode(video=0) if frame.pts is not None]
    assert shown == list(itertools.accumulate(steps, initial=Fraction(0)))[:-1]


@pytest.mark.parametrize(
    "name",
    ["closed.mp4", "ntsc.mp4", "pyramid.mkv", "late.mp4", "varying.mp4", "stream.ts", "hevc_open.mp4"],
)
@pytest.mark.parametrize("kept", [[(11, 93)], [(0, 40)], [(11, 50), (61, 93)]])
def test_sound_stays_within_a_millisecond_of_its_picture(tmp_path: Path, name: str, kept: list[Span]) -> None:
    clip, one = source(tmp_path, name, MAKES[name])
    cut = cut_of(one, kept, tmp_path / "out", rate=rate_of(MAKES[name]))
    assert cut.sound_copied == (len(kept) == 1 and not name.endswith(".ts"))
    ends = [*clip.times, clip.duration]
    due, at = [], Fraction(0)
    for start, end in kept:
        ticks = [Fraction(number, 4) for number in range(200)]
        # A tick that a cut goes through, or that begins in a fade, is not looked for.
        due += [
            float(at + tick - ends[start])
            for tick in ticks
            if ends[start] + Fraction(1, 50) < tick < ends[end] - Fraction(1, 50)
        ]
        at += ends[end] - ends[start]
    samples, rate = read_sound(cut.path)
    heard = np.array(find_ticks(samples, rate))
    assert due
    for tick in due:
        assert np.abs(heard - tick).min() < 0.001, (tick, heard)
    assert abs(cut.found.start_offset) < Fraction(1, 1000)
    assert abs(len(samples) / rate - float(at)) < 0.03


def test_copied_sound_is_the_sources_own(tmp_path: Path) -> None:
    """Every sample but those of a first packet's run-up is what the source's decoder gives."""
    sound = Sound(tone_hz=440.0, tick_every=Fraction(1, 4), codec="aac")
    _, one = source(tmp_path, "closed.mp4", MAKES["closed.mp4"], sound=sound)
    cut = cut_of(one, [(11, 93)], tmp_path / "out", rate=Fraction(25))
    (made, rate), (original, _) = read_sound(cut.path), read_sound(one.path)
    first = 11 * rate // 25
    length = 82 * rate // 25
    assert np.allclose(made[:length], original[first : first + length], atol=1e-4)


def test_a_fast_cut_encodes_nothing(tmp_path: Path) -> None:
    _, one = source(tmp_path, "pyramid.mp4", MAKES["pyramid.mp4"])
    assert one.index is not None
    stretches = [widened(one.index, 35, 52), widened(one.index, 70, 80)]
    found = [stretch for stretch in stretches if stretch is not None]
    kept = [(one.start, one.end) for one in found]
    cut = cut_of(one, kept, tmp_path / "out", rate=Fraction(25), stretches=found, whole_packets=True)
    assert cut.sound_copied
    assert read_numbers(cut.path) == wanted(kept)
    samples, rate = read_sound(cut.path)
    assert abs(len(samples) / rate - len(wanted(kept)) / 25) < 0.03


def test_the_same_cut_has_the_same_bytes(tmp_path: Path) -> None:
    _, one = source(tmp_path, "pyramid.mp4", MAKES["pyramid.mp4"])
    kept = [(7, 44), (60, 101)]
    films = [cut_of(one, kept, tmp_path / str(number), rate=Fraction(25)).path for number in range(2)]
    assert films[0].read_bytes() == films[1].read_bytes()


@pytest.mark.parametrize(
    "name", ["closed.mp4", "ntsc.mp4", "stream.ts", "turned.mp4", "varying.mkv", "hevc_open.ts"]
)
def test_another_prober_agrees(tmp_path: Path, name: str) -> None:
    _, one = source(tmp_path, name, MAKES[name])
    kept = [(9, 70)]
    cut = cut_of(one, kept, tmp_path / "out", rate=rate_of(MAKES[name]))
    said = probed(cut.path)
    (video,), (audio,) = (
        [stream for stream in said["streams"] if stream["codec_type"] == kind] for kind in ("video", "audio")
    )
    assert int(video["nb_read_frames"]) == len(wanted(kept))
    codec = "hevc" if name.startswith("hevc") else "h264"
    assert (video["codec_name"], audio["codec_name"]) == (codec, "aac")
    (original,) = [stream for stream in probed(one.path)["streams"] if stream["codec_type"] == "video"]
    assert (video["width"], video["height"]) == (original["width"], original["height"])
    assert turned(video) == turned(original)
    times = [
        Fraction(packet["dts"]) for packet in said["packets"] if packet["stream_index"] == video["index"]
    ]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))
    shown = sorted(packet["pts"] for packet in said["packets"] if packet["stream_index"] == video["index"])
    assert shown[0] == 0
    assert len(set(shown)) == len(shown)


def probed(path: Path) -> dict[str, Any]:
    told = subprocess.run(
        ["ffprobe", "-loglevel", "error", "-of", "json", "-count_frames", "-show_streams", "-show_packets", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def turned(stream: dict[str, Any]) -> int:
    return sum(int(data.get("rotation", 0)) for data in stream.get("side_data_list", ()))


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """Edges of another cut, edges that are missing, and headers of another encoder make no film."""
    _, one = source(tmp_path, "closed.mp4", MAKES["closed.mp4"], sound=None)
    cut = cut_of(one, [(7, 66)], tmp_path / "one", rate=Fraction(25))
    cut_of(one, [(9, 66)], tmp_path / "other", rate=Fraction(25))
    _, taken = source(tmp_path, "taken_ids.mp4", MAKES["taken_ids.mp4"], sound=None)
    edges = [stretch for stretch in cut.stretches if stretch.kind != "copy"]
    parts = [tmp_path / "one" / f"{number}.edge" for number in range(len(edges))]
    index = tmp_path / "one" / "index"
    shorter = [tmp_path / "other" / "0.edge", *parts[1:]]
    for inputs, said in (
        ([one.path, index, *shorter], "another's"),
        ([one.path, index, *parts[:-1]], "missing"),
        ([taken.path, index, *parts], "not where the source's index has it"),
    ):
        work = SpliceWork(stretches=cut.stretches, rate=Fraction(25), parts=len(inputs) - 2, sound=None)
        with Opened(inputs, [tmp_path / "film.mp4"]) as files, pytest.raises(WorkFailed, match=said):
            splice(work, files.inputs, files.outputs[0])
