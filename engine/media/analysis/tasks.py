"""What a worker process is asked: one pass over the picture or the sound for all the kinds that are wanted of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from av.container import InputContainer

from cutroom_sdk.wire.codec import to_builtins
from engine.kernel.errors import Unavailable
from engine.media.analysis import beats, loudness, silero
from engine.media.analysis.beats import BeatFinder
from engine.media.analysis.camera import CameraMeter
from engine.media.analysis.faces import FaceFinder
from engine.media.analysis.look import Look, Looker
from engine.media.analysis.loudness import LoudnessMeter
from engine.media.analysis.motion import MotionMeter
from engine.media.analysis.params import (
    BeatsParams,
    FacesParams,
    LoudnessParams,
    MotionParams,
    QualityParams,
    ShotsParams,
    SpeechParams,
    read_params,
)
from engine.media.analysis.quality import QualityMeter
from engine.media.analysis.requests import AnalyseRequest, AnalyseResult
from engine.media.analysis.shots import ShotFinder
from engine.media.analysis.speech import SpeechFinder
from engine.media.audio import SoundReader
from engine.media.index import FrameIndex, build_index
from engine.media.source import indexed_picture, open_media, pictures, sound, unreadable
from engine.media.tasks import Files, Report, task, warm_up

_BLOCK_S = 1  # of sound between two reports


@warm_up
def load_detectors() -> None:
    """Fix what would make results depend on the machine, and rehearse: libraries load parts of themselves when used."""
    cv2.setNumThreads(1)
    noise = np.random.default_rng(0).integers(0, 256, (2, 90, 160), dtype=np.uint8)
    shots, motion, quality = ShotFinder(), MotionMeter(Fraction(1, 5)), QualityMeter(Fraction(1, 5), 0.2)
    camera = CameraMeter()
    for number in range(20):
        look = Look(number, Fraction(number, 25), noise[number // 10])
        for detector in (shots, motion, quality, camera):
            detector.add(look)
    end = Fraction(20, 25)
    motion.finish(end, shots.finish(end))
    quality.finish(end)
    camera.finish()
    with contextlib.suppress(Unavailable):
        FaceFinder(Fraction(1, 5), 0.5).add(Look(0, Fraction(0), noise[0]))
    meter = LoudnessMeter()
    meter.add(np.zeros((loudness.RATE, loudness.CHANNELS), dtype=np.float32))
    meter.finish()
    pulse, click = BeatFinder(), np.zeros(4 * beats.RATE, dtype=np.float32)
    click[:: beats.RATE // 2] = 1.0
    pulse.add(click)
    pulse.finish()
    # Without the model the other kinds still work; asking for speech then says what is missing.
    with contextlib.suppress(Unavailable):
        finder = SpeechFinder(SpeechParams())
        finder.add(np.zeros(silero.RATE, dtype=np.float32))
        finder.finish()


@task
def analyse_video(request: AnalyseRequest, files: Files, report: Report) -> AnalyseResult:
    """Look at every frame once. Kinds: shots, motion, quality, faces, camera.

    Raises:
        Invalid: `media_unreadable`, or a parameter is wrong.
        Unavailable: faces are wanted and their model is not there.
    """
    cv2.setNumThreads(1)
    wanted = set(request.kinds)
    assert wanted <= {"shots", "motion", "quality", "faces", "camera"}, "these are the kinds of picture"
    _params(request, "shots", ShotsParams)
    hop = _params(request, "motion", MotionParams).hop
    exposed = _params(request, "quality", QualityParams)
    shots = ShotFinder() if wanted & {"shots", "motion"} else None
    motion = MotionMeter(hop) if "motion" in wanted else None
    quality = QualityMeter(exposed.hop, exposed.blur_below) if "quality" in wanted else None
    sought = _params(request, "faces", FacesParams)
    faces = FaceFinder(sought.hop, sought.threshold) if "faces" in wanted else None
    camera = CameraMeter() if "camera" in wanted else None
    meters = (shots, motion, quality, faces, camera)
    detectors = [detector for detector in meters if detector is not None]
    with open_media(files.inputs[0]) as container:
        index = FrameIndex.from_bytes(request.index) if request.index is not None else build_index(container)
        lost = 0
        for look, is_there in _looks(container, index):
            lost += not is_there
            for detector in detectors:
                detector.add(look)
            report(look.number + 1, index.count)
    found = shots.finish(index.duration) if shots is not None else ()
    data: dict[str, Any] = {}
    if "shots" in wanted:
        data["shots"] = found
    if motion is not None:
        data["motion"] = motion.finish(index.duration, found)
    if quality is not None:
        data["quality"] = quality.finish(index.duration)
    if faces is not None:
        data["faces"] = faces.finish(index.duration)
    plain = to_builtins(data)
    if camera is not None:
        plain["camera"] = camera.finish()
    notice = (f"{lost} of {index.count} frames cannot be decoded; the frames before stand in for them",)
    return AnalyseResult(data=plain, notices=dict.fromkeys(plain, notice) if lost else {})


@task
def analyse_audio(request: AnalyseRequest, files: Files, report: Report) -> AnalyseResult:
    """Listen to the sound, once for each kind: they want it at different rates. Kinds: speech, loudness, beats.

    Raises:
        Invalid: `media_unreadable`, or a parameter is wrong.
        Unavailable: speech is wanted and its model is not there.
    """
    wanted = set(request.kinds)
    assert wanted <= {"speech", "loudness", "beats"}, "these are the kinds of sound"
    params = _params(request, "speech", SpeechParams)
    _params(request, "loudness", LoudnessParams)
    _params(request, "beats", BeatsParams)
    data: dict[str, Any] = {}
    with open_media(files.inputs[0]) as container:
        progress = _Progress(container, len(wanted), report)
        if "speech" in wanted:
            finder = SpeechFinder(params)
            reader = SoundReader(container, rate=silero.RATE, channels=1, origin=request.origin)
            for block in reader.blocks(size=silero.RATE * _BLOCK_S):
                finder.add(block[:, 0])
                progress.heard(_BLOCK_S)
            data["speech"] = finder.finish()
        if "loudness" in wanted:
            meter = LoudnessMeter()
            reader = SoundReader(
                container, rate=loudness.RATE, channels=loudness.CHANNELS, origin=request.origin
            )
            for block in reader.blocks(size=loudness.RATE * _BLOCK_S):
                meter.add(block)
                progress.heard(_BLOCK_S)
            data["loudness"] = meter.finish()
        if "beats" in wanted:
            pulse = BeatFinder()
            reader = SoundReader(container, rate=beats.RATE, channels=1, origin=request.origin)
            for block in reader.blocks(size=beats.RATE * _BLOCK_S):
                pulse.add(block[:, 0])
                progress.heard(_BLOCK_S)
            data["beats"] = pulse.finish()
    return AnalyseResult(data=to_builtins(data))


def _params(request: AnalyseRequest, kind: str, form: type[Any]) -> Any:
    return read_params(kind, request.params.get(kind, {}), form)


def _looks(container: InputContainer, index: FrameIndex) -> Iterator[tuple[Look, bool]]:
    """Yield every frame of the index in order, and whether it could be decoded.

    For one that could not the frame before stands in, as it does on a screen; for the first ones the first that can.
    """
    stream = indexed_picture(container)
    looker = Looker(Fraction(stream.sample_aspect_ratio or 1))
    numbers = {pts: number for number, pts in enumerate(index.pts)}
    expected = 0
    look: Look | None = None
    for place, frame in enumerate(pictures(container)):
        number = place if index.linear else numbers.get(frame.pts or 0, -1)
        if not expected <= number < index.count:
            continue
        seen = looker.look(number, index.time_of(number), frame)
        for missing in range(expected, number):
            yield (look or seen).again(missing, index.time_of(missing)), False
        yield seen, True
        look, expected = seen, number + 1
    if look is None:
        raise unreadable("not a single frame of its picture can be decoded; it may be cut off or damaged")
    for missing in range(expected, index.count):
        yield look.again(missing, index.time_of(missing)), False


class _Progress:
    """Reports seconds heard of those there are; a sound of unknown length is always as long as what was heard."""

    def __init__(self, container: InputContainer, passes: int, report: Report) -> None:
        stream = sound(container)
        length = Fraction(0)
        if stream is not None and stream.duration and stream.time_base:
            length = stream.duration * stream.time_base
        elif container.duration:
            length = Fraction(container.duration, 1_000_000)
        self._total, self._report, self._done = float(length * passes), report, 0.0

    def heard(self, seconds: float) -> None:
        self._done += seconds
        self._report(self._done, max(self._done, self._total))
