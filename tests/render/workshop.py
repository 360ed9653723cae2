"""From a clip to a film in one process: what the pool does, without the pool."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from cutroom_sdk.wire.media import Asset, AudioStream, VideoStream
from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Gap, Timeline, TimeRange, Track
from engine.kernel.blobs import hash_file
from engine.media.index import FrameIndex, build_index
from engine.media.source import open_media, picture, pictures, seconds, sound
from engine.media.tasks import Files, no_report
from engine.rendering import inspecting, worker
from engine.rendering.audio import worker as sound_worker
from engine.rendering.audio.work import (
    Lies,
    MasterWork,
    SoundDone,
    SoundWork,
    StemsWork,
    sources_of,
    stems_of,
)
from engine.rendering.capabilities import capabilities
from engine.rendering.plan import RenderPlan, compile_plan
from engine.rendering.walking import graph_inputs
from engine.rendering.work import Inspection, InspectWork, MuxWork

PROFILE = Profile(
    name="test", title="Test", width=None, height=None, rate=None, rate_max=Fraction(60), codec="h264", crf=20,
    preset="ultrafast", gop_s=Fraction(2), audio_codec="aac", audio_bitrate=192_000, sample_rate=48_000,
    loudness_lufs=None, true_peak_dbtp=None, max_duration=None, default_duration=None, source="the test",
    read_on="2026-11-21", confidence="convention",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A file with what the engine knows of it."""

    path: Path
    asset: Asset
    index: FrameIndex | None


@dataclass(frozen=True)
class Film:
    path: Path
    plan: RenderPlan
    inspection: Inspection
    sound: SoundDone | None

    def inspect_again(self, folder: Path) -> Inspection:
        """Look at this film with the evidence of the segments in `folder`."""
        return _inspect(
            self.plan, self.path, [folder / f"{n}.segment" for n in range(len(self.plan.segments))]
        )


def source_of(path: Path) -> Source:
    """Describe a file as probing it would."""
    descriptor = os.open(path, os.O_RDONLY)
    with open_media(descriptor) as container:
        video, audio = picture(container), sound(container)
        index = None if video is None else build_index(container)
        shown = None if video is None or index is None else _video(container, index)
        origin = Fraction(0) if index is None else index.start
        heard = None
        if audio is not None:
            heard = AudioStream(
                index=audio.index,
                codec=audio.codec_context.name,
                sample_rate=audio.codec_context.sample_rate,
                channels=audio.codec_context.channels,
                duration=seconds(audio.duration, audio.time_base),
                start=seconds(audio.start_time, audio.time_base) - origin,
            )
    os.close(descriptor)
    sha256 = hash_file(path)
    asset = Asset(
        asset_id=sha256[:32], name=path.name, sha256=sha256, bytes=path.stat().st_size, container=path.suffix,
        duration=index.duration if index else heard.duration if heard else Fraction(0), video=shown, audio=heard,
        path=str(path),
    )  # fmt: skip
    return Source(path, asset, index)


