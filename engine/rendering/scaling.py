"""A source's frames turned, cropped and scaled, all of it in libav: the way of footage onto a canvas."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import av
from av.filter import Graph

from engine.kernel.errors import WorkFailed
from engine.rendering.footage import LIBAV, Matrix
from engine.rendering.geometry import STEP
from engine.rendering.graph import Footage

# How many pixels of the source a moving crop takes beside its window, to place the rest on the canvas's own pixels.
MARGIN: Final = 4
PLAIN: Final = "yuv420p"
SCALING: Final = "bicubic+accurate_rnd+full_chroma_int+bitexact"
_BASE: Final = Fraction(1, 25)  # the filters want a time base; none of them looks at it


class Scaler:
    """The way of one source's frames to the canvas: turn, crop, scale, and crop again where the window moves.

    What comes out is of limited range, and follows from the frame and the place alone.
    """

    def __init__(
        self, footage: Footage, width: int, height: int, pixel_format: str = PLAIN, matrix: Matrix = "bt709"
    ) -> None:
        """Describe the way; `width` and `height` are the canvas's, the others say how what comes out is stored."""
        self._footage, self._width, self._height = footage, width, height
        self._target, self._matrix = pixel_format, LIBAV[matrix]
        self._graph: Graph | None = None
        self._format = ""
        turned = footage.rotation in (90, 270)
        whole = (footage.height, footage.width) if turned else (footage.width, footage.height)
        window = footage.window
        self._x = _Axis(window.left, window.width, whole[0], width, moves=window.moves)
        self._y = _Axis(window.top, window.height, whole[1], height, moves=window.moves)

    def made_of(self, frame: av.VideoFrame, place: int) -> av.VideoFrame:
        """Return the canvas's frame `place` of this footage.

        Raises:
            WorkFailed: `stage` decode: the picture's size changes; `stage` filter: libav refuses the frame.
        """
        footage = self._footage
        if (frame.width, frame.height) != (footage.width, footage.height):
            raise WorkFailed(
                f"the picture changes from {footage.width}x{footage.height} to {frame.width}x{frame.height}",
                stage="decode",
            )
        if self._graph is None or frame.format.name != self._format:
            self._format = frame.format.name
            self._build()
        first_x, second_x = self._x.at(place)
        first_y, second_y = self._y.at(place)
        if self._x.moves or self._y.moves:
            self._first.process_command("x", str(first_x))
            self._first.process_command("y", str(first_y))
            self._second.process_command("x", str(second_x))
            self._second.process_command("y", str(second_y))
        frame.pts, frame.time_base = place, _BASE
        try:
            self._entry.push(frame)
            made = self._exit.pull()
        except av.FFmpegError as error:
            raise WorkFailed(f"the filters refuse a frame: {error}", stage="filter") from error
        assert isinstance(made, av.VideoFrame)
        return made

    def _build(self) -> None:
        footage = self._footage
        graph = Graph()
        graph.threads = 1
        matrix = LIBAV[footage.matrix]
        colors = (
            "" if self._format.startswith(("rgb", "bgr", "gbr", "gray", "pal8")) else f":colorspace={matrix}"
        )
        chain = [
            graph.add(
                "buffer",
                f"video_size={footage.width}x{footage.height}:pix_fmt={self._format}"
                f":time_base={_BASE.numerator}/{_BASE.denominator}"
                f"{colors}:range={'pc' if footage.full_range else 'tv'}",
            )
        ]
        match footage.rotation:
            case 90:
                chain.append(graph.add("transpose", "dir=cclock"))
            case 180:
                chain += [graph.add("hflip"), graph.add("vflip")]
            case 270:
                chain.append(graph.add("transpose", "dir=clock"))
            case 0:
                pass
        self._first = graph.add("crop", f"w={self._x.taken}:h={self._y.taken}:x=0:y=0")
        scale = graph.add(
            "scale",
            f"w={self._x.scaled}:h={self._y.scaled}:flags={SCALING}:in_color_matrix={matrix}"
            f":in_range={'full' if footage.full_range else 'limited'}:out_color_matrix={self._matrix}:out_range=limited",
        )
        pixels = graph.add("format", f"pix_fmts={self._target}")
        self._second = graph.add("crop", f"w={self._width}:h={self._height}:x=0:y=0")
        chain += [
            self._first,
            scale,
            pixels,
            self._second,
            graph.add("setsar", "sar=1"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*chain).configure()
        self._entry, self._exit = chain[0], chain[-1]
        (first_x, second_x), (first_y, second_y) = self._x.at(0), self._y.at(0)
        for crop, x, y in ((self._first, first_x, first_y), (self._second, second_x, second_y)):
            crop.process_command("x", str(x))
            crop.process_command("y", str(y))
        self._graph = graph


class _Axis:
    """One side of the window: `taken` pixels of the source become `scaled` of the canvas, of which the target is cut."""

    def __init__(self, places: tuple[int, ...], size: int, whole: int, target: int, *, moves: bool) -> None:
        self._places, self._size, self._target = places, size, target
        self.moves = moves
        self._whole = whole // STEP * STEP
        self.taken = min(size + MARGIN, self._whole) if self.moves else size
        self.scaled = max(target, round(self.taken * target / size / STEP) * STEP)

    def at(self, place: int) -> tuple[int, int]:
        """Return where the first crop begins, in pixels of the source, and the second, in pixels of the canvas."""
        wanted = self._places[place if len(self._places) > 1 else 0]
        first = min(wanted * self._size // self._target // STEP * STEP, self._whole - self.taken)
        rest = wanted - round(first * self._target / self._size)
        second = min(max(0, round(rest / STEP) * STEP), self.scaled - self._target)
        return first, second
