"""A picture that covers part of a canvas, and what lies where several of them are laid one above the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.rendering.compositor import blending, mixing
from engine.rendering.compositor.canvas import BLACK, Picture, Plane, filled

WHOLE = 256  # an opacity of 1, as the mixing count it


@dataclass
class Patch:
    """A picture with its corner at (`left`, `top`) of a canvas, both even, wholly inside; transparent beside it.

    `shared`: others hold the same picture, so that nobody may write into it.
    """

    picture: Picture
    left: int = 0
    top: int = 0
    shared: bool = False

    def fills(self, width: int, height: int) -> bool:
        """Whether it covers a canvas of this size, opaque or not."""
        return (self.picture.width, self.picture.height) == (width, height)


def whole(patch: Patch | None, width: int, height: int) -> Picture:
    """Return the canvas with the patch on it, planes that the caller may write into."""
    if patch is None:
        return filled(width, height, alpha=0)
    if patch.fills(width, height):
        return patch.picture.copy() if patch.shared else patch.picture
    canvas, picture = filled(width, height, alpha=0), patch.picture
    assert canvas.alpha is not None, "it was asked for"
    rows, columns = _span(patch.top, picture.height), _span(patch.left, picture.width)
    canvas.y[rows, columns] = picture.y
    canvas.alpha[rows, columns] = 255 if picture.alpha is None else picture.alpha
    rows, columns = (
        _span(patch.top // 2, picture.height // 2),
        _span(patch.left // 2, picture.width // 2),
    )
    canvas.u[rows, columns], canvas.v[rows, columns] = picture.u, picture.v
    return canvas


def trimmed(picture: Picture) -> Patch | None:
    """Return the smallest patch that holds all that can be seen of a picture; None: nothing can be."""
    if picture.alpha is None:
        return Patch(picture)
    rows, columns = (np.flatnonzero(picture.alpha.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    top, left = int(rows[0]) & ~1, int(columns[0]) & ~1
    bottom, right = int(rows[-1]) + 2 & ~1, int(columns[-1]) + 2 & ~1
    if (bottom - top, right - left) == (picture.height, picture.width):
        return Patch(picture)

    def cut(plane: Plane, step: int) -> Plane:
        return np.ascontiguousarray(plane[top // step : bottom // step, left // step : right // step])

    part = Picture(cut(picture.y, 1), cut(picture.u, 2), cut(picture.v, 2), cut(picture.alpha, 1))
    return Patch(part, left, top)


def lay(below: Picture, patch: Patch, blend: str, opacity: float) -> None:
    """Lay a patch over a canvas, in place."""
    part = round(min(max(opacity, 0.0), 1.0) * WHOLE)
    if part == 0:
        return
    above, top, left = patch.picture, patch.top, patch.left
    if blend != "normal":
        above = blending.blended(below, above, top, left, blend)
    alpha = _seen(above, part, needed=below.alpha is not None)
    if alpha is None:
        mixing.lay(below.y, above.y, top, left, part)
        mixing.lay(below.u, above.u, top // 2, left // 2, part)
        mixing.lay(below.v, above.v, top // 2, left // 2, part)
        return
    half = _halved(alpha)
    if below.alpha is None:
        mixing.lay_by(below.y, above.y, alpha, top, left)
        mixing.lay_by(below.u, above.u, half, top // 2, left // 2)
        mixing.lay_by(below.v, above.v, half, top // 2, left // 2)
        return
    clear = _halved(below.alpha)
    mixing.lay_on_clear(below.y, below.alpha, above.y, alpha, top, left)
    mixing.lay_on_clear(below.u, clear, above.u, half, top // 2, left // 2)
    mixing.lay_on_clear(below.v, clear, above.v, half, top // 2, left // 2)
    mixing.join(below.alpha, alpha, top, left)


def flattened(patch: Patch | None, width: int, height: int) -> Picture:
    """Return the canvas with the patch over black, opaque."""
    if patch is not None and patch.picture.alpha is None and patch.fills(width, height):
        return patch.picture
    canvas = filled(width, height, BLACK)
    if patch is not None:
        lay(canvas, patch, "normal", 1.0)
    return canvas


def masked(before: Picture, after: Picture, mask: Plane) -> Picture:
    """Return `before` where the mask is 0 and `after` where it is 255; it may write into `before`."""
    half = _halved(mask)
    pairs = [(before.y, after.y, mask), (before.u, after.u, half), (before.v, after.v, half)]
    if before.alpha is not None or after.alpha is not None:
        alphas = [_opaque(one) for one in (before, after)]
        mixing.mix_by(alphas[0], alphas[1], mask, alphas[0])
        before.alpha = alphas[0]
    for old, new, part in pairs:
        mixing.mix_by(old, np.ascontiguousarray(new), part, old)
    return before


def _seen(above: Picture, part: int, *, needed: bool) -> Plane | None:
    """Return the alpha that counts; None where all is opaque and no alpha is needed below either."""
    if above.alpha is None:
        return np.full(above.y.shape, min(255, part), dtype=np.uint8) if needed else None
    if part == WHOLE:
        return above.alpha
    alpha = above.alpha.copy()
    mixing.scale(alpha, part)
    return alpha


def _opaque(picture: Picture) -> Plane:
    return np.full_like(picture.y, 255) if picture.alpha is None else picture.alpha


def _halved(alpha: Plane) -> Plane:
    half = np.empty((alpha.shape[0] // 2, alpha.shape[1] // 2), dtype=np.uint8)
    mixing.halve(alpha, half)
    return half


def _span(start: int, length: int) -> slice:
    return slice(start, start + length)