def _video(container: object, index: FrameIndex) -> VideoStream:
    import av

    assert isinstance(container, av.container.InputContainer)
    stream = picture(container)
    assert stream is not None
    frame = next(pictures(container))
    rotation: Literal[0, 90, 180, 270] = [0, 90, 180, 270][round(frame.rotation) // 90 % 4]  # type: ignore[assignment]
    width, height = (frame.height, frame.width) if rotation in (90, 270) else (frame.width, frame.height)
    return VideoStream(
        index=stream.index, codec=stream.codec_context.name, width=width, height=height,
        rate=index.count / index.duration, frame_count=index.count, duration=index.duration,
        coded_width=frame.width, coded_height=frame.height, rotation=rotation,
        pixel_format=frame.format.name,
    )  # fmt: skip


def span(source: Source, start: int, end: int, *, rate: Fraction, effects: Sequence[Effect] = ()) -> Clip:
    """A clip of the source's frames `[start, end)`, as long as so many output frames as fit."""
    assert source.index is not None
    first, last = source.index.time_of(start), source.index.time_of(end)
    frames = round((last - first) * rate)
    return Clip(
        id=f"{source.asset.name}-{start}",
        media=AssetReference(asset_id=source.asset.asset_id),
        source_range=TimeRange(start=first, duration=frames / rate),
        effects=tuple(effects),
    )


def timeline_of(
    items: Sequence[Clip | Gap], *, rate: Fraction, width: int = 320, height: int = 180, sound: bool = False
) -> Timeline:
    tracks = [Track(kind="video", name="picture", items=tuple(items))]
    if sound:
        tracks.append(Track(kind="audio", name="sound", items=tuple(items)))
    return Timeline(
        name="test", rate=rate, width=width, height=height, sample_rate=48_000, tracks=tuple(tracks)
    )


def plan_of(timeline: Timeline, sources: Sequence[Source], profile: Profile = PROFILE) -> RenderPlan:
    return compile_plan(
        timeline,
        {source.asset.asset_id: source.asset for source in sources},
        {source.asset.asset_id: source.index for source in sources if source.index is not None},
        profile,
        capabilities(),
    )


def make_film(
    folder: Path, timeline: Timeline, sources: Sequence[Source], profile: Profile = PROFILE
) -> Film:
    """Render a timeline to `folder/film.mp4`."""
    plan = plan_of(timeline, sources, profile)
    by_hash = {source.asset.sha256: source for source in sources}
    folder.mkdir(parents=True, exist_ok=True)
    parts = [folder / f"{number}.segment" for number in range(len(plan.segments))]
    for segment, part in zip(plan.segments, parts, strict=True):
        read = [by_hash[sha256] for sha256 in graph_inputs(segment.work.graph).sources]
        inputs = [path for one in read for path in (one.path, index_file(folder, one))]
        with Opened(inputs, [part]) as files:
            worker.render_segment(segment.work, files, no_report)
    made = None
    if plan.sound is not None:
        made = make_sound(folder, plan.sound, sources)
    film = folder / f"film.{plan.container}"
    joining = MuxWork(
        frames=plan.frames,
        parts=len(parts),
        encoder=plan.encoder,
        sound=None if plan.sound is None else plan.sound.encoder,
        container=plan.container,
    )
    with Opened([*parts, *([folder / "sound"] if plan.sound else [])], [film]) as files:
        worker.join(joining, files, no_report)
    return Film(film, plan, _inspect(plan, film, parts, whole=profile.decode_whole), made)


def make_sound(folder: Path, work: SoundWork, sources: Sequence[Source]) -> SoundDone:
    """Make the stems of a film's sound and then the sound, `folder/sound`."""
    by_hash = {source.asset.sha256: source for source in sources}
    stems = stems_of(work.mix)
    parts = [folder / f"{number}.stem" for number in range(len(stems))]
    with Opened([by_hash[one.sha256].path for one in sources_of(stems)], parts) as files:
        sound_worker.make_stems(StemsWork(stems=stems), files, no_report)
    places = tuple(Lies(file=number, offset=0) for number in range(len(parts)))
    with Opened(parts, [folder / "sound", folder / "scratch"]) as files:
        return sound_worker.make_sound(MasterWork(work=work, places=places), files, no_report)


def _inspect(plan: RenderPlan, film: Path, parts: Sequence[Path], *, whole: bool = False) -> Inspection:
    looking = InspectWork(frames=plan.frames, parts=len(parts), cuts=plan.cuts, whole=whole)
    with Opened([film, *parts], []) as files:
        return inspecting.inspect(looking, files, no_report)


class Opened:
    """Open descriptors for a task."""

    def __init__(self, inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
        self._inputs, self._outputs = inputs, outputs

    def __enter__(self) -> Files:
        self._files = Files(
            inputs=tuple(os.open(path, os.O_RDONLY) for path in self._inputs),
            outputs=tuple(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC) for path in self._outputs),
        )
        return self._files

    def __exit__(self, *_: object) -> None:
        for descriptor in (*self._files.inputs, *self._files.outputs):
            os.close(descriptor)


def index_file(folder: Path, source: Source) -> Path:
    assert source.index is not None
    path = folder / f"{source.asset.asset_id}.index"
    path.write_bytes(source.index.to_bytes())
    return path
