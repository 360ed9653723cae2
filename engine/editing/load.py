"""From what a run was given to what the planner takes: assets, their analyses, and the plans that were refused before."""

import asyncio
from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec import Struct

from cutroom_sdk.wire.codec import convert, decode
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact, Asset, Faces, Loudness, Motion, Quality, Shot, Speech
from cutroom_sdk.wire.missions import WorkItemDetail
from cutroom_sdk.wire.runs import Run
from engine.editing.planner.source import Source
from engine.kernel.blobs import Blobs
from engine.kernel.errors import Invalid, NotFound, WorkFailed
from engine.kernel.ids import kind_of
from engine.kernel.tools import ToolContext
from engine.media.index import FrameIndex

T = TypeVar("T")
CUT_PLAN: Final = "cut_plan"
FRAME_INDEX: Final = "frame_index"
ANALYSES: Final = ("shots", "speech", "loudness", "motion", "quality", "faces")
_MISSING: Final = {
    "shots": "cuts are not put on the edges of shots",
    "speech": "sentences cannot be told from pauses",
    "loudness": "how loud a stretch is does not count",
    "motion": "how much moves does not count, and crops stay in the middle",
    "faces": "crops follow what moves, not who is seen",
    "quality": "bad pictures are not left out",
}


class Footage(Struct, frozen=True, kw_only=True):
    """The footage of a run in the order given, assets with a picture only, and its analyses by asset id and kind."""

    assets: tuple[Asset, ...]
    analyses: dict[str, dict[str, Artifact]]
    notices: tuple[str, ...]


async def load_footage(refs: Sequence[str], context: ToolContext) -> Footage:
    """Read the assets and artifacts among `refs`.

    Raises:
        Invalid: there is no footage with a picture.
        NotFound: an asset is gone.
    """
    assets: list[Asset] = []
    analyses: dict[str, dict[str, Artifact]] = {}
    for ref in dict.fromkeys(refs):
        if kind_of(ref) == "asset":
            asset = await context.resources.value(ref, Asset)
            if asset is None:
                raise NotFound(f"there is no {ref} any more", key=ref)
            assets.append(asset)
    # In an order of their own: which was listed first must make no difference.
    for ref in sorted(set(refs)):
        if kind_of(ref) == "artifact":
            artifact = await context.resources.value(ref, Artifact)
            if artifact is not None:
                analyses.setdefault(artifact.asset_id, {})[artifact.kind] = artifact
    seen = tuple(asset for asset in assets if asset.video is not None)
    if not seen:
        names = ", ".join(asset.name for asset in assets) or "nothing"
        raise Invalid(
            f"a cut needs footage with a picture; given was {names}: add a file with a picture",
            field="assets",
        )
    notices = [f"{asset.name} has no picture: it is left out" for asset in assets if asset.video is None]
    for asset in seen:
        notices += _missing(asset, analyses.get(asset.asset_id, {}))
    return Footage(assets=seen, analyses=analyses, notices=tuple(notices))


async def load_sources(footage: Footage, context: ToolContext) -> tuple[Source, ...]:
    """Read what the planner needs of each asset, in order.

    Raises:
        WorkFailed: an asset has no frame index: it was not taken in.
    """
    return tuple([await _source(asset, footage, context.blobs) for asset in footage.assets])


async def load_plan(ref: str, context: ToolContext) -> CutPlan | None:
    """Return the plan of an artifact; None when it is something else, or gone."""
    if kind_of(ref) != "artifact":
        return None
    artifact = await context.resources.value(ref, Artifact)
    if artifact is None or artifact.kind != CUT_PLAN:
        return None
    return await _data(artifact, CutPlan, context.blobs)


async def refused_plans(context: ToolContext) -> tuple[CutPlan, ...]:
    """Return the plans of earlier attempts of the same work item, the first one first; none outside a mission."""
    run = await context.resources.value(f"run/{context.run_id}", Run) if context.mission_id else None
    if run is None:
        return ()
    key = f"mission/{context.mission_id}/item/{run.work_item_id}"
    item = await context.resources.value(key, WorkItemDetail)
    plans = []
    for attempt in item.attempts if item is not None else ():
        # Attempts that failed made no plan that anybody could have refused.
        if attempt.attempt < context.attempt and attempt.status == "succeeded":
            plans += [await load_plan(ref, context) for ref in attempt.refs]
    return tuple(plan for plan in plans if plan is not None)


def _missing(asset: Asset, found: dict[str, Artifact]) -> list[str]:
    wanted = [kind for kind in ANALYSES if asset.audio is not None or kind not in ("speech", "loudness")]
    return [f"{asset.name}: no {kind} analysis: {_MISSING[kind]}" for kind in wanted if kind not in found]


async def _source(asset: Asset, footage: Footage, blobs: Blobs) -> Source:
    assert asset.video is not None, "only assets with a picture are planned"
    found = footage.analyses.get(asset.asset_id, {})
    index = found.get(FRAME_INDEX)
    if index is None or index.data_blob is None:
        raise WorkFailed(f"{asset.name} has no frame index: take it in first", asset_id=asset.asset_id)
    frames = await _blob(index, index.data_blob, blobs)
    return Source(
        asset_id=asset.asset_id,
        name=asset.name,
        index=FrameIndex.from_bytes(frames),
        rate=asset.video.rate,
        width=asset.video.width,
        height=asset.video.height,
        has_sound=asset.audio is not None,
        speech=await _analysis(found, "speech", tuple[Speech, ...], blobs),
        shots=await _analysis(found, "shots", tuple[Shot, ...], blobs) or (),
        loudness=await _analysis(found, "loudness", Loudness, blobs),
        motion=await _analysis(found, "motion", Motion, blobs),
        quality=await _analysis(found, "quality", Quality, blobs),
        faces=await _analysis(found, "faces", Faces, blobs),
        artifacts={kind: found[kind].artifact_id for kind in sorted(found) if kind != CUT_PLAN},
    )


async def _analysis(found: dict[str, Artifact], kind: str, form: type[T], blobs: Blobs) -> T | None:
    return await _data(found[kind], form, blobs) if kind in found else None


async def _data(artifact: Artifact, form: type[T], blobs: Blobs) -> T:
    if artifact.data_blob is None:
        return convert(artifact.data, form)
    return decode(await _blob(artifact, artifact.data_blob, blobs), form)


async def _blob(artifact: Artifact, sha256: str, blobs: Blobs) -> bytes:
    try:
        return await asyncio.to_thread(blobs.read, sha256)
    except FileNotFoundError:
        raise WorkFailed(
            f"the data of the {artifact.kind} analysis {artifact.artifact_id} is not among the blobs any more;"
            " restore the backup that has it"
        ) from None
