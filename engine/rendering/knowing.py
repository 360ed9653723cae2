"""What analyses have found in a film's footage, for the tester: where somebody speaks, and where faces are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cutroom_sdk.wire.media import Artifact, Asset, Faces, Speech
from cutroom_sdk.wire.plans import Dependency
from engine.kernel.blobs import Blobs
from engine.kernel.context import Context
from engine.media.analysis.backends import backend
from engine.media.index import FrameIndex
from engine.media.registering import Registrar
from engine.rendering.analyses import dependency, read
from engine.rendering.sources import Material


@dataclass(frozen=True, kw_only=True)
class Known:
    """By asset id: the assets, their frame indexes, and of those that were analysed what was found.

    `dependencies` name the analyses that were looked for.
    """

    assets: Mapping[str, Asset] = field(default_factory=dict)
    indexes: Mapping[str, FrameIndex] = field(default_factory=dict)
    speech: Mapping[str, tuple[Speech, ...]] = field(default_factory=dict)
    faces: Mapping[str, Faces] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()


async def known_of(
    material: Material, cropped: frozenset[str], registrar: Registrar, context: Context, blobs: Blobs
) -> Known:
    """Return what analyses have found in the footage of a film.

    Args:
        material: what the film is made from.
        cropped: the assets of which not all is seen: of these it counts where faces are.
        registrar: knows artifacts.
        context: who asks.
        blobs: hold what artifacts say.
    """
    speech: dict[str, tuple[Speech, ...]] = {}
    faces: dict[str, Faces] = {}
    dependencies: list[Dependency] = []

    async def looked_for(asset: Asset, kind: str, use: str) -> Artifact | None:
        found = await registrar.artifact_of(asset, backend(kind), context)
        dependencies.append(dependency(asset.asset_id, found, kind, use))
        return found

    for asset_id, asset in sorted(material.assets.items()):
        if asset.audio is not None:
            heard = await looked_for(asset, "speech", "the check words")
            if heard is not None:
                speech[asset_id] = read(heard, tuple[Speech, ...], blobs)
        if asset_id in cropped:
            seen = await looked_for(asset, "faces", "the check faces_in_frame")
            if seen is not None:
                faces[asset_id] = read(seen, Faces, blobs)
    return Known(
        assets=material.assets,
        indexes=material.indexes,
        speech=speech,
        faces=faces,
        dependencies=tuple(dependencies),
    )
