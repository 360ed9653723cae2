"""What moves is measured and found, whatever the camera does."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from cutroom_sdk.wire.media import Motion
from engine.media.analysis.look import Gray
from engine.media.analysis.motion import MotionMeter
from tests.unit.media.analysis.scenes import RATE, looks, pan, shots_of, wall

HOP = Fraction(1, 5)


def motion_of(pictures: list[Gray]) -> Motion:
    meter = MotionMeter(HOP)
    for look in looks(pictures):
        meter.add(look)
    return meter.finish(Fraction(len(pictures), RATE), shots_of(pictures))


def walker(number: int) -> tuple[int, int]:
    """Where the subject is in a frame, pixels of 320x180."""
    return round(90 + 60 * np.sin(number / 25)), round(100 + 20 * np.sin(number / 14))


def with_walker(pictures: list[Gray]) -> list[Gray]:
    painted = [picture.copy() for picture in pictures]
    for number, picture in enumerate(painted):
        x, y = walker(number)
        cv2.circle(picture, (x, y), 22, 245, -1)
        cv2.line(picture, (x - 22, y), (x + 22, y), 10, 4)
    return painted


def shaken(count: int) -> list[Gray]:
    """A camera held in the hand."""
    whole, rng = wall(3, 360, 220), np.random.default_rng(0)
    sway = np.cumsum(rng.normal(0, 1.5, (count, 2)), axis=0)
    sway = np.clip(sway - sway.mean(axis=0), -19, 19).round().astype(int) + 20
    return [whole[dy : dy + 180, dx : dx + 320].copy() for dx, dy in sway]


@pytest.mark.parametrize(
    "background", [[wall(3)] * 150, pan(3, 150, 2), shaken(150)], ids=["still", "pan", "shaken"]
)
def test_the_centre_follows_the_subject_within_four_percent_of_the_width(background: list[Gray]) -> None:
    motion = motion_of(with_walker(background))
    truth = np.array([walker(number * 5) for number in range(len(motion.amount))])
    found = np.stack([np.array(motion.center_x) * 320, np.array(motion.center_y) * 180], axis=1)
    assert np.abs(found[:, 0] - truth[:, 0]).mean() < 0.04 * 320
    assert np.abs(found[:, 1] - truth[:, 1]).mean() < 0.04 * 320


@pytest.mark.parametrize("film", [[wall(4)] * 75, pan(4, 75, 3)], ids=["still", "pan"])
def test_where_nothing_moves_but_the_camera_the_amount_is_small_and_the_centre_the_middle(
    film: list[Gray],
) -> None:
    motion = motion_of(film)
    assert max(motion.amount) < 0.02
    assert set(motion.center_x) == set(motion.center_y) == {0.5}


def test_more_that_moves_is_a_larger_amount() -> None:
    quiet = motion_of([wall(4)] * 50)
    one = motion_of(with_walker([wall(4)] * 50))
    assert np.mean(quiet.amount) < 0.01 < 0.05 < np.mean(one.amount) <= 1


def test_a_subject_counts_where_it_is_not_where_it_was() -> None:
    """A disc that jumps by more than its width leaves holes behind it and ahead: only the disc itself moves."""
    film = []
    for number in range(50):
        picture = wall(4).copy()
        cv2.circle(picture, (30 + number * 31 % 260, 90), 14, 250, -1)
        film.append(picture)
    motion = motion_of(film)
    disc = np.pi * 14**2 / (320 * 180)
    # Blur and the small size of what is compared make it look twice as large; with its holes it would be five times.
    assert np.median(motion.amount) < 2.5 * disc / 0.1


def test_a_cut_is_no_movement() -> None:
    assert max(motion_of([wall(1)] * 37 + [wall(2)] * 38).amount) < 0.02


def test_a_subject_that_stops_stays_the_centre_until_the_shot_ends() -> None:
    moving = with_walker([wall(5)] * 50)
    film = moving + [moving[-1]] * 100 + [wall(6)] * 50
    motion = motion_of(film)
    x, y = walker(49)
    assert motion.center_x[20] == pytest.approx(x / 320, abs=0.08)
    assert motion.center_y[20] == pytest.approx(y / 180, abs=0.12)
    assert (motion.center_x[35], motion.center_y[35]) == (0.5, 0.5)


@pytest.mark.parametrize("count", [1, 2, 5, 6, 51])
def test_there_is_a_sample_for_each_hop(count: int) -> None:
    motion = motion_of([wall(1)] * count)
    assert len(motion.amount) == len(motion.center_x) == len(motion.center_y) == -(-count // 5)


def test_a_picture_without_a_single_corner_is_no_trouble() -> None:
    flat = np.full((180, 320), 90, np.uint8)
    assert set(motion_of([flat] * 30).amount) == {0.0}
