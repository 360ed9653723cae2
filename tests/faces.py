"""A face that is drawn, plain but enough of one for a detector: for tests that need somebody to be seen."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

FINE = 4  # drawn so much larger, then scaled down: edges as a lens gives them
SKIN, SHADE, HAIR = (224, 180, 155), (205, 160, 135), (60, 40, 30)


def portrait(width: int, height: int, x: float, y: float, radius: float) -> NDArray[np.uint8]:
    """Return a picture, (height, width, 3), of a person whose face has its middle at (`x`, `y`), pixels."""
    picture = Image.new("RGB", (width * FINE, height * FINE), (70, 90, 110))
    draw = ImageDraw.Draw(picture)

    def oval(right: float, down: float, wide: float, tall: float, colour: tuple[int, int, int]) -> None:
        middle = x + right * radius, y + down * radius
        corners = (
            (middle[0] - wide * radius) * FINE, (middle[1] - tall * radius) * FINE,
            (middle[0] + wide * radius) * FINE, (middle[1] + tall * radius) * FINE,
        )  # fmt: skip
        draw.ellipse(corners, fill=colour)

    oval(0, 2.9, 1.7, 1.7, (40, 50, 90))  # shoulders
    oval(0, 1.1, 0.4, 0.6, SHADE)
    oval(0, -0.25, 0.95, 1.2, HAIR)
    oval(0, 0, 0.8, 1.08, SKIN)
    oval(0, -0.9, 0.75, 0.38, HAIR)
    for side in (-1, 1):
        oval(side * 0.34, -0.12, 0.17, 0.09, (245, 245, 245))
        oval(side * 0.34, -0.12, 0.08, 0.085, (50, 35, 25))
        oval(side * 0.35, -0.33, 0.18, 0.035, HAIR)
        oval(side * 0.1, 0.3, 0.05, 0.035, (150, 100, 85))
    oval(0, 0.27, 0.13, 0.08, SHADE)
    oval(0, 0.6, 0.28, 0.09, (180, 80, 80))
    soft = picture.filter(ImageFilter.GaussianBlur(radius * 0.04 * FINE))
    return np.asarray(soft.resize((width, height), Image.Resampling.LANCZOS))


def film(path: Path, places: list[tuple[float, float] | None], *, radius: float = 24, rate: int = 10) -> None:
    """Write a film of 320 x 192 pixels; in each frame the face is at its place, in 0..1, or nobody is there."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        for place in places:
            x, y = (place[0] * 320, place[1] * 192) if place is not None else (-500.0, -500.0)
            frame = av.VideoFrame.from_ndarray(portrait(320, 192, x, y, radius), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
