"""What goes wrong in a picture is seen before the encoder and reported with its frames."""

from fractions import Fraction
from pathlib import Path

from tests.clips import make_clip
from tests.render.workshop import make_film, source_of, span, timeline_of

PAL = Fraction(25)


def test_a_black_stretch_of_the_source_is_found_to_the_frame(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=120, blank=range(50, 75)).path)
    film = make_film(tmp_path / "out", timeline_of([span(source, 20, 110, rate=PAL)], rate=PAL), [source])
    assert [(one.start, one.end) for one in film.inspection.black] == [(30, 55)]


def test_a_source_that_stands_still_is_found_across_segments(tmp_path: Path) -> None:
    numbers = [*range(120), *[120] * 70, *range(121, 150)]
    source = source_of(make_clip(tmp_path / "clip.mp4", numbers=numbers).path)
    film = make_film(tmp_path / "out", timeline_of([span(source, 0, 219, rate=PAL)], rate=PAL), [source])
    assert len(film.plan.segments) == 2  # the still stretch lies across their edge
    ((start, end),) = [(one.start, one.end) for one in film.inspection.frozen]
    assert abs(start - 120) <= 2
    assert abs(end - 190) <= 2


def test_a_short_flash_of_black_and_a_short_hold_are_no_faults(tmp_path: Path) -> None:
    numbers = [*range(40), *[40] * 30, *range(41, 80)]
    source = source_of(make_clip(tmp_path / "clip.mp4", numbers=numbers, blank=range(10, 18)).path)
    film = make_film(tmp_path / "out", timeline_of([span(source, 0, 109, rate=PAL)], rate=PAL), [source])
    assert film.inspection.black == ()
    assert film.inspection.frozen == ()
