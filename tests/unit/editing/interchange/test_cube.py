"""`.cube` files: what is right is read exactly, what is wrong is named with its line."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.editing.interchange.cube import Lut, parse_cube, write_cube
from engine.kernel.errors import Invalid

CORNERS = """# a comment
TITLE "Swap red and blue"

LUT_3D_SIZE 2
DOMAIN_MIN 0 0 0
DOMAIN_MAX 1.0 1.0 1.0
0 0 0
0 0 1
0 1 0
0 1 1
1 0 0
1 0 1
1 1 0
1 1 1
"""


def test_a_table_is_read_with_red_running_fastest() -> None:
    lut = parse_cube(CORNERS.encode())
    assert (lut.title, lut.kind, lut.size) == ("Swap red and blue", "3d", 2)
    assert lut.table[0, 0, 1].tolist() == [0, 0, 1]  # red alone becomes blue
    assert lut.table[1, 0, 0].tolist() == [1, 0, 0]


def test_a_table_of_one_dimension_has_a_row_for_each_step() -> None:
    lut = parse_cube(b"LUT_1D_SIZE 3\r\nLUT_1D_INPUT_RANGE -0.5 2\r\n0 0 0\r\n0.5 .25 1e-1\r\n1 1 1\r\n")
    assert lut.table.shape == (3, 3)
    assert lut.table[1].tolist() == pytest.approx([0.5, 0.25, 0.1])
    assert (lut.domain_min, lut.domain_max) == ((-0.5,) * 3, (2.0,) * 3)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (CORNERS.replace("1 0 1", "1 0"), 12, "2 values"),
        (CORNERS.replace("1 0 1", "1 0 nan"), 12, "'nan' is not a number"),
        (CORNERS.replace("1 0 1", "1 0 1_0"), 12, "'1_0' is not a number"),
        (CORNERS.replace("3D_SIZE 2", "3D_SIZE 1"), 4, "from 2 to 129"),
        (CORNERS.replace("3D_SIZE 2", "3D_SIZE 300"), 4, "from 2 to 129"),
        (CORNERS.replace("DOMAIN_MIN 0 0 0", "DOMAIN_LOW 0 0 0"), 5, "no keyword"),
        (CORNERS + "1 1 1\n", 15, "more than the 8 rows"),
        (CORNERS + "LUT_1D_SIZE 2\n", 15, "after the table has begun"),
        (CORNERS.replace("DOMAIN_MIN 0 0 0", "LUT_1D_SIZE 2"), 5, "one table"),
        ("0 0 0\n", 1, "before LUT_1D_SIZE"),
        ("#" * 300, 1, "300 characters"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        parse_cube(text.encode())
    assert refused.value.extra == {"field": "lut", "line": line}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no line LUT_1D_SIZE"),
        (CORNERS.replace("1 1 1\n", ""), "7 rows; its size 2 stands for 8"),
        (CORNERS.replace("DOMAIN_MAX 1.0 1.0 1.0", "DOMAIN_MAX 1 0 1"), "domain in green is 0.0 to 0.0"),
    ],
)
def test_what_is_missing_is_named(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse_cube(text.encode())


finite = st.floats(-100, 100, width=32)
sizes = st.sampled_from([("1d", (2, 3)), ("1d", (17, 3)), ("3d", (2, 2, 2, 3)), ("3d", (3, 3, 3, 3))])


@st.composite
def luts(draw: st.DrawFn) -> Lut:
    kind, shape = draw(sizes)
    low = draw(st.tuples(finite, finite, finite))
    return Lut(
        title=draw(st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9 ]{0,20}[A-Za-z0-9])?\Z")).replace("  ", " "),
        size=shape[0],
        kind="1d" if kind == "1d" else "3d",
        domain_min=low,
        domain_max=(low[0] + 1, low[1] + 0.5, low[2] + 3),
        table=draw(arrays.arrays(np.float32, shape, elements=finite)),
    )


@given(luts())
def test_a_table_comes_back_to_the_last_bit(lut: Lut) -> None:
    read = parse_cube(write_cube(lut))
    assert np.array_equal(read.table, lut.table)
    assert (read.size, read.kind, read.domain_min, read.domain_max) == (
        lut.size,
        lut.kind,
        lut.domain_min,
        lut.domain_max,
    )
    assert read.title == " ".join(lut.title.split())


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
@settings(max_examples=200)
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    with suppress(Invalid):
        assert parse_cube(data).table.size >= 6
