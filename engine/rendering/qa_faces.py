"""Faces that a crop has left outside the picture: where a film's windows stand, held against where faces are."""

import bisect
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, NamedTuple

from cutroom_sdk.wire.media import Faces, FaceTrack
from cutroom_sdk.wire.renders import Check
from engine.rendering.compiling.faces import Carry, Spot, through_window
from engine.rendering.graph import Between, Footage, Node, Placed
from engine.rendering.knowing import Known
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_form import ENGINE, checked, not_applicable, places
from engine.rendering.walking import children
from engine.rendering.work import Span

NAME: Final = "faces_in_frame"
OUTSIDE_S: Final = Fraction(1, 2)
# Of several faces, those at least so wide as the widest are whom a picture is about.
ABOUT: Final = 0.5
# A window that leaves away less than this of a picture crops nothing.
WHOLE: Final = 0.98


class Shown(NamedTuple):
    """Footage at its place: the output frame at which it begins, and the canvas that it fills, pixels."""

    first: int
    footage: Footage
    canvas: tuple[int, int]


def cropped_assets(plan: RenderPlan) -> frozenset[str]:
    """Return the assets of which not all of the picture is seen."""
    by_hash = {sha256: asset_id for asset_id, sha256 in plan.assets.items()}
    # A draft's pictures may come from proxies, which are no assets: nobody looks for faces in these.
    return frozenset(by_hash[one.footage.sha256] for one in _cropped(plan) if one.footage.sha256 in by_hash)


def faces_in_frame(plan: RenderPlan, known: Known) -> Check:
    """Say where those whom a picture is about are outside it for half a second or longer."""
    by_hash = {sha256: asset_id for asset_id, sha256 in plan.assets.items()}
    shown = list(_cropped(plan))
    if not shown:
        return not_applicable(NAME, "nothing is cropped")
    looked = [one for one in shown if by_hash.get(one.footage.sha256) in known.faces]
    if not looked:
        return not_applicable(NAME, "nobody has looked for faces: analyse the footage for them")
    seen, outside = set[int](), set[int]()
    for one in looked:
        asset_id = by_hash[one.footage.sha256]
        start = known.indexes[asset_id].start
        for frame, inside in _faces_at(one, known.faces[asset_id], start):
            seen.add(frame)
            if not inside:
                outside.add(frame)
    if not seen:
        return not_applicable(NAME, "no face is to be seen")
    rate = plan.encoder.rate
    lost = [one for one in _runs(sorted(outside)) if one.end - one.start >= OUTSIDE_S * rate]
    missing = sum(one.end - one.start for one in lost)
    return checked(
        NAME,
        not lost,
        f"{float((len(seen) - missing) / rate):.1f} of {float(len(seen) / rate):.1f} s with a face show it",
        "a face that the footage shows is never outside for 0.5 s or longer",
        ENGINE,
        at=places(lost, rate),
        fix="set the centre of the reframe there, or fit the picture with blur_fill",
    )


def _cropped(plan: RenderPlan) -> Iterator[Shown]:
    size = plan.encoder.width, plan.encoder.height
    for segment in plan.segments:
        for footage, canvas in _footage(segment.work.graph, size):
            turned = _turned(footage)
            part = footage.window.width * footage.window.height / (turned[0] * turned[1])
            if part < WHOLE:
                yield Shown(segment.first, footage, canvas)


def _footage(node: Node, canvas: tuple[int, int]) -> Iterator[tuple[Footage, tuple[int, int]]]:
    """Yield the footage of a tree, each with the canvas that it is made on; of pictures in between their first."""
    match node:
        case Footage():
            yield node, canvas
        case Between(first=first):
            yield first, canvas
        case Placed(input=below, width=width, height=height):
            yield from _footage(below, (width, height))
        case _:
            for child in children(node):
                yield from _footage(child, canvas)


def _faces_at(shown: Shown, faces: Faces, start: Fraction) -> Iterator[tuple[int, bool]]:
    """Yield the output frames at which the footage shows faces, each with whether one that counts is inside."""
    footage = shown.footage
    carry = through_window(footage.window, _turned(footage), shown.canvas)
    for place, pts in enumerate(footage.pts):
        moment = pts * footage.time_base - start
        spots = [spot for track in faces.tracks if (spot := _spot(track, moment)) is not None]
        if spots:
            widest = max(one.width for one in spots)
            about = [one for one in spots if one.width >= ABOUT * widest]
            yield shown.first + place, any(_inside(carry, place, one) for one in about)


def _spot(track: FaceTrack, moment: Fraction) -> Spot | None:
    """Return where a face is by its nearest sample, None where it is not seen."""
    if not track.start <= moment < track.end:
        return None
    place = bisect.bisect_left(track.at, moment)
    around = [one for one in (place - 1, place) if 0 <= one < len(track.at)]
    nearest = min(around, key=lambda one: abs(track.at[one] - moment))
    return Spot(track.x[nearest], track.y[nearest], track.width[nearest], track.height[nearest])


def _inside(carry: Carry, place: int, spot: Spot) -> bool:
    """Tell whether a face's middle is in the picture."""
    found = carry(place, spot)
    return 0 <= found.x <= 1 and 0 <= found.y <= 1


def _turned(footage: Footage) -> tuple[int, int]:
    size = footage.width, footage.height
    return size[::-1] if footage.rotation in (90, 270) else size


def _runs(frames: list[int]) -> list[Span]:
    found: list[Span] = []
    for frame in frames:
        if found and found[-1].end == frame:
            found[-1] = Span(start=found[-1].start, end=frame + 1)
        else:
            found.append(Span(start=frame, end=frame + 1))
    return found
