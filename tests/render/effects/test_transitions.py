"""Transitions: what is seen where and when, and that they begin and end with nothing but their pictures."""

import cv2
import numpy as np
import pytest

from engine.kernel.errors import WorkFailed
from engine.rendering.compositor.canvas import Picture
from tests.render.effects.kit import Reals, crossed, filled, light_of, psnr, rgb_of, same, scene, sole

RED, BLUE = "#c03020", "#2030c0"
NAMES = [one.name for one in sole("transitions", "transition")]
WIDTH, HEIGHT = 96, 64


def matte() -> bytes:
    """A PNG whose greys rise from the left to the right."""
    ramp = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, WIDTH))
    return bytes(cv2.imencode(".png", ramp)[1])


def between(name: str, first: Picture, second: Picture, progress: float, **values: float | str) -> Picture:
    files = {"m": matte()} if name == "luma_matte" else None
    extra: dict[str, float | str] = {"file": "m"} if name == "luma_matte" else {}
    return crossed(name, first, second, progress, files=files, **(extra | values))


def share(name: str, progress: float, **values: float | str) -> Reals:
    """Return how much of the second picture is seen at each pixel, 0..1."""
    black, white = filled("#000000", WIDTH, HEIGHT), filled("#ffffff", WIDTH, HEIGHT)
    return light_of(between(name, black, white, progress, **values))


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_the_first_picture_and_ends_with_the_second(name: str) -> None:
    first, second = scene(WIDTH, HEIGHT, 1), scene(WIDTH, HEIGHT, 2)
    assert same(between(name, first, second, 0.0), first)
    assert same(between(name, first, second, 1.0), second)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_comes_out_again(name: str) -> None:
    first, second = scene(WIDTH, HEIGHT, 1), scene(WIDTH, HEIGHT, 2)
    assert same(between(name, first, second, 0.37), between(name, first, second, 0.37))


@pytest.mark.parametrize("name", [one for one in NAMES if not one.startswith("fade_")])
def test_of_two_equal_pictures_nothing_is_seen(name: str) -> None:
    grey = filled("#707070", WIDTH, HEIGHT)
    for progress in (0.2, 0.5, 0.9):
        assert np.abs(light_of(between(name, grey, grey, progress)) - light_of(grey)).max() < 0.006


@pytest.mark.parametrize("name", NAMES)
def test_what_can_be_seen_through_stays_so(name: str) -> None:
    first, second = filled(RED, WIDTH, HEIGHT, alpha=128), filled(BLUE, WIDTH, HEIGHT, alpha=128)
    for progress in (0.1, 0.4, 0.8):
        made = between(name, first, second, progress)
        assert made.alpha is not None
        if not name.startswith("fade_"):
            assert np.abs(made.alpha.astype(int) - 128).max() <= 1


def test_dissolve_mixes_by_its_progress() -> None:
    first, second = scene(WIDTH, HEIGHT, 1), scene(WIDTH, HEIGHT, 2)
    for progress in (0.1, 0.5, 0.8):
        wanted = rgb_of(first) * (1 - progress) + rgb_of(second) * progress
        assert psnr(rgb_of(crossed("dissolve", first, second, progress)), wanted) > 48


def test_dissolve_into_what_is_not_there_only_fades() -> None:
    first, nothing = filled(RED, WIDTH, HEIGHT), filled(BLUE, WIDTH, HEIGHT, alpha=0)
    made = crossed("dissolve", first, nothing, 0.25)
    assert made.alpha is not None
    assert set(np.unique(made.alpha)) == {191}
    assert np.array_equal(made.v, first.v)


@pytest.mark.parametrize(("name", "light"), [("fade_black", 0.0), ("fade_white", 1.0)])
def test_fade_black_and_fade_white_are_of_one_colour_in_the_middle(name: str, light: float) -> None:
    first, second = filled(RED, WIDTH, HEIGHT), filled(BLUE, WIDTH, HEIGHT)
    middle = crossed(name, first, second, 0.5)
    assert (light_of(middle) == light).all()
    assert (middle.u == 128).all()
    quarter = crossed(name, first, second, 0.25)
    assert psnr(rgb_of(quarter), (rgb_of(first) + light) / 2) > 45
    assert psnr(rgb_of(crossed(name, first, second, 0.75)), (rgb_of(second) + light) / 2) > 45


WIPES = {
    "wipe_left": np.s_[:, ::-1],
    "wipe_right": np.s_[:, :],
    "wipe_up": np.s_[::-1, :],
    "wipe_down": np.s_[:, :],
}


@pytest.mark.parametrize("name", WIPES)
def test_wipe_left_wipe_right_wipe_up_wipe_down_uncover_in_their_direction(name: str) -> None:
    seen = share(name, 0.25, softness=0)[WIPES[name]]
    across = name in ("wipe_left", "wipe_right")
    line = seen.mean(axis=0 if across else 1)
    edge = len(line) // 4
    assert (line[: edge - 2] == 1).all()
    assert (line[edge + 2 :] == 0).all()
    assert np.ptp(seen, axis=0 if across else 1).max() == 0


def test_wipe_right_has_an_edge_as_soft_as_is_said() -> None:
    line = share("wipe_right", 0.5, softness=0.5)[0]
    partly = ((line > 0.02) & (line < 0.98)).sum() / len(line)
    assert partly == pytest.approx(0.5, abs=0.05)
    assert (np.diff(line) <= 0).all()


MOVES = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


