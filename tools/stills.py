"""Writes `docs/pictures/effects/`: one still of each entry of the catalogue, compiled and made as a render does it.

python -m tools.stills

A still is left as it is while it looks like what is made today: processors differ in the last bit.
"""

import io
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image

from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Generator,
    Mask,
    Nested,
    Parameter,
    Timeline,
    TimeRange,
    Track,
    Transition,
    Word,
)
from engine.editing.catalogue.spec import Entry, catalogue
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.scene import Scene
from engine.rendering.compositor import table
from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.evaluate import Evaluator
from engine.rendering.compositor.patches import Patch
from engine.rendering.compositor.table import At, generators
from engine.rendering.graph import Drawn
from engine.rendering.lettering import Fonts, lettered
from engine.rendering.reading import Sources
from engine.rendering.walking import graph_inputs
from tools.inventory import ROOT
from tools.still_scenes import FILES, SCENES, colours, stored

Bytes = NDArray[np.uint8]

FOLDER: Final = ROOT / "docs" / "pictures" / "effects"
SIZE: Final = (640, 360)  # of the canvas; a still has half its sides
RATE: Final = Fraction(25)
LENGTH: Final = Fraction(4)
MIDDLE: Final = Fraction(45, 100)  # how far the way is at the frame that is shown
EARLY: Final = Fraction(30, 100)
BYTES_MOST: Final = 12_288
ALIKE_DB: Final = 36.0
# Seen only when it moves.
WITHOUT: Final = frozenset({"slow_motion", "stabilise"})

# What an entry is shown with, where its defaults would show little: parameters, the scene, the region.
PARAMETERS: Final[Mapping[str, dict[str, Parameter]]] = {
    "blend": {"mode": "screen"},
    "bars": {},
    "callout": {"text": "The kite", "target_x": 0.55, "target_y": 0.45, "x": 0.76, "y": 0.7},
    "caption": {"text": "Every word in its time", "style": "highlight", "size": 84.0},
    "contrast": {"amount": 1.7},
    "counter": {"to": 250.0, "after": " km/h", "x": 0.38},
    "curves": {"all": "0,0 0.25,0.12 0.7,0.85 1,1", "blue": "0,0.1 1,0.85"},
    "denoise": {"strength": 1.0, "colour": 1.0},
    "exposure": {"stops": 1.2},
    "eye_enhance": {"detail": 1.6, "brighten": 0.8},
    "face_blur": {"size": 70.0},
    "glow": {"amount": 1.6, "threshold": 0.3, "radius": 50.0},
    "grain": {"amount": 0.45, "size": 5.0},
    "ken_burns": {"to_scale": 1.9, "to_x": 0.7, "to_y": 0.4},
    "lift_gamma_gain": {"lift_blue": 0.12, "gain_red": 1.15, "gain_blue": 0.8, "gamma": 1.1},
    "lower_third": {"text": "Ada Lindqvist", "second": "Carpenter", "size": 72.0},
    "luma_key": {"level": 0.45, "softness": 0.2},
    "luma_matte": {"file": "wave", "softness": 0.15},
    "lut": {"file": "teal"},
    "matte": {"file": "disc"},
    "pixelate": {"size": 42.0},
    "saturation": {"amount": 2.2},
    "sharpen": {"amount": 3.0, "radius": 6.0},
    "skin_smooth": {"strength": 1.0, "radius": 40.0},
    "solid": {"colour": "#2f6f8f"},
    "teeth_whiten": {"strength": 1.0},
    "temperature": {"kelvin": 10500.0},
    "track_matte": {"track": "matte", "channel": "alpha"},
    "title": {"text": "The workshop", "size": 130.0, "x": 0.36},
    "transform": {"scale": 0.62, "rotation": 12.0, "x": 0.56},
    "vignette": {"amount": 0.85},
    "whip_pan": {"direction": "left"},
}
SHOWN: Final = {
    "blend": "street", "callout": "street", "chroma_key": "screen", "denoise": "noisy", "eye_enhance": "portrait",
    "face_blur": "portrait", "glow": "mat", "ken_burns": "street", "reframe": "portrait", "luma_key": "street", "sharpen": "soft",
    "skin_smooth": "portrait", "teeth_whiten": "portrait",
}  # fmt: skip
REGIONS: Final = {
    "face_blur": Mask(shape="ellipse", x=0.5, y=0.47, width=0.42, height=0.92, feather=0.08),
    "eye_enhance": Mask(shape="rectangle", x=0.5, y=0.38, width=0.4, height=0.2, feather=0.1),
    "teeth_whiten": Mask(shape="ellipse", x=0.5, y=0.715, width=0.2, height=0.16, feather=0.05),
}
# Shown whole; other effects are shown beside the picture as it was.
WHOLE: Final = frozenset({"chroma_key", "luma_key", "matte", "face_blur", "pixelate", "vignette"})


