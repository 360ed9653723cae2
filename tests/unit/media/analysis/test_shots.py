"""A shot begins where the scene changes, and nowhere else."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from engine.media.analysis.look import Gray, Looker
from engine.media.analysis.shots import ShotFinder
from tests.unit.media.analysis.scenes import RATE, Talk, dissolve, looks, pan, shots_of, wall


def starts(pictures: list[Gray]) -> list[tuple[int, str]]:
    """Return where shots begin after the first, and how."""
    return [(shot.start_frame, shot.transition_in) for shot in shots_of(pictures)[1:]]


def test_the_shots_of_the_talk_are_those_of_its_script(talk: Talk) -> None:
    finder, looker = ShotFinder(), Looker()
    with av.open(str(talk.path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            finder.add(looker.look(number, Fraction(number, RATE), frame))
    found = finder.finish(talk.script.duration)
    hard = {shot.start_frame for shot in talk.script.shots if shot.transition_in == "cut"}
    (soft,) = [shot for shot in talk.script.shots if shot.mix is not None]
    assert {shot.start_frame for shot in found if shot.transition_in == "cut"} == hard
    (dissolved,) = [shot for shot in found if shot.transition_in == "dissolve"]
    assert dissolved.start_frame == pytest.approx(soft.start_frame, abs=5)
    assert len(found) == len(talk.script.shots)


def test_a_hard_cut_is_found_at_its_frame() -> None:
    assert starts([wall(1)] * 30 + [wall(2)] * 30) == [(30, "cut")]


@pytest.mark.parametrize("at", [1, 2, 5, 57, 59])
def test_a_cut_is_found_near_the_ends_too(at: int) -> None:
    assert starts([wall(1)] * at + [wall(2)] * (60 - at)) == [(at, "cut")]


def test_cuts_between_moving_cameras_are_found_at_their_frames() -> None:
    film = pan(1, 40, 3) + pan(2, 40, 0) + pan(3, 40, 5) + pan(4, 40, 1)
    assert starts(film) == [(40, "cut"), (80, "cut"), (120, "cut")]


@pytest.mark.parametrize("frames", [8, 14, 24, 40])
def test_a_dissolve_is_one_edit_in_its_middle(frames: int) -> None:
    film = [wall(1)] * 60 + dissolve(wall(1), wall(2), frames) + [wall(2)] * 60
    ((start, kind),) = starts(film)
    assert kind == "dissolve"
    assert start == pytest.approx(60 + frames / 2, abs=4)


def test_a_fade_through_black_is_one_edit_while_it_is_black() -> None:
    black = np.zeros_like(wall(1))
    film = (
        [wall(1)] * 40
        + dissolve(wall(1), black, 12)
        + [black] * 6
        + dissolve(black, wall(2), 12)
        + [wall(2)] * 40
    )
    ((start, kind),) = starts(film)
    assert kind == "fade"
    assert 52 <= start <= 58


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize("flash", [np.full_like(wall(1), 250), wall(2)], ids=["white", "picture"])
def test_a_flash_is_no_cut(flash: Gray, frames: int) -> None:
    assert starts([wall(1)] * 30 + [flash] * frames + [wall(1)] * 30) == []


def test_light_that_changes_is_no_cut() -> None:
    dim = (wall(1) * 0.4).astype(np.uint8)
    assert starts([wall(1)] * 30 + [dim] * 30) == []


def test_a_light_that_is_off_for_a_while_ends_no_shot() -> None:
    dark = (wall(1) * 0.05).astype(np.uint8)
    assert starts([wall(1)] * 30 + [dark] * 60 + [wall(1)] * 30) == []
    assert starts([wall(1)] * 30 + [dark] * 60 + [wall(2)] * 30) != []


@pytest.mark.parametrize("step", [1, 4, 8])
def test_a_camera_that_moves_makes_no_shots(step: float) -> None:
    assert starts(pan(5, 90, step)) == []


def test_a_title_that_fades_in_makes_no_shot() -> None:
    scene = np.asarray(cv2.GaussianBlur(wall(1), (0, 0), 6), dtype=np.uint8)
    titled = scene.copy()
    titled[70:110, 60:260] = 250
    titled[70:110:8, 60:260] = 0
    assert starts([scene] * 40 + dissolve(scene, titled, 20) + [titled] * 40) == []


def test_shots_know_their_times_also_when_the_rate_varies() -> None:
    finder = ShotFinder()
    at = [Fraction(number * (3 if number < 30 else 1), 75) for number in range(60)]
    for look, time in zip(looks([wall(1)] * 30 + [wall(2)] * 30), at, strict=True):
        finder.add(look.again(look.number, time))
    first, second = finder.finish(Fraction(2))
    assert (first.start, first.end, second.start, second.end) == (at[0], at[30], at[30], Fraction(2))


def test_a_film_without_frames_has_no_shots_and_one_with_one_frame_has_one() -> None:
    assert shots_of([]) == ()
    (only,) = shots_of([wall(1)])
    assert (only.start_frame, only.end_frame, only.transition_in) == (0, 1, "start")
