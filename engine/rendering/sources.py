"""What a render reads: a timeline that stands by itself, the assets it names, their files and frame indexes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact, Asset
from cutroom_sdk.wire.plans import Dependency
from cutroom_sdk.wire.timeline import AssetReference, Clip, Nested, Timeline, TimelineReference, Track
from engine.kernel.blobs import Blobs
from engine.kernel.context import Context
from engine.kernel.errors import Invalid, NotFound, Rejected, StudioError
from engine.kernel.tools import Resources
from engine.media.analysis.backends import backend
from engine.media.cache import FRAME_INDEX
from engine.media.files import source_path
from engine.media.index import FrameIndex
from engine.media.registering import Registrar
from engine.rendering.analyses import Analyses, dependency, gathered, read
from engine.rendering.standins import StandIn

CUT_PLAN: Final = "cut_plan"
NESTED_MOST: Final = 16

# Reads a timeline at a version of its stream, None: as it is now; gives the version that it read.
Forgive = Callable[[StudioError], None]
ReadTimeline = Callable[[str, int | None, Context], Awaitable[tuple[Timeline, int]]]


@dataclass(frozen=True, kw_only=True)
class Material:
    """All that a plan is compiled from, by asset id. `index_blobs` hold the frame indexes; sound alone has none.

    `analyses` are those that something in the timeline goes by. `dependencies` name the artifacts that were looked for.
    `stand_ins` are proxies that are read instead of assets' own pictures, `preview_warnings` what is to be said about that.
    """

    assets: dict[str, Asset]
    indexes: dict[str, FrameIndex]
    index_blobs: dict[str, str]
    analyses: Analyses = field(default_factory=Analyses)
    dependencies: tuple[Dependency, ...] = ()
    stand_ins: dict[str, StandIn] = field(default_factory=dict)
    preview_warnings: tuple[str, ...] = ()

    def pictures(self, blobs: Blobs, *, only: Sequence[str]) -> dict[str, tuple[Path, Path]]:
        """Return the files of pictures and of their frame indexes, by the hashes under which a tree names them.

        Raises:
            NotFound, Rejected: a source's file is gone, or another one by now.
        """
        found = {
            one.sha256: (blobs.path(one.sha256), blobs.path(one.index_blob))
            for one in self.stand_ins.values()
        }
        for asset_id, index_blob in self.index_blobs.items():
            asset = self.assets[asset_id]
            if asset.sha256 in only:
                found[asset.sha256] = (source_path(asset, blobs), blobs.path(index_blob))
        return found


async def resolved(
    timeline: Timeline,
    read: ReadTimeline,
    context: Context,
    within: tuple[str, ...] = (),
    *,
    forgive: Forgive | None = None,
) -> Timeline:
    """Return a timeline with what it refers to put in its place, so that it stands by itself.

    What is not there is told to `forgive` and left as it is, where that is given.

    Raises:
        Invalid: timelines that hold each other, or are nested too deeply.
        NotFound: a timeline that it refers to is not there.
    """
    if len(within) > NESTED_MOST:
        raise Invalid(f"timelines are nested more than {NESTED_MOST} deep", field="timeline")
    tracks = []
    for track in timeline.tracks:
        items = [
            await _resolved_clip(item, read, context, within, forgive) if isinstance(item, Clip) else item
            for item in track.items
        ]
        tracks.append(replace(track, items=tuple(items)))
    return replace(timeline, tracks=tuple(tracks))


async def _resolved_clip(
    clip: Clip, read: ReadTimeline, context: Context, within: tuple[str, ...], forgive: Forgive | None
) -> Clip:
    match clip.media:
        case TimelineReference(timeline_id=timeline_id, version=version):
            if timeline_id in within:
                raise Invalid(
                    f"the clip {clip.id!r} shows the timeline {timeline_id}, which it is part of itself",
                    field="timeline",
                )
            try:
                inner, _ = await read(timeline_id, version, context)
            except NotFound as error:
                if forgive is None:
                    raise
                forgive(error)
                return clip
            whole = await resolved(inner, read, context, (*within, timeline_id), forgive=forgive)
        case Nested(timeline=inner):
            whole = await resolved(inner, read, context, (*within, ""), forgive=forgive)
        case _:
            return clip
    return replace(clip, media=Nested(timeline=whole))


async def gather(
    timeline: Timeline,
    registrar: Registrar,
    context: Context,
    blobs: Blobs,
    *,
    forgive: Forgive | None = None,
) -> Material:
    """Read what a resolved timeline names, each file certain to be the one that was registered.

    What is not there is told to `forgive` and left out, where that is given.

    Raises:
        NotFound: an asset, or its file, is not there.
        Rejected: `asset_stale`: an asset's file is another one by now.
    """
    assets: dict[str, Asset] = {}
    index_blobs: dict[str, str] = {}
    dependencies: list[Dependency] = []
    for asset_id, clip in named(timeline).items():
        try:
            asset = (await registrar.check(asset_id, context)).asset
        except (NotFound, Rejected) as error:
            if forgive is None:
                raise _of_clip(error, clip, asset_id) from error
            forgive(_of_clip(error, clip, asset_id))
            continue
        assets[asset_id] = asset
        index = await registrar.index_of(asset, context)
        if asset.video is not None:
            dependencies.append(dependency(asset_id, index, FRAME_INDEX.kind, "frames by their time"))
        if asset.video is not None and index is not None and index.data_blob is not None:
            index_blobs[asset_id] = index.data_blob
    indexes = {asset_id: FrameIndex.from_bytes(blobs.read(blob)) for asset_id, blob in index_blobs.items()}
    analyses, looked_for = await gathered(
        timeline,
        assets,
        lambda asset, kind: registrar.artifact_of(asset, backend(kind), context),
        blobs,
    )
    return Material(
        assets=assets,
        indexes=indexes,
        index_blobs=index_blobs,
        analyses=analyses,
        dependencies=(*dependencies, *looked_for),
    )


def named(timeline: Timeline) -> dict[str, str]:
    """Return the assets that the enabled clips of a timeline show, each with the first clip that does, by asset id."""
    found: dict[str, str] = {}
    for track in timeline.tracks:
        if track.enabled:
            for asset_id, clip in _named_by(track):
                found.setdefault(asset_id, clip)
    return dict(sorted(found.items()))


def _named_by(track: Track) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for clip in track.items:
        match clip:
            case Clip(enabled=True, media=AssetReference(asset_id=asset_id)):
                found.append((asset_id, clip.id))
            case Clip(enabled=True, media=Nested(timeline=inner)):
                found += [(asset_id, clip.id) for asset_id in named(inner)]
            case _:
                pass
    return found


def _of_clip(error: StudioError, clip: str, asset_id: str) -> StudioError:
    error.detail = f"the clip {clip!r} needs the asset {asset_id}: {error.detail}"
    error.args = (error.detail,)
    error.extra |= {"stage": "probe", "clip": clip, "asset_id": asset_id}
    return error


async def planned(refs: Sequence[str], resources: Resources, blobs: Blobs) -> tuple[str, CutPlan]:
    """Return the cut plan among the refs of a run, and its ref.

    Raises:
        Invalid: there is none.
    """
    artifacts = {ref: await resources.value(ref, Artifact) for ref in refs if ref.startswith("artifact/")}
    plans = [(ref, one) for ref, one in artifacts.items() if one is not None and one.kind == CUT_PLAN]
    if not plans:
        raise Invalid("there is no cut plan to render: plan the cut first")
    # What an item made itself stands before what it hands on.
    return plans[0][0], read_plan(plans[0][1], blobs)


def read_plan(artifact: Artifact, blobs: Blobs) -> CutPlan:
    """Return the cut plan that an artifact holds."""
    return read(artifact, CutPlan, blobs)
