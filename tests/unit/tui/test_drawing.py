import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from clients.tui import drawing
from clients.view import find, rows
from clients.view.lists import list_rows
from tests.unit.view.test_examples import example, shelf_of


def test_the_examples_in_the_drawing_are_true() -> None:
    assert doctest.testmod(drawing).failed == 0


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Mn", "Me", "Cf"]), max_size=30), st.integers(2, 40)
)
def test_a_fitted_text_has_exactly_its_width(text: str, width: int) -> None:
    assert Content(drawing.fitted(text, width)).cell_length == width


@pytest.mark.parametrize("name", ["running", "review", "finished"])
@pytest.mark.parametrize("width", [60, 78, 120])
def test_no_line_is_wider_than_the_screen(name: str, width: int) -> None:
    shelf = shelf_of(example(name))
    mission = find.missions(shelf)[0]
    plan = find.plan(shelf, find.refs(mission))
    assert plan is not None
    drawn = [
        *(drawing.list_line(row, width) for row in list_rows(shelf, "missions", 0)),
        *(drawing.list_lines(row, width) for row in list_rows(shelf, "missions", 0)),
        drawing.cuts([*rows.cut_rows(plan), *rows.removed_rows(plan)], width),
        drawing.checks(rows.check_rows(find.checks(shelf, mission)), width),
    ]
    drawn.append(drawing.items(rows.item_rows(shelf, mission), width))
    for content in drawn:
        assert max((line.cell_length for line in content.split("\n")), default=0) <= width


def test_what_runs_shows_a_bar_and_the_time_left() -> None:
    shelf = shelf_of(example("running"))
    text = drawing.items(rows.item_rows(shelf, find.missions(shelf)[0]), 78).plain
    line = next(line for line in text.splitlines() if "Render" in line)
    assert "━━━━──────" in line
    assert "4 s left" in line
    assert "rendering: 150 of 361 frames" in text


def test_what_is_left_out_stands_below_what_is_kept() -> None:
    shelf = shelf_of(example("review"))
    plan = find.plan(shelf, find.refs(find.missions(shelf)[0]))
    assert plan is not None
    text = drawing.cuts([*rows.cut_rows(plan), *rows.removed_rows(plan)], 78).plain
    assert text.index(" 1 0:01.16") < text.index("Left out") < text.index(" – 0:00.00")


def test_what_a_check_asked_for_can_be_read_whole_in_a_narrow_pane() -> None:
    limit = "at most two frames longer or shorter than the plan, sound and picture alike"
    row = rows.CheckRow(
        mark="✓", tone="good", name="duration", value="8.00 s", limit=limit, source="measured", fix=""
    )
    lines = drawing.checks([row], 60).plain.splitlines()
    assert " ".join(" ".join(lines).split()).endswith(limit)
    assert len(lines) > 1
    assert len({line.index(line[28:].strip()) for line in lines}) == 1, "one column"