@pytest.mark.parametrize("way", MOVES)
@pytest.mark.parametrize("kind", ["push", "slide"])
def test_push_and_slide_bring_the_second_in_whole_pixels(kind: str, way: str) -> None:
    """push_left push_right push_up push_down slide_left slide_right slide_up slide_down, linear, half way."""
    first, second = scene(WIDTH, HEIGHT, 1), scene(WIDTH, HEIGHT, 2)
    made = crossed(f"{kind}_{way}", first, second, 0.5, ease="linear")
    right, down = MOVES[way]
    half = (HEIGHT // 2) if down else (WIDTH // 2)
    axis = 0 if down else 1
    new = second.y[:half] if way == "up" else second.y[half:] if way == "down" else None
    new = (second.y[:, :half] if way == "left" else second.y[:, half:]) if new is None else new
    old_start = (half if right + down < 0 else 0) if kind == "push" else (0 if right + down < 0 else half)
    old = first.y.take(range(old_start, old_start + half), axis=axis)
    wanted = np.concatenate((old, new) if right + down < 0 else (new, old), axis=axis)
    assert np.array_equal(made.y, wanted)


def test_push_left_starts_slowly_unless_told_otherwise() -> None:
    assert share("push_left", 0.1).mean() < 0.04
    assert share("push_left", 0.1, ease="linear").mean() == pytest.approx(0.1, abs=0.02)


def test_circle_opens_round_its_middle() -> None:
    seen = share("circle", 0.4, softness=0, x=0.5, y=0.5)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    away = np.hypot(rows + 0.5 - HEIGHT / 2, columns + 0.5 - WIDTH / 2)
    radius = 0.4 * away.max()
    assert (seen[away < radius - 1.5] == 1).all()
    assert (seen[away > radius + 1.5] == 0).all()
    assert share("circle", 0.3, x=0.0, y=0.0)[0, 0] == 1
    assert share("circle", 0.3, x=0.0, y=0.0)[-1, -1] == 0


def test_clock_goes_round_from_the_top() -> None:
    quarter = share("clock", 0.25, softness=0) > 0.5
    assert quarter[: HEIGHT // 2 - 2, WIDTH // 2 + 2 :].all()
    assert not quarter[HEIGHT // 2 + 2 :].any()
    assert not quarter[:, : WIDTH // 2 - 2].any()
    assert share("clock", 0.75, softness=0).mean() == pytest.approx(0.75, abs=0.02)


def test_luma_matte_turns_its_dark_parts_first() -> None:
    early, late = share("luma_matte", 0.3)[0], share("luma_matte", 0.3, invert=1)[0]
    assert early[:10].min() == 1
    assert early[-10:].max() == 0
    assert np.abs(early - late[::-1]).max() < 0.05


def test_luma_matte_says_when_its_file_is_no_picture() -> None:
    with pytest.raises(WorkFailed, match="matte"):
        crossed("luma_matte", scene(), scene(), 0.5, files={"m": b"no picture"}, file="m")


def dot(x: int, y: int) -> Picture:
    picture = filled("#000000", WIDTH, HEIGHT)
    picture.y[y : y + 2, x : x + 2] = 235
    return picture


def test_zoom_enlarges_the_first_from_its_middle() -> None:
    for progress in (0.2, 0.35):
        made = light_of(
            crossed("zoom", dot(WIDTH // 2 + 10, HEIGHT // 2), filled("#000000", WIDTH, HEIGHT), progress)
        )
        x = float((made.sum(axis=0) * (np.arange(WIDTH) + 0.5)).sum() / made.sum())
        assert x - WIDTH / 2 == pytest.approx(11 * (1 + progress**2), abs=0.35)


def test_blur_dissolve_is_least_sharp_in_the_middle() -> None:
    def detail(progress: float) -> float:
        line = np.tile(filled("#000000", WIDTH, HEIGHT).y, 1)
        line[:, ::8], line[:, 1::8] = 235, 235
        striped = Picture(line, filled("#000000", WIDTH, HEIGHT).u, filled("#000000", WIDTH, HEIGHT).v)
        return float(
            np.abs(
                np.diff(light_of(crossed("blur_dissolve", striped, striped.copy(), progress, radius=60)))
            ).mean()
        )

    assert detail(0.0) > detail(0.1) > detail(0.5)
    assert detail(0.5) < detail(0.0) / 20
    assert detail(0.9) == pytest.approx(detail(0.1), rel=0.05)


@pytest.mark.parametrize("way", MOVES)
def test_whip_pan_smears_along_its_way_and_not_across(way: str) -> None:
    rough_picture = scene(WIDTH, HEIGHT)
    rough_picture.y = np.random.default_rng(3).integers(16, 236, (HEIGHT, WIDTH), dtype=np.uint8)
    made = light_of(crossed("whip_pan", rough_picture, rough_picture, 0.45, direction=way, smear=1))
    along = 1 if way in ("left", "right") else 0
    rough = [float(np.abs(np.diff(made, axis=axis)).mean()) for axis in (along, 1 - along)]
    assert rough[0] < rough[1] / 2


def test_whip_pan_moves_both_pictures() -> None:
    black, white = filled("#000000", WIDTH, HEIGHT), filled("#ffffff", WIDTH, HEIGHT)
    line = light_of(crossed("whip_pan", black, white, 0.5, direction="left"))[0]
    assert line[0] == 0
    assert line[-1] == 1
    assert line.mean() == pytest.approx(0.5, abs=0.02)
