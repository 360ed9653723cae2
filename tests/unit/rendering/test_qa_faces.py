"""A crop that leaves a face outside is found, with its times; a crop that follows it is not."""

from fractions import Fraction

from msgspec.structs import replace

from cutroom_sdk.wire.media import Faces, FaceTrack
from cutroom_sdk.wire.renders import Check
from cutroom_sdk.wire.timeline import Effect, Keyframe, Timeline
from engine.rendering.knowing import Known
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_faces import cropped_assets, faces_in_frame
from tests.unit.rendering.material import a_clip, a_plan, a_timeline, an_asset, an_index

# The camera counts from some time of its own: faces are told in seconds from the first frame.
INDEX = an_index(start=90_000)
ASSET = an_asset(index=INDEX)
HOP = Fraction(1, 5)


def face(start: int, end: int, x: float, *, width: float = 0.1, x_end: float | None = None) -> FaceTrack:
    """A face seen in `[start, end)` seconds of the source, that goes from x to `x_end`."""
    count = int((end - start) / HOP)
    goal = x if x_end is None else x_end
    return FaceTrack(
        start=Fraction(start), end=Fraction(end), at=tuple(start + place * HOP for place in range(count)),
        x=tuple(x + (goal - x) * place / count for place in range(count)), y=(0.5,) * count, width=(width,) * count,
        height=(2 * width,) * count, confidence=0.9,
    )  # fmt: skip


def upright(*effects: Effect) -> Timeline:
    """Four seconds of the source from its second 2 on, in 9:16: the window is 0.316 of the picture wide."""
    return a_timeline(a_clip(ASSET, 50, 150, effects=effects), sound=False, width=720, height=1280)


def reframed(x: float | tuple[Keyframe, ...]) -> Effect:
    return Effect(name="reframe", parameters={"center_x": x, "center_y": 0.5})


def plan_of(timeline: Timeline) -> RenderPlan:
    return a_plan(timeline, ASSET, index=INDEX)


def check(timeline: Timeline, *tracks: FaceTrack) -> Check:
    known = Known(
        assets={ASSET.asset_id: ASSET},
        indexes={ASSET.asset_id: INDEX},
        faces={ASSET.asset_id: Faces(hop=HOP, tracks=tracks)},
    )
    return faces_in_frame(plan_of(timeline), known)


def test_a_face_outside_the_window_fails_with_its_times() -> None:
    found = check(upright(reframed(0.5)), face(3, 5, 0.9))
    assert (found.status, found.at) == ("fail", ("1.000 s to 3.000 s",))
    assert found.value == "0.0 of 2.0 s with a face show it"
    assert found.fix
    assert check(upright(reframed(0.9)), face(3, 5, 0.9)).status == "pass"


def test_a_window_that_follows_keeps_its_face() -> None:
    following = (Keyframe(at=Fraction(0), value=0.2), Keyframe(at=Fraction(4), value=0.8))
    assert check(upright(reframed(following)), face(2, 6, 0.2, x_end=0.8)).status == "pass"
    assert check(upright(reframed(0.2)), face(2, 6, 0.2, x_end=0.8)).status == "fail"


def test_less_than_half_a_second_outside_is_no_fault() -> None:
    moving = face(2, 6, 0.5, x_end=0.68)  # leaves the window on its last steps
    assert check(upright(reframed(0.5)), moving).status == "pass"


def test_one_of_those_whom_it_is_about_has_to_be_seen() -> None:
    large, other, small = face(2, 6, 0.9, width=0.2), face(2, 6, 0.5, width=0.15), face(2, 6, 0.5, width=0.05)
    assert check(upright(reframed(0.5)), large, other).status == "pass"
    assert check(upright(reframed(0.5)), large, small).status == "fail"


def test_where_nothing_is_cropped_or_nobody_has_looked_there_is_nothing_to_say() -> None:
    wide = a_timeline(a_clip(ASSET, 50, 150), sound=False)
    assert check(wide, face(2, 6, 0.9)).status == "not_applicable"
    assert cropped_assets(plan_of(wide)) == frozenset()
    contained = upright(Effect(name="fit", parameters={"mode": "contain"}))
    assert check(contained, face(2, 6, 0.9)).value == "nothing is cropped"
    unseen = faces_in_frame(plan_of(upright()), Known(assets={ASSET.asset_id: ASSET}))
    assert "analyse" in unseen.value
    assert cropped_assets(plan_of(upright())) == {ASSET.asset_id}
    assert check(upright(), face(8, 9, 0.9)).value == "no face is to be seen"


def test_footage_on_its_side_is_turned_before_it_is_judged() -> None:
    turned = an_asset("b", index=INDEX, rotation=90, coded_width=720, coded_height=1280)
    asset = replace(turned, asset_id=ASSET.asset_id, sha256=ASSET.sha256)
    plan = a_plan(upright(reframed(0.9)), asset, index=INDEX)
    faces = {ASSET.asset_id: Faces(hop=HOP, tracks=(face(2, 6, 0.9),))}
    known = Known(assets={ASSET.asset_id: asset}, indexes={ASSET.asset_id: INDEX}, faces=faces)
    assert faces_in_frame(plan, known).status == "pass"
