"""A picture through its effects, in their order, each with its values at every frame and the region that it acts in."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from cutroom_sdk.wire.timeline import Effect, Mask
from engine.editing.catalogue.spec import catalogue
from engine.editing.curves import Curve, value_at
from engine.kernel.errors import Invalid
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
COMPILED = frozenset({"blend", "slow_motion"})


def dressed(
    node: Node,
    effects: Sequence[Effect],
    times: Sequence[Fraction],
    seeds: tuple[int, ...],
    where: str,
    given: Given,
    faces: FindFaces | None = None,
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

    Raises:
        Invalid: `unknown_effect`, a parameter or a value that cannot be, a region that nobody has looked for.
    """
    for effect in effects:
        known = catalogue().get(effect.name)
        if effect.name in COMPILED or (known is not None and known.kind == "sound"):
            continue
        entry = entry_of(effect.name, "effect", where)
        if entry.region and effect.mask is None:
            given.notice(f"{where}: {entry.name} acts on the whole picture, as no region says where")
        regions = _regions(effect.mask, times, f"{where}: {entry.name}", faces)
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


def _regions(
    mask: Mask | None, times: Sequence[Fraction], where: str, faces: FindFaces | None
) -> tuple[Region, ...] | None:
    """Return where an effect acts, () everywhere; None: nowhere."""
    if mask is None:
        return ()

    def along(curve: Curve) -> Numbers:
        if not isinstance(curve, tuple):
            return (float(curve),)
        return folded(tuple(value_at(curve, time) for time in times))

    if mask.shape == "faces":
        if faces is None:
            raise Invalid(
                f"{where}: its region are faces, and nobody has looked for any: analyse its footage for faces,"
                " or give it a region by hand"
            )
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
