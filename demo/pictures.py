"""Pictures for footage that is made, not filmed: a few places, each with somebody or something that moves in it.

A `Stage` paints one place at any time; what it paints depends on its seed, the time and how loud the voice is, and on
nothing else. Pictures are (height, width, 3) uint8, BGR as OpenCV has them; places in them are 0..1 from the top left.
"""

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Color = tuple[int, int, int]

SKIN: Final[Color] = (150, 178, 226)
INK: Final[Color] = (38, 30, 34)


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a stage shows. The subject swings around (`x`, `y`) by `swing` (both 0..1) every `period_s` seconds.

    `pan` is how far the camera moves, in widths a second: what stands still wanders through the picture by as much.
    """

    name: str
    top: Color
    bottom: Color
    paints: tuple[Color, ...]
    pattern: Literal["shelves", "skyline", "mat", "poster"]
    subject: Literal["person", "ball", "kite"]
    x: float
    y: float
    swing: tuple[float, float]
    period_s: float
    pan: float = 0.0


PLACES: Final = (
    Place(
        name="studio",
        top=(96, 122, 150),
        bottom=(60, 78, 104),
        paints=((52, 70, 160), (70, 120, 60), (150, 110, 60), (190, 200, 210)),
        pattern="shelves",
        subject="person",
        x=0.70,
        y=0.50,
        swing=(0.035, 0.012),
        period_s=3.1,
    ),
    Place(
        name="street",
        top=(214, 170, 110),
        bottom=(170, 190, 214),
        paints=((92, 84, 80), (120, 110, 118), (64, 60, 72), (140, 150, 168)),
        pattern="skyline",
        subject="kite",
        x=0.34,
        y=0.34,
        swing=(0.20, 0.12),
        period_s=5.2,
        pan=0.03,
    ),
    Place(
        name="workshop",
        top=(48, 74, 44),
        bottom=(32, 52, 30),
        paints=((84, 132, 82), (62, 98, 58), (110, 168, 116)),
        pattern="mat",
        subject="ball",
        x=0.55,
        y=0.58,
        swing=(0.28, 0.18),
        period_s=4.3,
    ),
    Place(
        name="gallery",
        top=(205, 214, 224),
        bottom=(178, 188, 204),
        paints=((40, 60, 190), (180, 120, 40), (60, 150, 200), (70, 70, 70), (90, 170, 110)),
        pattern="poster",
        subject="person",
        x=0.28,
        y=0.52,
        swing=(0.05, 0.01),
        period_s=4.0,
        pan=-0.015,
    ),
)

PAN_ROOM_S: Final = 20.0  # a camera that has moved this long comes back


class Stage:
    """One place, painted at `width` x `height`."""

    def __init__(self, place: Place, *, width: int, height: int, seed: int) -> None:
        self.place = place
        self.width, self.height = width, height
        self._room = math.ceil(abs(place.pan) * PAN_ROOM_S / 2 * width)
        rng = np.random.default_rng((seed, PLACES.index(place) if place in PLACES else len(PLACES)))
        self._backdrop = _backdrop(place, width + self._room, height, rng)

    def subject_at(self, time_s: float) -> tuple[float, float]:
        """Return the centre of what moves, 0..1 of the picture."""
        place = self.place
        turn = 2 * math.pi * time_s / place.period_s
        return place.x + place.swing[0] * math.sin(turn), place.y + place.swing[1] * math.sin(2 * turn)

    def paint(self, time_s: float, voice: float) -> Picture:
        """Return the picture at `time_s`; `voice` 0..1 opens the mouth of whoever speaks."""
        left = self._camera_left(time_s)
        picture = self._backdrop[:, left : left + self.width].copy()
        x, y = self.subject_at(time_s)
        at = (round(x * self.width), round(y * self.height))
        match self.place.subject:
            case "person":
                _person(picture, at, self.height, voice)
            case "ball":
                _ball(picture, at, self.height, time_s)
            case "kite":
                _kite(picture, at, self.height, time_s)
        return picture

    def _camera_left(self, time_s: float) -> int:
        moved = abs(self.place.pan) * time_s * self.width
        there_and_back = moved % (2 * self._room) if self._room else 0
        left = round(min(there_and_back, 2 * self._room - there_and_back))
        return left if self.place.pan >= 0 else self._room - left


def blurred(picture: Picture) -> Picture:
    """Return the picture as a lens far out of focus sees it."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 1.6)
    return _picture(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC))


def darkened(picture: Picture) -> Picture:
    """Return the picture as if somebody had turned off the light."""
    return _picture(cv2.convertScaleAbs(picture, alpha=0.07))


def mixed(first: Picture, second: Picture, part: float) -> Picture:
    """Return a dissolve: `part` 0 is all `first`, 1 all `second`."""
    return _picture(cv2.addWeighted(first, 1 - part, second, part, 0))


def _picture(array: Any) -> Picture:
    return np.asarray(array, dtype=np.uint8)


