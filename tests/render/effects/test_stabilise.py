"""A shaking camera: its path as the analysis finds it, and frames held still by it."""

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from cutroom_sdk.wire.media import CameraPath
from cutroom_sdk.wire.timeline import Clip, Effect, Generator, TimeRange
from engine.kernel.errors import Invalid, WorkFailed
from engine.media.analysis.camera import CameraMeter
from engine.media.analysis.look import Look
from engine.rendering.analyses import Analyses
from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.graph import Effected, Footage
from engine.rendering.plan import RenderPlan, compile_plan
from engine.rendering.walking import every, graph_inputs
from tests.clips import make_clip
from tests.render.effects.kit import Reals, applied, filled, same, scene
from tests.render.workshop import PROFILE, plan_of, source_of, span, timeline_of
from tests.unit.rendering.material import CAPABLE

WIDTH, HEIGHT, COUNT, RATE = 320, 180, 50, 25
PAL = Fraction(25)


def world(seed: int = 0) -> Plane:
    rng = np.random.default_rng(seed)
    rough = cv2.resize(
        rng.integers(20, 235, (90, 140), dtype=np.uint8), (1120, 720), interpolation=cv2.INTER_CUBIC
    )
    return np.asarray(cv2.GaussianBlur(rough, (0, 0), 1.5), dtype=np.uint8)


def shake() -> Reals:
    """Right, down (pixels) and turn of each frame: a pan of a pixel a frame, and a hand that is not steady."""
    rng = np.random.default_rng(3)
    steady = np.stack([np.arange(COUNT, dtype=float), np.zeros(COUNT), np.zeros(COUNT)], axis=1)
    return steady + rng.normal(0, 1, (COUNT, 3)) * (2.0, 2.0, 0.004)


def filmed(path: Reals, seed: int = 0) -> list[Plane]:
    frames = []
    for right, down, turn in path:
        to_middle = np.array([[1, 0, -560.0], [0, 1, -360.0], [0, 0, 1]])
        turned = np.array(
            [
                [math.cos(turn), -math.sin(turn), WIDTH / 2 + right - COUNT / 2],
                [math.sin(turn), math.cos(turn), HEIGHT / 2 + down],
            ]
        )
        frames.append(
            np.asarray(cv2.warpAffine(world(seed), turned @ to_middle, (WIDTH, HEIGHT)), dtype=np.uint8)
        )
    return frames


def path_of(frames: list[Plane]) -> bytes:
    meter = CameraMeter()
    for number, frame in enumerate(frames):
        meter.add(Look(number, Fraction(number, RATE), frame))
    return meter.finish()


def moves(content: bytes) -> Reals:
    path = msgspec.json.decode(content, type=CameraPath)
    return np.array([move for move in path.moves if move is not None])


def pictured(frame: Plane) -> Picture:
    picture = filled("#808080", WIDTH, HEIGHT)
    picture.y = (frame * (219 / 255) + 16).astype(np.uint8)
    return picture


def held(frames: list[Plane], path: bytes, **values: float) -> list[Plane]:
    return [
        applied("stabilise", pictured(frame), seed=number, files={"p": path}, file="p", **values).y
        for number, frame in enumerate(frames)
    ]


def test_the_path_is_that_of_the_camera() -> None:
    path = msgspec.json.decode(path_of(filmed(shake())), type=CameraPath)
    assert (path.width, path.height, path.rate) == (WIDTH, HEIGHT, RATE)
    assert path.moves[0] is None
    found = moves(path_of(filmed(shake())))
    path_of_hand = shake() - (COUNT / 2, 0, 0)
    for before, after, move in zip(path_of_hand, path_of_hand[1:], found, strict=False):
        turn = after[2] - before[2]
        # The middle goes round the point that the hand turned about.
        turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ before[:2]
        assert move[:3] == pytest.approx([*(after[:2] - turned), turn], abs=0.06)
    assert np.abs(found[:, 3]).max() < 0.002


def test_a_cut_is_no_move() -> None:
    frames = [*filmed(shake())[:10], *filmed(shake(), seed=9)[:10]]
    path = msgspec.json.decode(path_of(frames), type=CameraPath)
    assert [place for place, move in enumerate(path.moves) if move is None] == [0, 10]


def test_stabilise_takes_the_shaking_out_and_leaves_the_pan() -> None:
    frames = filmed(shake())
    before = moves(path_of(frames))
    after = moves(path_of(held(frames, path_of(frames), smoothness=1.0, zoom=1.2)))
    assert after[:, :2].std(axis=0) == pytest.approx([0, 0], abs=0.35 * before[:, 1].std())
    assert after[5:-5, 0].mean() == pytest.approx(1.2 * before[5:-5, 0].mean(), abs=0.25)
    assert after[:, 2].std() < 0.35 * before[:, 2].std()


