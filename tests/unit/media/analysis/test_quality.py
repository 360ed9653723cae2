"""Bad pictures are told from good ones, and the look of a scene is not held against it."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from cutroom_sdk.wire.media import Quality
from engine.media.analysis.look import Gray, Looker
from engine.media.analysis.params import QualityParams
from engine.media.analysis.quality import QualityMeter, sharpness
from tests.unit.media.analysis.scenes import RATE, Talk, looks, wall

PARAMS = QualityParams()


def quality_of(pictures: list[Gray]) -> Quality:
    meter = QualityMeter(PARAMS.hop, PARAMS.blur_below)
    for look in looks(pictures):
        meter.add(look)
    return meter.finish(Fraction(len(pictures), RATE))


def blurred(picture: Gray, sigma: float) -> Gray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), dtype=np.uint8)


def test_the_bad_stretches_of_the_talk_are_found(talk: Talk) -> None:
    meter, looker = QualityMeter(PARAMS.hop, PARAMS.blur_below), Looker()
    with av.open(str(talk.path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            meter.add(looker.look(number, Fraction(number, RATE), frame))
    quality = meter.finish(talk.script.duration)
    faults = {frame: bad.fault for bad in talk.script.bad for frame in range(bad.start_frame, bad.end_frame)}
    for sample, sharp in enumerate(quality.sharpness):
        fault = faults.get(int(sample * quality.hop * RATE))
        assert (sharp < quality.blur_below) == (fault == "blur"), sample
        assert (quality.luma[sample] < 0.07) == (fault == "dark"), sample


@pytest.mark.parametrize("seed", range(4))
def test_the_more_blur_the_less_sharp(seed: int) -> None:
    picture = wall(seed, 640, 360)
    series = [sharpness(picture)] + [sharpness(blurred(picture, sigma)) for sigma in (1, 2, 3, 5, 8)]
    assert series == sorted(series, reverse=True)
    assert series[0] > 2 * PARAMS.blur_below
    assert series[-2] < PARAMS.blur_below


def test_contrast_and_light_leave_sharpness_as_it_is() -> None:
    picture = wall(1, 640, 360)
    pale = (picture * 0.4 + 90).astype(np.uint8)
    assert sharpness(pale) == pytest.approx(sharpness(picture), abs=0.1)


def test_noise_does_not_make_a_blurred_picture_sharp() -> None:
    noise = np.random.default_rng(0).normal(0, 4, (360, 640))
    noisy = np.clip(blurred(wall(1, 640, 360), 6) + noise, 0, 255).astype(np.uint8)
    assert sharpness(noisy) < PARAMS.blur_below


def test_a_plain_picture_is_not_blurred() -> None:
    assert sharpness(np.full((360, 640), 90, np.uint8)) == 1


def test_one_line_of_text_on_a_plain_picture_is_enough_to_judge_by() -> None:
    card = np.full((360, 640), 90, np.uint8)
    cv2.putText(card, "01:00:00:00", (200, 320), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 240, 2)
    assert sharpness(card) > 2 * PARAMS.blur_below
    assert sharpness(blurred(card, 6)) < PARAMS.blur_below


def test_black_clipped_and_brightness() -> None:
    black, white = np.full((180, 320), 1, np.uint8), np.full((180, 320), 255, np.uint8)
    half = np.concatenate([np.full((90, 320), 255, np.uint8), np.full((90, 320), 100, np.uint8)])
    quality = quality_of([black] * 5 + [white] * 5 + [half] * 5)
    assert quality.black == (True, False, False)
    assert quality.clipped == (1.0, 1.0, 0.5)
    assert quality.luma == pytest.approx((1 / 255, 1.0, 355 / 510), abs=0.001)


def test_a_star_in_the_night_is_not_black() -> None:
    night = np.zeros((180, 320), np.uint8)
    cv2.circle(night, (160, 90), 14, 200, -1)
    assert quality_of([night] * 5).black == (False,)


def test_a_sample_is_of_the_frame_on_screen_at_its_time() -> None:
    meter = QualityMeter(Fraction(1, 5), PARAMS.blur_below)
    shown = [(Fraction(0), 50), (Fraction(1, 10), 100), (Fraction(1, 2), 150), (Fraction(3, 5), 200)]
    for number, (at, brightness) in enumerate(shown):
        (look,) = looks([np.full((90, 160), brightness, np.uint8)])
        meter.add(look.again(number, at))
    luma = meter.finish(Fraction(9, 10)).luma
    assert luma == pytest.approx([value / 255 for value in (50, 100, 100, 200, 200)], abs=0.001)