def _backdrop(place: Place, width: int, height: int, rng: np.random.Generator) -> Picture:
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    wall = (1 - ramp) * np.array(place.top, np.float32) + ramp * np.array(place.bottom, np.float32)
    coarse = rng.normal(0, 5, (height // 2, width // 2)).astype(np.float32)
    grain = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
    picture = _picture(np.clip(wall + grain[:, :, None], 0, 255))
    {"shelves": _shelves, "skyline": _skyline, "mat": _mat, "poster": _posters}[place.pattern](
        picture, place.paints, rng
    )
    return picture


def _any(paints: tuple[Color, ...], rng: np.random.Generator) -> Color:
    return paints[int(rng.integers(len(paints)))]


def _shelves(picture: Picture, paints: tuple[Color, ...], rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for level in (0.26, 0.52, 0.78):
        floor = int(level * height)
        cv2.rectangle(picture, (0, floor), (width, floor + height // 60), INK, -1)
        left = 0
        while left < width:
            thick, tall = int(rng.integers(10, 34) * height / 720), int(rng.uniform(0.08, 0.19) * height)
            if rng.random() < 0.8:
                cv2.rectangle(picture, (left, floor - tall), (left + thick, floor), _any(paints, rng), -1)
                cv2.line(picture, (left, floor - tall), (left, floor), INK, 1)
            left += thick + 2


def _skyline(picture: Picture, paints: tuple[Color, ...], rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    left = 0
    while left < width:
        wide, top = int(rng.uniform(0.06, 0.14) * height * 1.6), int(rng.uniform(0.45, 0.75) * height)
        cv2.rectangle(picture, (left, top), (left + wide, height), _any(paints, rng), -1)
        pane = max(3, height // 60)
        for window_y in range(top + pane, height - pane, 3 * pane):
            for window_x in range(left + pane, left + wide - pane, 3 * pane):
                lit = (150, 220, 250) if rng.random() < 0.45 else INK
                cv2.rectangle(picture, (window_x, window_y), (window_x + pane, window_y + pane), lit, -1)
        left += wide


def _mat(picture: Picture, paints: tuple[Color, ...], rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    step = max(6, height // 24)
    for place in range(0, width, step):
        cv2.line(picture, (place, 0), (place, height), paints[place // step % 5 == 0], 1)
    for place in range(0, height, step):
        cv2.line(picture, (0, place), (width, place), paints[place // step % 5 == 0], 1)
    for _ in range(9):
        corner = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(picture, corner, int(rng.uniform(0.03, 0.09) * height), _any(paints, rng), 2, cv2.LINE_AA)


def _posters(picture: Picture, paints: tuple[Color, ...], rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for column in range(0, width, height // 3):
        for row in range(2):
            left, top = column + height // 24, int((0.06 + 0.46 * row) * height)
            right, bottom = left + height // 4, top + int(0.36 * height)
            cv2.rectangle(picture, (left, top), (right, bottom), _any(paints, rng), -1)
            for _ in range(5):
                points = rng.integers((left, top), (right, bottom), size=(3, 2)).astype(np.int32)
                cv2.fillPoly(picture, [points], _any(paints, rng), cv2.LINE_AA)
            cv2.rectangle(picture, (left, top), (right, bottom), INK, max(2, height // 180))


def _person(picture: Picture, at: tuple[int, int], height: int, voice: float) -> None:
    x, y = at
    unit = height / 100
    lean = round((x / picture.shape[1] - 0.5) * 2 * unit)

    def ellipse(dx: float, dy: float, wide: float, tall: float, color: Color) -> None:
        center = (x + lean + round(dx * unit), y + round(dy * unit))
        axes = (max(1, round(wide * unit)), max(1, round(tall * unit)))
        cv2.ellipse(picture, center, axes, 0, 0, 360, color, -1, cv2.LINE_AA)

    ellipse(0, 46, 26, 38, (120, 70, 44))
    ellipse(0, 10, 5, 9, SKIN)
    ellipse(0, -7, 14, 17, INK)
    ellipse(0, -3, 12, 15, SKIN)
    for side in (-1, 1):
        ellipse(side * 4.6, -6, 1.7, 1.2, (255, 255, 255))
        ellipse(side * 4.6, -6, 0.8, 0.9, INK)
        ellipse(side * 4.6, -9, 2.4, 0.5, INK)
    ellipse(0, 6, 4.2, 0.6 + 3.4 * voice, (60, 50, 130))


def _ball(picture: Picture, at: tuple[int, int], height: int, time_s: float) -> None:
    radius = round(0.13 * height)
    cv2.circle(picture, at, radius, (50, 120, 240), -1, cv2.LINE_AA)
    for spoke in range(3):
        angle = spoke * math.pi / 3 + time_s * 2
        dx, dy = round(radius * math.cos(angle)), round(radius * math.sin(angle))
        cv2.line(picture, (at[0] - dx, at[1] - dy), (at[0] + dx, at[1] + dy), (245, 245, 245), 3, cv2.LINE_AA)


def _kite(picture: Picture, at: tuple[int, int], height: int, time_s: float) -> None:
    angle = 0.35 * math.sin(2.2 * time_s)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    shape = np.array([[0, -0.17], [0.11, 0], [0, 0.17], [-0.11, 0]]) * height
    corners = np.round(shape @ turn.T + np.array(at)).astype(np.int32)
    cv2.fillPoly(picture, [corners], (40, 40, 210), cv2.LINE_AA)
    cv2.fillPoly(picture, [corners[[0, 1, 2]]], (60, 190, 250), cv2.LINE_AA)
    cv2.polylines(picture, [corners], True, INK, 2, cv2.LINE_AA)
