"""A picture through its effects, in their order, each with its values at every frame and the region that it acts in."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Effect, Mask
from engine.editing.catalogue.spec import catalogue
from engine.editing.curves import Curve, value_at
from engine.kernel.errors import Invalid
from engine.rendering.analyses import STABILISE, Kind, command_for
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.values import entry_of, files_of, values_of
from engine.rendering.graph import Effected, Node, Numbers, Region
from engine.rendering.walking import folded


class FindFaces(Protocol):
    """Gives the regions of the faces that are seen in a picture."""

    def __call__(self, feather: Numbers, *, inverted: bool) -> tuple[Region, ...]:
        """`feather` and `inverted` as `Region` has them."""
        ...


# What the compiler itself does rather than the worker's table of effects.
COMPILED = frozenset({"blend", "slow_motion", "track_matte"})


def dressed(
    node: Node,
    effects: Sequence[Effect],
    times: Sequence[Fraction],
    seeds: tuple[int, ...],
    where: str,
    given: Given,
    faces: FindFaces | None = None,
    asset_id: str | None = None,
) -> Node:
    """Return the picture through the effects.

    Args:
        node: the picture.
        effects: those that are switched on, none of which places; those of sound are passed over.
        times: clip time of each frame.
        seeds: a number for each frame that follows from what it shows, or one for all.
        where: whose effects these are.
        given: what is told.
        faces: gives the regions of the faces that are seen; None: nobody has looked for any.
        asset_id: what the picture shows, None where it is no footage.

    Raises:
        Invalid: `unknown_effect`, a parameter or a value that cannot be, a region that nobody has looked for.
    """
    for effect in effects:
        known = catalogue().get(effect.name)
        if effect.name in COMPILED or (known is not None and known.kind == "sound"):
            continue
        entry = entry_of(effect.name, "effect", where)
        if effect.mask is not None and effect.mask.shape == "faces" and faces is None:
            said = "its region are faces, and nobody has looked for any (a region by hand would do)"
            _missing(f"{where}: {entry.name}: {said}", asset_id, given, "faces")
            continue
        if effect.name == STABILISE and not effect.parameters.get("file"):
            path = _camera_path(where, asset_id, given)
            if path is None:
                continue
            effect = replace(effect, parameters={**effect.parameters, "file": path})
        if entry.region and effect.mask is None:
            given.notice(f"{where}: {entry.name} acts on the whole picture, as no region says where")
        regions = _regions(effect.mask, times, faces)
        if regions is None:
            continue
        values = values_of(entry, effect.parameters, times, where=where, notice=given.notice)
        node = Effected(
            input=node,
            name=entry.name,
            values=values,
            seed=folded(seeds),
            regions=regions,
            files=files_of(entry, values),
        )
    return node


def _camera_path(where: str, asset_id: str | None, given: Given) -> str | None:
    """Return the hash of the path of the camera that took the footage; None in a dry run without it.

    Raises:
        Invalid: there is none.
    """
    path = None if asset_id is None else given.analyses.cameras.get(asset_id)
    if path is None:
        said = "stabilise goes by the camera's path, and nobody has looked for it"
        if asset_id is None:
            said = "stabilise goes by the path of a camera, and this is no footage of one"
        _missing(f"{where}: {said}", asset_id, given, "camera")
        return None
    given.method(f"{where}: stabilised by the camera's path {path[:12]}, as the analysis has found it")
    return path


def _missing(said: str, asset_id: str | None, given: Given, kind: Kind) -> None:
    """Warn in a dry run of an analysis that is not there.

    Raises:
        Invalid: it is no dry run.
    """
    if asset_id is not None:
        said += f"; have it analysed: {command_for(kind, asset_id)}"
    if not given.lenient:
        raise Invalid(said, field="timeline", asset=asset_id)
    given.warn(said)


def _regions(
    mask: Mask | None, times: Sequence[Fraction], faces: FindFaces | None
) -> tuple[Region, ...] | None:
    """Return where an effect acts, () everywhere; None: nowhere."""
    if mask is None:
        return ()

    def along(curve: Curve) -> Numbers:
        if not isinstance(curve, tuple):
            return (float(curve),)
        return folded(tuple(value_at(curve, time) for time in times))

    if mask.shape == "faces":
        assert faces is not None, "it was asked for before"
        found = faces(along(mask.feather), inverted=mask.inverted)
        return found or (() if mask.inverted else None)
    region = Region(
        shape=mask.shape,
        x=along(mask.x),
        y=along(mask.y),
        width=along(mask.width),
        height=along(mask.height),
        feather=along(mask.feather),
        inverted=mask.inverted,
    )
    return (region,)
