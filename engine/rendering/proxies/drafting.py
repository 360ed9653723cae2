"""Drafts read proxies: which stand in for what, what is asked for, and what is said about it."""

from dataclasses import replace
from typing import Final

from msgspec.structs import replace as profile_with

from cutroom_sdk.wire.renders import Profile
from engine.editing.profiles import profile_named
from engine.kernel.context import Context
from engine.rendering.proxies import ladder
from engine.rendering.proxies.jobs import Proxies
from engine.rendering.sources import Material
from engine.rendering.standins import StandIn

DRAFT: Final = "draft"


def drafted(profile: Profile) -> Profile:
    """Return a profile as a draft of it is made: the same frames, no larger than a draft, from proxies."""
    most = profile_named(DRAFT).short_side
    assert most is not None, "a draft is small"
    return profile_with(
        profile, short_side=min(most, profile.short_side or most), proxies=True, copies="never"
    )


async def with_proxies(
    material: Material, lines: int, proxies: Proxies, context: Context, *, ask: bool
) -> Material:
    """Return the material with proxies in the place of footage that has more lines than a canvas can show.

    Args:
        material: of a timeline.
        lines: of the canvas's shorter side.
        proxies: those there are.
        context: for whom.
        ask: have those made that are missing.
    """
    stand_ins: dict[str, StandIn] = {}
    said: list[str] = []
    for asset_id, index_blob in material.index_blobs.items():
        asset = material.assets[asset_id]
        size = None if asset.video is None else ladder.size_for(asset.video, lines)
        if size is None:
            continue
        found = await proxies.stand_in(asset, index_blob, lines, context)
        if found is not None:
            stand_ins[asset_id] = found
            said.append(f"{asset.name}: pictures come from its proxy of {found.size} lines")
            continue
        missing = f"{asset.name}: pictures come from the footage itself, for it has no proxy of {size} lines"
        coming = ask and await proxies.want(asset, lines, context)
        said.append(f"{missing} yet; one is being made" if coming else missing)
    return replace(material, stand_ins=stand_ins, preview_warnings=tuple(said))
