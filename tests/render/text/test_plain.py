"""Colours, gradients, bars and counters."""

import numpy as np
import pytest

from engine.rendering.compositor.canvas import yuv_of
from engine.rendering.compositor.text.plain import counted
from engine.rendering.lettering import Fonts
from tests.render.text.kit import alpha, at, drawn, ink, node, rgb


def test_a_solid_is_its_colour_all_over() -> None:
    picture = drawn("solid", colour="#336699", canvas=(64, 36))
    y, u, v = yuv_of(0x33, 0x66, 0x99)
    assert [np.unique(one).tolist() for one in (picture.y, picture.u, picture.v)] == [[y], [u], [v]]
    assert picture.alpha is None
    assert np.unique(alpha(drawn("solid", colour="#33669980", canvas=(64, 36)))).tolist() == [128]


@pytest.mark.parametrize(
    ("angle", "start", "end"), [(0, (18, 0), (18, 63)), (90, (0, 32), (35, 32)), (180, (18, 63), (18, 0))]
)
def test_a_gradient_goes_from_one_colour_to_the_other(
    angle: float, start: tuple[int, int], end: tuple[int, int]
) -> None:
    picture = drawn("gradient", colour="#000000", second_colour="#ffffff", angle=angle, canvas=(64, 36))
    assert picture.y[start] <= 16 + 8
    assert picture.y[end] >= 235 - 8
    line = picture.y.mean(axis=0 if angle in (0, 180) else 1)
    assert (np.diff(line) * (1 if angle < 180 else -1) > -1.5).all()


def test_a_gradient_has_no_bands() -> None:
    picture = drawn("gradient", colour="#404040", second_colour="#505050", angle=0, canvas=(640, 64))
    middle = picture.y[:, 300:340]
    assert len(np.unique(middle)) > 1, "where one step is many pixels wide, both of its sides are mixed"


def test_a_radial_gradient_is_the_same_all_around() -> None:
    picture = drawn("gradient", colour="#ffffff", second_colour="#000000", shape="radial", canvas=(64, 64))
    corners = [int(picture.y[one]) for one in ((0, 0), (0, 63), (63, 0), (63, 63))]
    assert max(corners) - min(corners) <= 1
    assert picture.y[32, 32] > 230
    assert max(corners) < 24


def test_bars_have_the_colours_of_the_standard() -> None:
    picture = drawn("bars", canvas=(640, 360))
    seen = rgb(picture)[100, 40::80]
    wanted = 0.75 * np.array(
        [(0, 0, 0), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1), (0, 0, 0)]
    )
    wanted[0] = 1
    assert seen == pytest.approx(wanted, abs=0.01)
    assert (picture.y[-1, 0], picture.y[-1, -1]) == (16, 235)


@pytest.mark.parametrize(
    ("values", "seconds", "text"),
    [
        ({"from": 0.0, "to": 100.0}, 2.0, "50"),
        ({"from": 10.0, "to": 0.0}, 4.0, "0"),
        ({"to": 1.0, "decimals": 2.0}, 1.0, "0.25"),
        ({"to": 12500.0, "grouped": 1.0}, 4.0, "12,500"),
        ({"format": "clock", "from": 58.0, "to": 100.0}, 3.0, "1:01"),
        ({"format": "clock", "from": 10.0, "to": 0.0}, 3.0, "0:07"),
        ({"format": "clock", "from": 3600.0, "to": 4000.0}, 1.0, "1:00:01"),
    ],
)
def test_a_counter_shows_its_number(values: dict[str, float | str], seconds: float, text: str) -> None:
    fonts = Fonts()
    assert counted(at(node("counter", seconds=[seconds], fonts=fonts, given=values), 0, fonts)) == text


def test_a_counter_is_written_like_a_title() -> None:
    number = ink(drawn("counter", before="€ ", to=8, seconds=4, shadow=0))
    title = ink(drawn("title", text="€ 8", size=140, shadow=0))
    assert number == pytest.approx(title, abs=6)


def test_digits_do_not_jump_while_a_counter_runs() -> None:
    def right(number: float) -> int:
        return ink(drawn("counter", before="+", align="left", x=0.2, seconds=4, to=number, shadow=0))[2]

    def left_of_last(number: float) -> int:
        picture = alpha(drawn("counter", after="|", align="left", x=0.2, seconds=4, to=number, shadow=0))
        columns = np.flatnonzero((picture > 128).any(axis=0))
        return int(columns[np.flatnonzero(np.diff(columns) > 1)[-1] + 1])

    assert right(11) < right(111)
    assert left_of_last(11) == pytest.approx(left_of_last(88), abs=1), "all digits are equally wide"
