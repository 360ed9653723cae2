"""What a render reads: the plan, the assets it names, their files and frame indexes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cutroom_sdk.wire.codec import convert, decode
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact, Asset
from cutroom_sdk.wire.timeline import Clip, Timeline
from engine.editing.timeline import asset_of
from engine.kernel.blobs import Blobs
from engine.kernel.errors import Invalid
from engine.kernel.tools import Resources
from engine.media.index import FrameIndex

CUT_PLAN: Final = "cut_plan"
FRAME_INDEX: Final = "frame_index"


@dataclass(frozen=True, kw_only=True)
class Material:
    """All that a plan is compiled from. `indexes` and `index_blobs` are by asset id, as `assets`."""

    cut_plan: CutPlan
    cut_plan_ref: str
    assets: Mapping[str, Asset]
    indexes: Mapping[str, FrameIndex]
    index_blobs: Mapping[str, str]


async def gather(refs: Sequence[str], resources: Resources, blobs: Blobs) -> Material:
    """Read what the refs of a run name.

    Raises:
        Invalid: there is no cut plan among them, or an asset or a frame index that it needs is missing.
    """
    artifacts = {ref: await resources.value(ref, Artifact) for ref in refs if ref.startswith("artifact/")}
    plans = [(ref, one) for ref, one in artifacts.items() if one is not None and one.kind == CUT_PLAN]
    if not plans:
        raise Invalid("there is no cut plan to render: plan the cut first")
    # What an item made itself stands before what it hands on.
    plan_ref, plan_artifact = plans[0]
    cut_plan = read_plan(plan_artifact, blobs)
    assets: dict[str, Asset] = {}
    for asset_id in _named(cut_plan.timeline):
        asset = await resources.value(f"asset/{asset_id}", Asset)
        if asset is None:
            raise Invalid(f"the cut plan needs the asset {asset_id}: it is not there", asset=asset_id)
        assets[asset_id] = asset
    index_blobs = {
        one.asset_id: one.data_blob
        for one in artifacts.values()
        if one is not None and one.kind == FRAME_INDEX and one.data_blob is not None
    }
    for asset in assets.values():
        if asset.video is not None and asset.asset_id not in index_blobs:
            raise Invalid(
                f"the frame index of {asset.name} is missing: ingest it again", asset=asset.asset_id
            )
    indexes = {
        asset_id: FrameIndex.from_bytes(blobs.read(index_blobs[asset_id]))
        for asset_id in assets
        if asset_id in index_blobs
    }
    return Material(
        cut_plan=cut_plan,
        cut_plan_ref=plan_ref,
        assets=assets,
        indexes=indexes,
        index_blobs={asset_id: index_blobs[asset_id] for asset_id in indexes},
    )


def read_plan(artifact: Artifact, blobs: Blobs) -> CutPlan:
    """Return the cut plan that an artifact holds."""
    if artifact.data_blob is not None:
        return decode(blobs.read(artifact.data_blob), CutPlan)
    return convert(artifact.data, CutPlan)


def _named(timeline: Timeline) -> list[str]:
    clips = (item for track in timeline.tracks for item in track.items)
    return sorted({asset_of(item) for item in clips if isinstance(item, Clip)})
