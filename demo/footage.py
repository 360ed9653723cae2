"""Footage that the product makes for itself: somebody talks, with pauses, in several places, not all of it good.

    python -m demo.footage OUT.mp4 [--seconds 60] [--seed 0] [--size 1280x720]
    make_talk(path, seconds=20)     the same from code; returns the `Script`: what is in it, and exactly where

It holds what an editor has to deal with: pauses and fillers between sentences, hard cuts and one dissolve, a subject
off the middle that moves, a camera that moves, a stretch out of focus and one in the dark. The same arguments give the
same script, sound and pictures.
"""

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from demo import pictures
from demo.voice import RATE as SAMPLE_RATE
from demo.voice import VoiceMissing, speak

FRAME_RATE: Final = 25
SECONDS_MIN: Final = 8
DISSOLVE_FRAMES: Final = 20
SHOT_S: Final = 7.5  # about
BAD_S: Final = 1.8
FIRST_WORD_S: Final = 0.7
ROOM_TONE_DBFS: Final = -64.0
CHANNELS: Final = 2

SENTENCES: Final = (
    "The first thing an editor does is listen.",
    "Every pause you leave in costs you a viewer.",
    "But a pause in the right place is worth more than any word.",
    "So we look for the sentences that can stand alone.",
    "Then we throw away what is blurred, dark, or said twice.",
    "A cut should never split a word in half.",
    "Keep the subject in the frame, even when the frame gets narrow.",
    "If the camera moves, follow it. If it shakes, let it go.",
    "Good sound forgives a bad picture, but never the other way around.",
    "Watch it once with your eyes closed.",
    "What is left should feel as if nothing was taken out.",
    "And when in doubt, make it shorter.",
    "The best highlight is one clear thought.",
    "Thank you for watching until the very end.",
)
FILLERS: Final = ("um", "uh", "er, well")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """What is said in [start, end), seconds, exact to the sample; `filler` is a sound that says nothing."""

    text: str
    start: Fraction
    end: Fraction
    filler: bool = False


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A shot: frames [start_frame, end_frame). With a dissolve they meet in its middle.

    `mix` are the frames [first, last) that show both this shot and the one before; None for a hard cut.
    """

    place: str
    start_frame: int
    end_frame: int
    transition_in: Literal["start", "cut", "dissolve"]
    mix: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Bad:
    """Frames [start_frame, end_frame) that no cut should keep."""

    fault: Literal["blur", "dark"]
    start_frame: int
    end_frame: int


@dataclass(frozen=True, kw_only=True)
class Script:
    """What is in the footage. `subject` is the centre of what moves in each frame, 0..1 of the picture."""

    rate: Fraction
    frame_count: int
    width: int
    height: int
    sentences: tuple[Sentence, ...]
    shots: tuple[Scene, ...]
    bad: tuple[Bad, ...]
    subject: tuple[tuple[float, float], ...]

    @property
    def duration(self) -> Fraction:
        """Seconds of picture and of sound."""
        return self.frame_count / self.rate

    @property
    def pauses(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """The spans [start, end) in which nobody speaks, seconds."""
        edges = [
            Fraction(0),
            *(at for said in self.sentences for at in (said.start, said.end)),
            self.duration,
        ]
        return tuple((start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start)


def make_talk(
    path: Path | str, *, seconds: int = 60, seed: int = 0, width: int = 1280, height: int = 720
) -> Script:
    """Write an MP4 (H.264, 25 frames a second; AAC, 48 kHz stereo) and return what is in it.

    Raises:
        ValueError: `seconds` is under 8 or a side is odd or under 160.
        VoiceMissing: espeak-ng cannot be loaded.
    """
    if seconds < SECONDS_MIN or min(width, height) < 160 or width % 2 or height % 2:
        raise ValueError(f"footage is at least {SECONDS_MIN} s long and 160 pixels high, with even sides")
    rng = np.random.default_rng(seed)
    frame_count = seconds * FRAME_RATE
    sentences, sound = _talk(seconds, rng)
    shots = _shots(frame_count, rng)
    stages = {
        place.name: pictures.Stage(place, width=width, height=height, seed=seed) for place in pictures.PLACES
    }
    script = Script(
        rate=Fraction(FRAME_RATE),
        frame_count=frame_count,
        width=width,
        height=height,
        sentences=sentences,
        shots=shots,
        bad=_bad_stretches(shots),
        subject=tuple(
            stages[shot.place].subject_at(frame / FRAME_RATE)
            for shot in shots
            for frame in range(shot.start_frame, shot.end_frame)
        ),
    )
    _write(Path(path), script, _painted(script, stages, _voice(sound, frame_count)), sound)
    return script


def _talk(seconds: int, rng: np.random.Generator) -> tuple[tuple[Sentence, ...], NDArray[np.float32]]:
    """Return who says what when, and the sound of it, shape (samples,)."""
    texts = (*SENTENCES, *FILLERS)
    spoken = dict(zip(texts, speak(texts), strict=True))
    sound = rng.normal(0, 10 ** (ROOM_TONE_DBFS / 20), seconds * SAMPLE_RATE).astype(np.float32)
    said: list[Sentence] = []
    at = round(FIRST_WORD_S * SAMPLE_RATE)
    for count, (text, filler) in enumerate(_utterances()):
        end = at + len(spoken[text])
        if end > len(sound) - SAMPLE_RATE // 2:
            break
        sound[at:end] += spoken[text]
        said.append(
            Sentence(
                text=text, start=Fraction(at, SAMPLE_RATE), end=Fraction(end, SAMPLE_RATE), filler=filler
            )
        )
        at = end + round(rng.uniform(*((1.3, 2.2) if count % 3 == 1 else (0.5, 0.9))) * SAMPLE_RATE)
    return tuple(said), sound


def _utterances() -> Iterator[tuple[str, bool]]:
    """Say the sentences in turn, without end, with a filler (True) after every second one."""
    fillers = itertools.cycle(FILLERS)
    for count, sentence in enumerate(itertools.cycle(SENTENCES)):
        yield sentence, False
        if count % 2:
            yield next(fillers), True


def _shots(frame_count: int, rng: np.random.Generator) -> tuple[Scene, ...]:
    count = max(3, round(frame_count / FRAME_RATE / SHOT_S))
    even = np.arange(1, count) * frame_count / count
    jitter = rng.uniform(-0.2, 0.2, count - 1) * frame_count / count
    cuts = [0, *(round(at) for at in even + jitter), frame_count]
    shots = []
    for index in range(count):
        # The second edit is the dissolve; the others are hard.
        mixed = index == 2
        start = cuts[index]
        shots.append(
            Scene(
                place=pictures.PLACES[index % len(pictures.PLACES)].name,
                start_frame=start,
                end_frame=cuts[index + 1],
                transition_in="start" if index == 0 else "dissolve" if mixed else "cut",
                mix=(start - DISSOLVE_FRAMES // 2, start + DISSOLVE_FRAMES // 2) if mixed else None,
            )
        )
    return tuple(shots)


def _bad_stretches(shots: tuple[Scene, ...]) -> tuple[Bad, ...]:
    """Put each fault into the middle of a shot of its own."""
    blurred = 2
    dark = len(shots) - 2 if len(shots) - 2 != blurred else 1
    faults: list[tuple[Literal["blur", "dark"], int]] = [("blur", blurred), ("dark", dark)]
    bad = []
    for fault, index in faults:
        shot = shots[index]
        middle = (shot.start_frame + shot.end_frame) // 2
        half = min(round(BAD_S * FRAME_RATE), (shot.end_frame - shot.start_frame) // 2) // 2
        bad.append(Bad(fault=fault, start_frame=middle - half, end_frame=middle + half))
    return tuple(sorted(bad, key=lambda stretch: stretch.start_frame))


def _voice(sound: NDArray[np.float32], frame_count: int) -> NDArray[np.float64]:
    """Return how far the mouth is open in each frame, 0..1."""
    level = np.sqrt((sound.reshape(frame_count, -1) ** 2).mean(axis=1, dtype=np.float64))
    return np.asarray(np.clip(level / 0.08, 0, 1))


def _painted(
    script: Script, stages: dict[str, pictures.Stage], voice: NDArray[np.float64]
) -> Iterator[pictures.Picture]:
    faults = {frame: bad.fault for bad in script.bad for frame in range(bad.start_frame, bad.end_frame)}
    for index, shot in enumerate(script.shots):
        following = script.shots[index + 1] if index + 1 < len(script.shots) else None
        for frame in range(shot.start_frame, shot.end_frame):
            picture = stages[shot.place].paint(frame / FRAME_RATE, voice[frame])
            for other, mix in ((script.shots[index - 1], shot.mix), (following, following and following.mix)):
                if other and mix and mix[0] <= frame < mix[1]:
                    part = (frame - mix[0] + 1) / (mix[1] - mix[0] + 1)
                    beside = stages[other.place].paint(frame / FRAME_RATE, voice[frame])
                    picture = (
                        pictures.mixed(picture, beside, part)
                        if other is following
                        else pictures.mixed(beside, picture, part)
                    )
            match faults.get(frame):
                case "blur":
                    picture = pictures.blurred(picture)
                case "dark":
                    picture = pictures.darkened(picture)
                case None:
                    pass
            yield picture


def _write(
    path: Path, script: Script, painted: Iterator[pictures.Picture], sound: NDArray[np.float32]
) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = script.width, script.height, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "23", "x264-params": "keyint=50:threads=2"}
        video.codec_context.colorspace = 6  # SMPTE 170M, as OpenCV converts
        video.codec_context.color_range = 1
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        audio.codec_context.bit_rate = 128_000
        a_second = np.split(np.repeat(sound[None, :], CHANNELS, axis=0), len(sound) // SAMPLE_RATE, axis=1)
        for number, picture in enumerate(painted):
            if number % FRAME_RATE == 0:
                second = number // FRAME_RATE
                block = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(a_second[second]), format="fltp", layout="stereo"
                )
                block.sample_rate, block.pts, block.time_base = (
                    SAMPLE_RATE,
                    second * SAMPLE_RATE,
                    Fraction(1, SAMPLE_RATE),
                )
                container.mux(audio.encode(block))
            planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m demo.footage", description="Make footage to try things on."
    )
    parser.add_argument("out", type=Path, metavar="OUT.mp4")
    parser.add_argument("--seconds", type=int, default=60, help="length, at least 8 (60)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another talk (0)")
    parser.add_argument("--size", default="1280x720", help="width x height in pixels (1280x720)")
    asked = parser.parse_args()
    try:
        width, height = (int(side) for side in asked.size.split("x"))
        script = make_talk(asked.out, seconds=asked.seconds, seed=asked.seed, width=width, height=height)
    except (ValueError, VoiceMissing, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(
        f"{asked.out}: {float(script.duration):g} s, {len(script.sentences)} utterances, {len(script.shots)} shots, "
        f"{len(script.bad)} bad stretches"
    )


if __name__ == "__main__":
    _main()