def test_stabilise_never_shows_what_lies_beyond_the_pictures_edge() -> None:
    """With hardly any room to move, what is wanted is done in part: a slope goes on up to the last column and row."""
    frames = filmed(shake())
    path = path_of(frames)
    picture = filled("#808080", WIDTH, HEIGHT)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture.y = (20 + 0.35 * columns + 0.35 * rows).astype(np.uint8)
    for number in range(COUNT):
        made = applied("stabilise", picture, seed=number, files={"p": path}, file="p", zoom=1.02).y.astype(
            int
        )
        for side, inside in ((made[:, 0], made[:, 12]), (made[0], made[12])):
            assert (inside - side).min() >= 2
        for side, inside in ((made[:, -1], made[:, -13]), (made[-1], made[-13])):
            assert (side - inside).min() >= 2


def test_stabilise_of_a_camera_on_a_tripod_changes_nothing() -> None:
    still = [world()[:HEIGHT, :WIDTH].copy()] * 10
    picture = scene(WIDTH, HEIGHT)
    made = applied("stabilise", picture, seed=4, files={"p": path_of(still)}, file="p", zoom=1.0)
    assert same(made, picture)


def test_stabilise_zooms_by_as_much_as_is_said() -> None:
    still = [world()[:HEIGHT, :WIDTH].copy()] * 10
    picture = filled("#000000", WIDTH, HEIGHT)
    picture.y[80:100, 200:220] = 235
    made = applied("stabilise", picture, seed=4, files={"p": path_of(still)}, file="p", zoom=1.5)
    columns = np.flatnonzero(made.y[90] > 120)
    assert columns.min() == pytest.approx(160 + 40 * 1.5, abs=1.5)
    assert columns.max() + 1 == pytest.approx(160 + 60 * 1.5, abs=1.5)


@pytest.mark.parametrize(("content", "seed"), [(b"{}", 0), (b"no path", 0), (None, 99)])
def test_stabilise_says_when_the_path_is_none_or_anothers(content: bytes | None, seed: int) -> None:
    path = content if content is not None else path_of(filmed(shake())[:5])
    with pytest.raises(WorkFailed, match="path"):
        applied("stabilise", scene(), seed=seed, files={"p": path}, file="p")


def test_stabilise_goes_by_the_path_of_its_clips_own_footage(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "shaky.mp4", frames=COUNT).path)
    asset_id = source.asset.asset_id
    steady = timeline_of([span(source, 0, 8, rate=PAL, effects=[Effect(name="stabilise")])], rate=PAL)
    index = source.index
    assert index is not None

    def planned(**more: Any) -> RenderPlan:
        return compile_plan(steady, {asset_id: source.asset}, {asset_id: index}, PROFILE, CAPABLE, **more)

    plan = planned(analyses=Analyses(cameras={asset_id: "c" * 64}))
    assert graph_inputs(plan.segments[0].work.graph).files == ("c" * 64,)
    assert plan.methods == (
        f"shaky.mp4-0: stabilised by the camera's path {'c' * 12}, as the analysis has found it",
    )
    missing = f'nobody has looked for it; have it analysed: POST /v1/assets/{asset_id}/analyses {{"kind": "camera"}}'
    with pytest.raises(Invalid, match=re.escape(missing)):
        planned()
    dry = planned(lenient=True)
    assert missing in dry.warnings[0]
    assert isinstance(dry.segments[0].work.graph, Footage)


def test_stabilise_of_what_no_camera_took_says_so() -> None:
    drawn = Clip(
        id="t", media=Generator(kind="title"), effects=(Effect(name="stabilise"),),
        source_range=TimeRange(start=Fraction(0), duration=Fraction(1)),
    )  # fmt: skip
    with pytest.raises(Invalid, match="this is no footage of one"):
        plan_of(timeline_of([drawn], rate=PAL), [])


def test_stabilise_is_told_each_frames_number_in_its_footage_and_has_the_path_at_hand(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "shaky.mp4", frames=COUNT).path)
    path_hash = "a" * 64
    held_still = Effect(name="stabilise", parameters={"file": path_hash})
    cut = span(source, 12, 20, rate=Fraction(25), effects=[held_still])
    work = plan_of(timeline_of([cut], rate=Fraction(25)), [source]).segments[0].work
    effected = [node for node in every(work.graph) if isinstance(node, Effected)]
    assert [node.seed for node in effected] == [tuple(range(12, 20))]
    assert graph_inputs(work.graph).files == (path_hash,)
