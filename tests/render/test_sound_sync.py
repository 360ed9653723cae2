"""Sound stays within a millisecond of its picture: whatever the container, the rate, the cuts, and where its times begin."""

import tracemalloc
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cutroom_sdk.wire.timeline import Clip, Gap
from engine.editing.catalogue.spec import catalogue
from engine.media.tasks import no_report
from engine.rendering.audio import mastering
from engine.rendering.audio.mixing import MixSignal
from engine.rendering.audio.signals import Samples
from engine.rendering.audio.work import Channel, Mix, SoundEffect, SoundSource, SoundWork, Stem, Voice
from engine.rendering.work import SoundEncoder
from tests.clips import FILM, NTSC, Sound, find_ticks, make_clip
from tests.render.test_sound_timeline import mixed, track
from tests.render.workshop import Source, source_of, span
from tests.unit.rendering.material import CAPABLE

RATE = 48_000
PAL, FAST = Fraction(25), Fraction(50)
DEFAULTS = tuple((one.name, float(one.default or 0)) for one in catalogue()["compressor"].parameters)
SOUND = Sound(tone_hz=220, tone_peak=0.02)


def source(path: Path, rate: Fraction, **more: Any) -> Source:
    return source_of(
        make_clip(path, frames=round(8 * rate), rate=rate, width=64, height=64, audio=SOUND, **more).path
    )


def ticks(samples: Samples) -> list[float]:
    return find_ticks(samples.T, RATE)


def wanted(clips: list[tuple[int, int]], rate: Fraction) -> list[float]:
    """When a tick of each whole second is heard, frames of the source being put one stretch after the other."""
    found, at = [], Fraction(0)
    for start, end in clips:
        first, last = start / rate, end / rate
        found += [
            float(at + second - first)
            for second in range(9)
            if first + Fraction(1, 50) < second < last - Fraction(1, 50)
        ]
        at += last - first
    return found


@pytest.mark.parametrize("rate", [FILM, NTSC, PAL, FAST], ids=["film", "ntsc", "pal", "fast"])
@pytest.mark.parametrize(
    ("name", "codec", "more"),
    [
        ("a.mp4", "libx264", {}),
        ("a.mkv", "libx264", {}),
        ("a.ts", "libx264", {}),
        ("a.webm", "libvpx-vp9", {}),
        ("late.ts", "libx264", {"start": Fraction(3)}),
        ("late.mkv", "libx264", {"start": Fraction(5, 2)}),
    ],
    ids=["mp4", "mkv", "ts", "webm", "late-ts", "late-mkv"],
)
def test_ticks_are_heard_with_their_frames(
    tmp_path: Path, name: str, codec: str, more: dict[str, Any], rate: Fraction
) -> None:
    made = source(tmp_path / name, rate, codec=codec, **more)
    cuts = [
        (3, round(2.5 * rate)),
        (round(4.2 * rate), round(6.3 * rate)),
        (round(0.7 * rate), round(1.3 * rate)),
    ]
    clips: list[Clip | Gap] = [span(made, start, end, rate=rate) for start, end in cuts]
    total = sum((Fraction(end - start) / rate for start, end in cuts), Fraction(0))
    found = ticks(mixed([track(*clips)], made, seconds=total))
    assert found == pytest.approx(wanted(cuts, rate), abs=0.001)


def test_a_hole_in_the_sound_moves_nothing(tmp_path: Path) -> None:
    whole = source(tmp_path / "whole.mkv", PAL, b_frames=0)
    holed = tmp_path / "holed.mkv"
    remux_without(whole.path, holed, Fraction(5, 2), Fraction(7, 2))
    made = source_of(holed)
    samples = mixed([track(span(made, 0, 190, rate=PAL))], made, seconds=Fraction(190, 25))
    assert [one for one in ticks(samples) if one > 0.02] == pytest.approx([1, 2, 4, 5, 6, 7], abs=0.001)
    assert not samples[:, round(2.6 * RATE) : round(3.4 * RATE)].any()


def remux_without(path: Path, target: Path, start: Fraction, end: Fraction) -> None:
    """Copy a file without the sound's packets of a stretch."""
    with av.open(str(path)) as given, av.open(str(target), "w") as made:
        streams = {one: made.add_stream_from_template(one) for one in given.streams}
        for packet in given.demux():
            if packet.dts is None or packet.pts is None:
                continue
            at = packet.pts * packet.time_base
            if packet.stream.type == "audio" and start <= at < end:
                continue
            packet.stream = streams[packet.stream]
            made.mux(packet)


@dataclass
class Humming:
    """A stem that hums without end."""

    stem: Stem
    skip: int

    def read(self, count: int) -> Samples:
        return np.full((2, count), 0.1, dtype=np.float32)


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """What a mix of a minute takes at most, one of twenty takes too, but for 80 bytes a second; measured by tracemalloc."""

    def most(minutes: int) -> int:
        count = minutes * 60 * RATE
        stem = Stem(media=SoundSource(sha256="", origin=None), start=Fraction(0), count=count, rate=RATE)
        voices = (Voice(stem=stem, at=0, count=count),)
        effects = (SoundEffect(name="compressor", values=DEFAULTS),)
        channel = Channel(name="a", voices=voices, effects=effects)
        work = SoundWork(
            mix=Mix(count=count, rate=RATE, channels=(channel,)),
            encoder=SoundEncoder(codec="aac", bitrate=128_000, sample_rate=RATE),
            loudness_lufs=None, true_peak_dbtp=None, capabilities=CAPABLE,
        )  # fmt: skip
        tracemalloc.start()
        with (tmp_path / "scratch").open("w+b") as scratch:
            spool = mastering.Spool(MixSignal(work.mix, Humming), work, scratch.fileno(), no_report)
            for _ in spool.raised(6.0, -30.0):
                pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    short, long = most(1), most(20)
    assert short < 20_000_000
    assert long < short + 1_000_000