def write() -> None:
    """Make the folder hold one still of each entry, and say what changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = {path_of(name) for name in pictured()}
    for path in sorted(set(FOLDER.iterdir()) - wanted):
        path.unlink()
        print(path.relative_to(ROOT))
    for name in pictured():
        made = still_of(name)
        if not alike(name, made):
            path_of(name).write_bytes(encoded(made))
            print(path_of(name).relative_to(ROOT))


def pictured() -> list[str]:
    """Return the names of all entries of which a still can show something."""
    return [one.name for one in catalogue().values() if has_still(one)]


def has_still(entry: Entry) -> bool:
    """Return whether a still can show what an entry does."""
    return entry.kind in ("effect", "transition", "generator") and entry.name not in WITHOUT


def path_of(name: str) -> Path:
    """Return where an entry's still lies."""
    return FOLDER / f"{name}.jpg"


def alike(name: str, made: Bytes) -> bool:
    """Return whether the still that is there shows `made`, but for what JPEG and processors change."""
    if not path_of(name).exists():
        return False
    there = np.asarray(Image.open(path_of(name)).convert("RGB"), dtype=np.float64)
    if there.shape != made.shape:
        return False
    again = np.asarray(Image.open(io.BytesIO(encoded(made))), dtype=np.float64)
    error = float(np.mean((there - again) ** 2))
    return error == 0 or 10 * math.log10(255**2 / error) > ALIKE_DB


def encoded(made: Bytes) -> bytes:
    """Return a still as a JPEG of at most `BYTES_MOST`."""
    for quality in (88, 80, 70, 60, 50, 40, 30):
        file = io.BytesIO()
        Image.fromarray(made).save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= BYTES_MOST:
            return file.getvalue()
    raise AssertionError("a picture of this size fits")


