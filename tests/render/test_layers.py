"""Pictures above pictures: what the worker makes of a tree against the same arithmetic in floats."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.media.pool import Pool
from engine.rendering.compositor.blending import blended
from engine.rendering.compositor.canvas import Picture, filled, yuv_of
from engine.rendering.compositor.evaluate import Evaluator
from engine.rendering.compositor.patches import Patch, lay, whole
from engine.rendering.compositor.placing import Placing, placed
from engine.rendering.graph import Effected, Layer, Layered, Node, Placed, Region, Solid
from engine.rendering.reading import Sources
from engine.rendering.work import PictureWork, SegmentDone
from tests.clips import make_clip
from tests.render.workshop import PROFILE, plan_of, source_of, span, timeline_of

SIZE = (64, 48)
Floats = NDArray[np.float64]
RED, BLUE = Solid(colour=(255, 0, 0, 255)), Solid(colour=(0, 0, 255, 255))


def picture(node: Node, size: tuple[int, int] = SIZE, place: int = 0) -> Picture:
    return Evaluator(node, *size, Sources((), ()), {}).picture(place)


def noise(seed: int, *, alpha: bool = False) -> Picture:
    chance = np.random.default_rng(seed)

    def plane(width: int, height: int) -> NDArray[np.uint8]:
        return chance.integers(16, 236, (height, width), dtype=np.uint8)

    width, height = SIZE
    shown = chance.integers(0, 256, (height, width), dtype=np.uint8) if alpha else None
    return Picture(
        plane(width, height), plane(width // 2, height // 2), plane(width // 2, height // 2), shown
    )


def halved(alpha: Floats) -> Floats:
    return np.asarray(alpha.reshape(alpha.shape[0] // 2, 2, alpha.shape[1] // 2, 2).mean(axis=(1, 3)))


@pytest.mark.parametrize("opacity", [1.0, 0.5, 0.17])
def test_a_layer_with_alpha_over_an_opaque_one_is_what_floats_give(opacity: float) -> None:
    below, above = noise(1), noise(2, alpha=True)
    assert above.alpha is not None
    part = above.alpha / 255 * opacity
    wanted = [
        old * (1 - shown) + new * shown
        for old, new, shown in (
            (below.y, above.y, part),
            (below.u, above.u, halved(part)),
            (below.v, above.v, halved(part)),
        )
    ]
    lay(below, Patch(above), "normal", opacity)
    for plane, floats in zip((below.y, below.u, below.v), wanted, strict=True):
        assert np.abs(plane - floats).max() <= 1.5


def test_a_layer_over_a_clear_one_counts_by_what_is_seen_of_both() -> None:
    below, above = noise(3, alpha=True), noise(4, alpha=True)
    assert below.alpha is not None
    assert above.alpha is not None
    a, b = above.alpha / 255, below.alpha / 255
    together = a + b * (1 - a)
    y = np.where(together > 0, (above.y * a + below.y * b * (1 - a)) / np.maximum(together, 1e-9), below.y)
    lay(below, Patch(above), "normal", 1.0)
    assert np.abs(below.alpha - together * 255).max() <= 1
    assert np.abs(below.y - y)[together > 0.02].max() <= 1


def rgb(one: Picture) -> Floats:
    """Red, green, blue, 0..1, of pictures whose colour is the same within each 2 x 2."""
    y = (one.y.astype(float) - 16) / 219
    u, v = ((plane.astype(float).repeat(2, 0).repeat(2, 1) - 128) / 224 for plane in (one.u, one.v))
    r, b = y + 1.5748 * v, y + 1.8556 * u
    return np.clip(np.stack([r, (y - 0.2126 * r - 0.0722 * b) / 0.7152, b]), 0, 1)


BLENDS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "multiply": lambda a, b: a * b,
    "screen": lambda a, b: a + b - a * b,
    "overlay": lambda a, b: np.where(a <= 0.5, 2 * a * b, 1 - 2 * (1 - a) * (1 - b)),
    "hard_light": lambda a, b: np.where(b <= 0.5, 2 * a * b, 1 - 2 * (1 - a) * (1 - b)),
    "add": lambda a, b: np.minimum(1, a + b),
    "darken": np.minimum,
    "lighten": np.maximum,
    "difference": lambda a, b: np.abs(a - b),
    "exclusion": lambda a, b: a + b - 2 * a * b,
}


@pytest.mark.parametrize("blend", sorted(BLENDS))
def test_a_blend_mode_is_about_red_green_and_blue(blend: str) -> None:
    colours = [(200, 40, 90), (30, 160, 220), (128, 128, 128), (250, 250, 10), (5, 10, 60), (255, 255, 255)]
    for low in colours:
        for high in colours:
            below, above = filled(4, 4, yuv_of(*low)), filled(4, 4, yuv_of(*high))
            wanted = BLENDS[blend](rgb(below), rgb(above))
            lay(below, Patch(above), blend, 1.0)
            assert np.abs(rgb(below) - wanted).max() < 4 / 255, (low, high)


@pytest.mark.parametrize("blend", sorted(BLENDS))
@pytest.mark.parametrize("clear", [False, True])
def test_a_blend_mode_acts_on_each_pixel_where_the_layer_lies(blend: str, *, clear: bool) -> None:
    top, left, width, height = 10, 6, 40, 24
    below, small = soft(5), soft(6)
    if clear:
        below.alpha = noise(7, alpha=True).alpha
    above = Picture(
        small.y[:height, :width], small.u[: height // 2, : width // 2], small.v[: height // 2, : width // 2]
    )
    above = Picture(*(np.ascontiguousarray(plane) for plane in (above.y, above.u, above.v)))
    made = blended(below, above, top, left, blend)
    lower, higher = rgb(below)[:, top : top + height, left : left + width], rgb(above)
    seen = 1.0 if below.alpha is None else below.alpha[top : top + height, left : left + width] / 255
    wanted = BLENDS[blend](lower, higher) * seen + higher * (1 - seen)
    light = 16 + 219 * (wanted * np.array([0.2126, 0.7152, 0.0722])[:, None, None]).sum(axis=0)
    blue = (wanted[2] * 219 + 16 - light) / 1.8556 / 219 * 224 + 128
    assert np.abs(made.y - light).max() < 2
    assert np.abs(made.u - halved(np.asarray(blue))).max() < 2


def soft(seed: int) -> Picture:
    """Colours that a screen can show."""
    one = noise(seed)
    return Picture(60 + one.y // 2, 112 + one.u // 8, 112 + one.v // 8)


def test_the_highest_opaque_layer_hides_what_lies_below() -> None:
    made = picture(Layered(layers=(Layer(input=RED), Layer(input=BLUE))))
    assert (made.y[0, 0], made.u[0, 0], made.v[0, 0]) == yuv_of(0, 0, 255)


def test_nothing_is_black_and_a_faint_layer_is_seen_over_black() -> None:
    assert np.all(picture(Layered(layers=())).y == 16)
    faint = picture(Layered(layers=(Layer(input=Solid(colour=(255, 255, 255, 255)), opacity=(0.5,)),)))
    assert np.all(faint.y == round((16 + 235) / 2))


def test_an_opacity_of_its_own_for_each_frame() -> None:
    tree = Layered(layers=(Layer(input=RED), Layer(input=BLUE, opacity=(0.0, 0.5, 1.0))))
    red, blue = yuv_of(255, 0, 0)[0], yuv_of(0, 0, 255)[0]
    assert [int(picture(tree, place=place).y[0, 0]) for place in range(3)] == [
        red,
        round((red + blue) / 2),
        blue,
    ]


def laid(scale: float, x: float, y: float, **more: tuple[float, ...]) -> Node:
    return Placed(
        input=RED,
        width=64,
        height=48,
        xx=(scale,),
        xy=(0.0,),
        x0=(x,),
        yx=(0.0,),
        yy=(scale,),
        y0=(y,),
        **more,
    )


def test_a_small_picture_lies_where_it_is_placed_and_black_beside_it() -> None:
    made = picture(laid(0.5, 16.0, 12.0))
    red = yuv_of(255, 0, 0)[0]
    assert np.all(made.y[13:35, 17:47] == red)
    assert np.all(made.y[:10] == 16)
    assert np.all(made.y[:, :14] == 16)
    assert np.all(made.y[38:] == 16)


def test_what_is_cut_off_is_not_seen_and_half_a_pixel_half() -> None:
    made = picture(laid(1.0, 0.0, 0.0, left=(10.5,), bottom=(8.0,)))
    red = yuv_of(255, 0, 0)[0]
    assert np.all(made.y[:40, 11:] == red)
    assert np.all(made.y[:, :10] == 16)
    assert np.all(made.y[40:] == 16)
    assert abs(int(made.y[0, 10]) - (red + 16) / 2) <= 1


def test_a_picture_beside_the_canvas_is_not_seen() -> None:
    assert np.all(picture(laid(1.0, 100.0, 0.0)).y == 16)


def test_a_move_by_parts_of_a_pixel_is_smooth() -> None:
    y, x = np.mgrid[0:48, 0:64] + 0.5
    blob = filled(*SIZE)
    blob.y[:] = 16 + 200 * np.exp(-((x - 30) ** 2 + (y - 24) ** 2) / 32)

    def middle(shift: float) -> float:
        patch = placed(blob.copy(), Placing(np.array([[1.0, 0.0, shift], [0.0, 1.0, 0.0]])), *SIZE)
        light = whole(patch, *SIZE).y.astype(float)[:, 4:] - 16
        return float((light * x[:, 4:]).sum() / light.sum())

    shifts = np.arange(0, 2.05, 0.1)
    assert np.abs([middle(shift) - 30 - shift for shift in shifts]).max() < 0.05


def test_an_effect_acts_inside_its_region_only() -> None:
    gray = Solid(colour=(90, 90, 90, 255))
    region = Region(shape="ellipse", x=(0.5,), y=(0.5,), width=(0.5,), height=(0.5,), feather=(0.0,))
    tree = Effected(input=gray, name="exposure", values={"stops": (1.0,)}, regions=(region,))
    plain, made = picture(gray), picture(tree)
    changed = made.y != plain.y
    assert changed[24, 32]
    assert not changed[:11].any()
    assert not changed[:, :15].any()
    y, x = np.mgrid[0:48, 0:64] + 0.5
    inside = ((x - 32) / 16) ** 2 + ((y - 24) / 12) ** 2
    assert np.all(changed[inside < 0.85])
    assert not changed[inside > 1.2].any()


async def test_a_worker_behind_its_walls_makes_a_tree(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=5).path)
    plan = plan_of(timeline_of([span(source, 0, 5, rate=Fraction(25))], rate=Fraction(25)), [source], PROFILE)
    plain = plan.segments[0].work
    tree = Layered(layers=(Layer(input=plain.graph), Layer(input=BLUE, blend="screen", opacity=(0.4,))))
    work = PictureWork(count=5, graph=tree, encoder=plain.encoder, capabilities=plain.capabilities)
    assert source.index is not None
    index = tmp_path / "index"
    index.write_bytes(source.index.to_bytes())
    async with Pool(modules=("engine.rendering.worker",), workers=1) as pool:

        async def segment(work: PictureWork, needs: Sequence[str]) -> SegmentDone:
            return await pool.run(
                "engine.rendering.worker:render_segment", work, SegmentDone,
                inputs=[source.path, index], outputs=[tmp_path / "out"], needs=needs,
            )  # fmt: skip

        assert (await segment(work, ["engine.rendering.compositor.warm"])).frames == 5
        assert (await segment(plain, [])).frames == 5


@pytest.mark.parametrize(
    ("scale", "x", "y"), [((1.3, 1.3), -7.3, -4.6), ((0.8, 1.1), 5.2, -2.4), ((-1.0, 1.0), 64.0, 0.5)]
)
def test_an_upright_picture_is_sampled_as_a_cubic_says(
    scale: tuple[float, float], x: float, y: float
) -> None:
    """Against OpenCV's own, which divides pixels into 32: away from edges they differ by little."""
    rows, columns = np.mgrid[0:48, 0:64]
    source = filled(*SIZE)
    source.y[:] = 120 + 60 * np.sin(columns / 4) + 40 * np.cos(rows / 5)
    matrix = np.array([[scale[0], 0.0, x], [0.0, scale[1], y]])
    patch = placed(source.copy(), Placing(matrix), *SIZE)
    assert patch is not None
    made = whole(patch, *SIZE)
    shown = np.ones((48, 64), bool) if made.alpha is None else made.alpha == 255
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ [0.5, 0.5] - [0.5, 0.5]
    wanted = cv2.warpAffine(source.y, centred, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    assert shown.mean() > 0.5
    assert np.abs(made.y.astype(int) - wanted)[shown].max() <= 3
    left, right = sorted((x, x + scale[0] * 64))
    if made.alpha is not None:
        width = min(right, 64) - max(left, 0)
        assert made.alpha[24].sum() / 255 == pytest.approx(width, abs=0.05)


@pytest.mark.parametrize("turn", [7.0, -31.0, 90.0])
def test_a_turned_picture_fades_within_a_pixel_at_its_edge(turn: float) -> None:
    """Against OpenCV's straight lines between the picture and nothing beside it."""
    angle = np.deg2rad(turn)
    matrix = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0]])
    matrix[:, 2] = np.array([32.3, 24.6]) - matrix[:, :2] @ [32, 24]
    patch = placed(filled(*SIZE), Placing(matrix), *SIZE)
    assert patch is not None
    made = whole(patch, *SIZE).alpha
    assert made is not None
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ [0.5, 0.5] - [0.5, 0.5]
    wanted = cv2.warpAffine(np.full((48, 64), 255, np.uint8), centred, SIZE, flags=cv2.INTER_LINEAR)
    # OpenCV may divide a pixel into 32.
    assert np.abs(made.astype(int) - wanted).max() <= 10
    assert np.abs(made.astype(int) - wanted).mean() < 0.3
