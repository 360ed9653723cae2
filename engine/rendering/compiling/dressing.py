"""A picture through its effects, in their order, each with its values at every frame and the region that it acts in."""

from collections.abc import Sequence
from fractions import Fraction

from cutroom_sdk.wire.timeline import Effect, Mask
from engine.editing.catalogue.spec import catalogue
from engine.editing.curves import Curve, value_at
from engine.kernel.errors import Invalid
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.values import entry_of, files_of, values_of
from engine.rendering.graph import Effected, Node, Numbers, Region
from engine.rendering.walking import folded

# What the compiler itself does rather than the worker's table of effects.
COMPILED = frozenset({"blend", "slow_motion"})


def dressed(
    node: Node,
    effects: Sequence[Effect],
    times: Sequence[Fraction],
    seeds: tuple[int, ...],
    where: str,
    given: Given,
) -> Node:
    """Return the picture through the effects.

    Args:
        node: the picture.
        effects: those that are switched on, none of which places; those of sound are passed over.
        times: clip time of each frame.
        seeds: a number for each frame that follows from what it shows, or one for all.
        where: whose effects these are.
        given: what is told.

    Raises:
        Invalid: `unknown_effect`, a parameter or a value that cannot be, a region that nobody has looked for.
    """
    for effect in effects:
        known = catalogue().get(effect.name)
        if effect.name in COMPILED or (known is not None and known.kind == "sound"):
            continue
        entry = entry_of(effect.name, "effect", where)
        values = values_of(entry, effect.parameters, times, where=where, notice=given.notice)
        node = Effected(
            input=node,
            name=entry.name,
            values=values,
            seed=folded(seeds),
            regions=() if effect.mask is None else (_region(effect.mask, times, f"{where}: {entry.name}"),),
            files=files_of(entry, values),
        )
    return node


def _region(mask: Mask, times: Sequence[Fraction], where: str) -> Region:
    if mask.shape == "faces":
        raise Invalid(
            f"{where}: its region are faces, and nobody has looked for any: give it a region by hand"
        )

    def along(curve: Curve) -> Numbers:
        if not isinstance(curve, tuple):
            return (float(curve),)
        return folded(tuple(value_at(curve, time) for time in times))

    return Region(
        shape=mask.shape,
        x=along(mask.x),
        y=along(mask.y),
        width=along(mask.width),
        height=along(mask.height),
        feather=along(mask.feather),
        inverted=mask.inverted,
    )
