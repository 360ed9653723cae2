"""Where the picture is cropped: around the subject, calmly, and never beyond the picture."""

import math
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cutroom_sdk.wire.media import Faces, FaceTrack, Motion
from cutroom_sdk.wire.timeline import Keyframe, TimeRange
from engine.editing.reframe import DIGITS, SPEED_MOST, led_by_faces, reframe
from tests.planned import HOP, make_motion

WIDE, UPRIGHT = (1280, 720), (1080, 1920)
WINDOW = 9 / 16 / (16 / 9)
TEN = TimeRange(start=Fraction(0), duration=Fraction(10))


def center(motion: Motion | None, span: TimeRange = TEN, edges: tuple[Fraction, ...] = ()) -> object:
    effect = reframe(WIDE, UPRIGHT, span, edges, motion)
    assert effect is not None
    assert effect.parameters["center_y"] == 0.5
    return effect.parameters["center_x"]


def walk(start: float, end: float, count: int = 41) -> list[float]:
    return [start + (end - start) * number / (count - 1) for number in range(count)]


def test_a_picture_of_the_right_shape_is_left_alone() -> None:
    assert reframe((1080, 1920), UPRIGHT, TEN, (), None) is None
    assert reframe((540, 960), UPRIGHT, TEN, (), make_motion(Fraction(10), center=0.2)) is None


def test_without_knowing_what_moves_the_middle_is_taken() -> None:
    assert center(None) == 0.5


def test_a_person_who_sits_still_is_kept_whatever_moves_elsewhere() -> None:
    count = 51
    face = FaceTrack(
        start=Fraction(0),
        end=Fraction(10),
        at=tuple(place * HOP for place in range(count - 1)),
        x=(0.8,) * (count - 1),
        y=(0.4,) * (count - 1),
        width=(0.1,) * (count - 1),
        height=(0.2,) * (count - 1),
        confidence=0.9,
    )
    small = replace(face, x=(0.1,) * (count - 1), width=(0.05,) * (count - 1))
    tree = make_motion(Fraction(10), center=0.15)
    led = led_by_faces(tree, Faces(hop=HOP, tracks=(small, face)))
    assert center(led) == 0.8
    assert center(led_by_faces(None, Faces(hop=HOP, tracks=(face,)))) == 0.8
    assert led_by_faces(tree, None) == led_by_faces(tree, Faces(hop=HOP, tracks=())) == tree


def test_a_subject_that_stays_gets_a_crop_that_stays_around_it() -> None:
    assert center(make_motion(Fraction(10), center=0.7)) == 0.7


def test_a_crop_at_the_side_ends_with_the_picture() -> None:
    assert center(make_motion(Fraction(10), center=0.99)) == round(1 - WINDOW / 2, DIGITS)


def test_a_subject_that_fidgets_does_not_move_the_crop() -> None:
    fidget = [0.5 + 0.03 * (-1) ** number for number in range(41)]
    assert isinstance(center(make_motion(Fraction(10), center=fidget)), float)


def test_one_wild_sample_does_not_move_the_crop() -> None:
    wild = [0.4] * 41
    wild[20] = 0.95
    assert center(make_motion(Fraction(10), center=wild)) == 0.4


def test_a_subject_that_walks_is_followed() -> None:
    keys = center(make_motion(Fraction(10), center=walk(0.25, 0.75)))
    assert isinstance(keys, tuple)
    assert keys[0].value < 0.35
    assert keys[-1].value > 0.65
    assert len(keys) < 10


def test_a_subject_that_runs_stays_in_the_picture() -> None:
    run = [0.2] * 16 + walk(0.2, 0.8, 9) + [0.8] * 16
    keys = center(make_motion(Fraction(10), center=run))
    assert isinstance(keys, tuple)
    for number, subject in enumerate(run):
        assert abs(_at(keys, number * HOP) - subject) < WINDOW / 2, f"lost at {float(number * HOP)} s"


def test_a_subject_that_swings_stays_in_whole_and_not_only_by_its_middle() -> None:
    # A kite: a third of the window wide, to and fro over a fifth of the picture, every 5 s.
    hop, half_width = Fraction(1, 5), 0.36 * WINDOW / 2
    swing = tuple(0.33 + 0.19 * math.sin(2 * math.pi * number / 25) for number in range(51))
    keys = center(Motion(hop=hop, amount=(0.02,) * 51, center_x=swing, center_y=(0.5,) * 51))
    assert isinstance(keys, tuple)
    for number, subject in enumerate(swing[:-1]):
        away = abs(_at(keys, number * hop) - subject)
        assert away + half_width <= WINDOW / 2, f"cut at {float(number * hop)} s"


def _at(keys: tuple[Keyframe, ...], at: Fraction) -> float:
    before = max((key for key in keys if key.at <= at), key=lambda key: key.at)
    after = min((key for key in keys if key.at > at), key=lambda key: key.at, default=before)
    if after is before:
        return before.value
    part = float((at - before.at) / (after.at - before.at))
    return before.value + (after.value - before.value) * part


def test_at_a_cut_the_crop_jumps_and_does_not_glide() -> None:
    places = [0.3] * 20 + [0.7] * 21
    keys = center(make_motion(Fraction(10), center=places), edges=(Fraction(5),))
    assert keys == (
        Keyframe(at=Fraction(0), value=0.3, ease="hold"),
        Keyframe(at=Fraction(5), value=0.7),
    )


def test_where_nothing_moves_nothing_is_read_into_it() -> None:
    still = Motion(hop=HOP, amount=(0.0,) * 41, center_x=(0.9,) * 41, center_y=(0.5,) * 41)
    assert center(still) == 0.5


def test_times_count_from_the_clips_start() -> None:
    keys = center(
        make_motion(Fraction(10), center=walk(0.2, 0.8)), TimeRange(start=Fraction(3), duration=Fraction(5))
    )
    assert isinstance(keys, tuple)
    assert keys[0].at == 0
    assert keys[-1].at <= 5


def test_an_upright_picture_for_a_wide_target_is_cropped_in_height() -> None:
    motion = make_motion(Fraction(10), center=0.1, center_y=0.4)
    effect = reframe((720, 1280), (1920, 1080), TEN, (), motion)
    assert effect is not None
    assert effect.parameters == {"center_x": 0.5, "center_y": 0.4}


@given(
    st.lists(st.floats(0, 1), min_size=4, max_size=41),
    st.lists(st.integers(1, 99).map(lambda n: Fraction(n, 10)), max_size=3),
    st.integers(0, 4),
)
@settings(max_examples=60)
def test_the_crop_stays_inside_and_moves_no_faster_than_it_may_or_its_subject_does(
    centers: list[float], edges: list[Fraction], start: int
) -> None:
    motion = make_motion(HOP * (len(centers) - 1), center=centers)
    cuts = tuple(sorted(set(edges)))
    keys = center(motion, TimeRange(start=Fraction(start), duration=Fraction(5)), cuts)
    path = keys if isinstance(keys, tuple) else (Keyframe(at=Fraction(0), value=float(str(keys))),)
    for key in path:
        assert WINDOW / 2 - 0.001 <= key.value <= 1 - WINDOW / 2 + 0.001
    fastest = max(abs(after - before) for before, after in pairwise(centers)) / float(HOP)
    for before, after in pairwise(path):
        assert before.at < after.at
        if before.ease == "linear":
            most = max(SPEED_MOST * WINDOW, fastest) * float(after.at - before.at)
            assert abs(after.value - before.value) <= most + 0.01