def still_of(name: str) -> Bytes:
    """Return the still of an entry: (height, width, 3), red, green, blue."""
    entry = catalogue()[name]
    moment = EARLY if name.startswith("fade_") else MIDDLE
    shown = colours(framed(timeline_of(entry), LENGTH * moment))
    if entry.kind == "effect" and entry.family != "placing" and name not in WHOLE:
        before = colours(framed(_timeline((_clip("before", SHOWN.get(name, "studio")),)), Fraction(0)))
        middle = SIZE[0] // 2
        shown[:, :middle] = before[:, :middle]
        shown[:, middle - 1 : middle + 1] = 255
    half = (SIZE[0] // 2, SIZE[1] // 2)
    return np.asarray(cv2.resize(shown, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def timeline_of(entry: Entry) -> Timeline:
    """Return a timeline that shows an entry in its middle."""
    parameters = PARAMETERS.get(entry.name, {})
    scene = SHOWN.get(entry.name, "studio")
    if entry.kind == "generator":
        words = _words(str(parameters.get("text", ""))) if entry.name == "caption" else ()
        media = Generator(kind=entry.name, parameters=parameters, words=words)
        return _timeline((_clip("below", scene),), (_whole("above", media),))
    if entry.kind == "transition":
        half = LENGTH / 2
        joined = Transition(kind=entry.name, in_offset=half, out_offset=half, parameters=parameters)
        return _timeline((_clip("one", "studio", half), joined, _clip("two", "street", half)))
    effect = Effect(name=entry.name, parameters=parameters, mask=REGIONS.get(entry.name))
    if entry.name == "track_matte":
        letters = Generator(kind="title", parameters={"text": "KITES", "size": 300.0, "weight": 900.0})
        matte = Track(kind="video", name="matte", items=(_whole("letters", letters),))
        shown = _timeline((_clip("below", "mat"),), (_clip("above", scene, effects=(effect,)),))
        return replace(shown, tracks=(*shown.tracks, matte))
    if entry.name == "blend":
        return _timeline((_clip("below", "studio"),), (_clip("above", scene, effects=(effect,)),))
    if entry.name in ("picture_in_picture", "transform") or entry.family == "key":
        return _timeline((_clip("below", "mat"),), (_clip("above", scene, effects=(effect,)),))
    if entry.name in ("fit", "reframe"):
        # Something that has not the canvas's shape.
        size = (SIZE[1], SIZE[1]) if entry.name == "fit" else (2 * SIZE[0], SIZE[1])
        inner = _timeline((_clip("inner", scene),), size=size)
        return _timeline((_whole("outer", Nested(timeline=inner), effects=(effect,)),))
    return _timeline((_clip("only", scene, effects=(effect,)),))


def framed(timeline: Timeline, at: Fraction) -> Picture:
    """Return one frame of a timeline, made as a render makes it."""
    fonts = Fonts()

    def letter(node: Drawn) -> tuple[Drawn, tuple[str, ...]]:
        return lettered(node, None, fonts)

    width, height = SIZE
    scene = Scene(
        timeline, Given(assets={}, indexes={}, width=width, height=height, rate=RATE, letter=letter)
    )
    node, _ = scene.picture((int(at * RATE),))
    needed = graph_inputs(node).files
    files = {
        name: FILES[name]() if name in FILES else Path(fonts.path_of(name)).read_bytes() for name in needed
    }
    plain = generators["gradient"]
    generators["gradient"] = _scene_or(plain)
    try:
        return Evaluator(node, width, height, Sources((), ()), files).picture(0)
    finally:
        generators["gradient"] = plain


def _scene_or(plain: table.Generator) -> table.Generator:
    """Return what draws scenes where a gradient's angle is one of theirs, and gradients otherwise."""

    def drawn(width: int, height: int, at: At) -> Picture | Patch | None:
        place = round(at.number("angle") * 1000) - 1
        if at.text("colour") != "#000001":
            return plain(width, height, at)
        return stored(SCENES[list(SCENES)[place]](width, height))

    return drawn


def _clip(name: str, scene: str, length: Fraction = LENGTH, effects: tuple[Effect, ...] = ()) -> Clip:
    number = (list(SCENES).index(scene) + 1) / 1000
    media = Generator(kind="gradient", parameters={"colour": "#000001", "angle": number})
    return _whole(name, media, length, effects)


def _whole(
    name: str, media: Generator | Nested, length: Fraction = LENGTH, effects: tuple[Effect, ...] = ()
) -> Clip:
    span = TimeRange(start=Fraction(0), duration=length)
    return Clip(id=name, media=media, source_range=span, effects=effects)


def _timeline(*lanes: tuple[Clip | Transition, ...], size: tuple[int, int] = SIZE) -> Timeline:
    tracks = tuple(
        Track(kind="video", name=f"V{number}", items=lane) for number, lane in enumerate(lanes, start=1)
    )
    return Timeline(name="still", rate=RATE, width=size[0], height=size[1], sample_rate=48000, tracks=tracks)


def _words(text: str) -> tuple[Word, ...]:
    said = text.split()
    each = LENGTH / max(1, len(said))
    return tuple(Word(text=one, start=place * each, end=(place + 1) * each) for place, one in enumerate(said))


if __name__ == "__main__":
    write()
