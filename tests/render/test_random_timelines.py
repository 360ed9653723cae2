"""Random timelines of every kind of source: each frame that comes out is the one that an oracle says, each tick in its place.

The oracle works on what the clips were made of, not on what the engine finds in their files: the times of their frames, and
the rule that a frame shows what is on screen half a frame in (the first of a clip: where it starts). Each timeline is
rendered whole, and drawn again so that much of it can be copied.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from cutroom_sdk.wire.timeline import AssetReference, Clip, Gap, Timeline, TimeRange, Track, Transition
from tests.clips import FILM, NTSC, Sound, find_ticks, make_clip, read_numbers, read_sound
from tests.clips import Clip as Made
from tests.render.copying import make_copied, plan_copies
from tests.render.workshop import Source, make_film, source_of

FRAMES: Final = 120
TICK: Final = Fraction(1, 4)
RATES: Final = (FILM, Fraction(25), NTSC, Fraction(30), Fraction(50))
SPEEDS: Final = tuple(map(Fraction, ("1", "1", "1", "2", "1/2", "3/2", "-1", "-2", "0")))
TRANSITIONS: Final = ("dissolve", "wipe_left", "fade_black", "push_up")
EDGE: Final = Fraction(1, 50)  # of a cut: a tick that near to one is faded or cut off
ON_TIME: Final = Fraction(1, 1000)


def jittered(count: int) -> list[Fraction]:
    steps = np.random.default_rng(5).integers(1500, 7200, size=count - 1)
    return [Fraction(tick, 90_000) for tick in itertools.accumulate(map(int, steps), initial=0)]


MAKES: Final[dict[str, dict[str, Any]]] = {
    "plain.mp4": {"gop": 25},
    "film.mov": {"rate": FILM, "gop": 24},
    "ntsc.mp4": {"rate": NTSC, "gop": 40},
    "fifty.mkv": {"rate": 50, "gop": 30},
    "varying.mp4": {"times": jittered(FRAMES), "gop": 20},
    "turned.mp4": {"rotation": 90, "gop": 20},
    "open.mp4": {"open_gop": True, "gop": 20, "b_frames": 3},
    "hevc.mp4": {"codec": "libx265", "open_gop": True, "gop": 20},
    "stream.ts": {"gop": 20},
    "late.mkv": {"start": Fraction(7), "gop": 25},
    "twin.mp4": {"gop": 12},
    "own_ids.mp4": {"gop": 15, "b_frames": 3, "codec_options": {"x264-params": "sps-id=5"}},
    "web.webm": {"codec": "libvpx-vp9", "rate": NTSC, "gop": 30},
}


@dataclass(frozen=True)
class Stock:
    """A source, and what it was made of."""

    made: Made
    source: Source

    @property
    def times(self) -> list[Fraction]:
        """When its frames are shown: Matroska and WebM keep whole milliseconds."""
        if self.made.path.suffix not in (".mkv", ".webm"):
            return list(self.made.times)
        # A half goes up, as the muxer has it.
        return [Fraction(int(at * 1000 + Fraction(1, 2)), 1000) for at in self.made.times]

    def number_at(self, moment: Fraction) -> int:
        """Return the number on screen, by looking at the frames one after the other."""
        shown = [number for number, at in zip(self.made.numbers, self.times, strict=True) if at <= moment]
        return shown[-1] if shown else self.made.numbers[0]


@pytest.fixture(scope="module")
def stocks(tmp_path_factory: pytest.TempPathFactory) -> list[Stock]:
    folder = tmp_path_factory.mktemp("stock")
    found = []
    for name, make in MAKES.items():
        made = make_clip(folder / name, frames=FRAMES, audio=Sound(tick_every=TICK), **make)
        found.append(Stock(made, source_of(made.path)))
    return found


@dataclass(frozen=True)
class Piece:
    """A clip at its place: output frames `[start, end)`; `blurred` are those that a transition covers."""

    clip: Clip
    stock: Stock
    start: int
    end: int


class Drawn:
    """A timeline drawn by lot, with what must come out of it."""

    def __init__(self, stocks: list[Stock], seed: int, *, copies: bool = False) -> None:
        """`copies`: most of it is untouched footage at the film's own rate, which can be copied."""
        self._chance = np.random.default_rng(seed)
        self._copies = copies
        self.rate = RATES[int(self._chance.integers(len(RATES)))]
        self._stocks = stocks
        self._pieces: list[Piece] = []
        self._crossed: set[int] = set()
        lower, length = self._track("v", int(self._chance.integers(3, 7)))
        upper, above = self._cover(length)
        self._above = above
        self.frames = max(length, above[0].end)
        self._expected = self._numbers(self._pieces) | self._numbers(above)
        self._crossed -= set(self._numbers(above))
        sound = [self._heard(item) for item in lower if not isinstance(item, Transition)]
        self.timeline = Timeline(
            name="by lot", rate=self.rate, width=320, height=180, sample_rate=48_000,
            tracks=(
                Track(kind="video", name="below", items=tuple(lower)),
                Track(kind="video", name="above", items=tuple(upper)),
                Track(kind="video", name="off", items=(self._piece("off", 0).clip,), enabled=False),
                Track(kind="audio", name="sound", items=tuple(sound)),
            ),
        )  # fmt: skip

    def _track(self, name: str, count: int) -> tuple[list[Clip | Gap | Transition], int]:
        items: list[Clip | Gap | Transition] = []
        at = 0
        for number in range(count):
            if number and self._chance.random() < 0.2:
                length = int(self._chance.integers(2, 15))
                items.append(Gap(duration=length / self.rate))
            else:
                piece = self._piece(f"{name}{number}", at)
                length = piece.end - piece.start
                if items and isinstance(items[-1], Clip) and self._chance.random() < 0.4:
                    items.append(self._transition(at, self._pieces[-1], piece))
                items.append(piece.clip)
                self._pieces.append(piece)
            at += length
        return items, at

    def _cover(self, length: int) -> tuple[list[Clip | Gap | Transition], list[Piece]]:
        """A track above that shows something for a while, somewhere."""
        at = int(self._chance.integers(0, max(1, length - 5)))
        piece = self._piece("above", at)
        before = [Gap(duration=at / self.rate)] if at else []
        return [*before, piece.clip], [piece]

    def _piece(self, name: str, at: int) -> Piece:
        while True:
            stock = self._stocks[int(self._chance.integers(len(self._stocks)))]
            speed = SPEEDS[int(self._chance.integers(len(SPEEDS)))]
            first = int(self._chance.integers(0, FRAMES - 10))
            length = int(self._chance.integers(5, 40))
            if self._copies and self._chance.random() < 0.8:
                at_rate = [one for one in self._stocks if one.made.rate == self.rate] or self._stocks
                stock = at_rate[int(self._chance.integers(len(at_rate)))]
                first, length, speed = first // 2, 2 * length, Fraction(1)
            start = stock.times[first]
            if start + abs(speed) * length / self.rate <= stock.made.duration:
                break
        clip = Clip(
            id=name,
            media=AssetReference(asset_id=stock.source.asset.asset_id),
            source_range=TimeRange(start=start, duration=length / self.rate),
            speed=speed,
        )
        return Piece(clip, stock, at, at + length)

    def _transition(self, cut: int, before: Piece, after: Piece) -> Transition:
        """A transition of some frames; where there are no handles the engine makes it shorter, never longer."""
        into = int(self._chance.integers(1, min(5, before.end - before.start) // 2 + 2))
        out = int(self._chance.integers(1, min(5, after.end - after.start) // 2 + 2))
        self._crossed |= set(range(cut - into, cut + out))
        kind = TRANSITIONS[int(self._chance.integers(len(TRANSITIONS)))]
        return Transition(kind=kind, in_offset=into / self.rate, out_offset=out / self.rate)

    def _heard(self, item: Clip | Gap) -> Clip | Gap:
        """What sounds: clips that play as recorded; silence else."""
        if isinstance(item, Gap) or item.speed != 1:
            return Gap(duration=item.duration if isinstance(item, Gap) else item.source_range.duration)
        return item

    def _numbers(self, pieces: list[Piece]) -> dict[int, int]:
        return {
            frame: self._shown(piece, frame) for piece in pieces for frame in range(piece.start, piece.end)
        }

    def _shown(self, piece: Piece, frame: int) -> int:
        speed, place, made = piece.clip.speed, frame - piece.start, piece.stock.made
        usual = made.duration / len(made.times)
        time = place / self.rate
        if speed != 0 and not (place == 0 and speed > 0):
            time += min(1 / self.rate, usual / abs(speed)) / 2
        lowest = min(Fraction(0), speed * piece.clip.source_range.duration)
        return piece.stock.number_at(piece.clip.source_range.start + speed * time - lowest)

    def wrong(self, shown: list[int | None]) -> list[tuple[int, int | None, int | None]]:
        """Return the frames that are not what they must be: (frame, shown, wanted)."""
        assert len(shown) == self.frames
        return [
            (frame, got, self._expected.get(frame))
            for frame, got in enumerate(shown)
            if frame not in self._crossed and got != self._expected.get(frame)
        ]

    def ticks(self) -> Iterator[tuple[Fraction, bool]]:
        """Yield when ticks are heard, and whether they are so near to a cut that they may be lost."""
        for piece in self._pieces:
            if piece.clip.speed != 1:
                continue
            start, length = piece.clip.source_range.start, piece.clip.source_range.duration
            for number in range(int(start / TICK), int((start + length) / TICK) + 1):
                inside = number * TICK - start
                if -EDGE < inside < length + EDGE:
                    yield piece.start / self.rate + inside, not EDGE < inside < length - EDGE


SEEDS: Final = [*range(12), *(pytest.param(n, marks=pytest.mark.deep) for n in range(12, 500))]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_frame_and_every_tick_is_where_the_oracle_says(
    tmp_path: Path, stocks: list[Stock], seed: int
) -> None:
    drawn = Drawn(stocks, seed)
    film = make_film(tmp_path / "out", drawn.timeline, [one.source for one in stocks])
    assert film.inspection.mismatches == ()
    assert_as_drawn(drawn, film.path)


@pytest.mark.parametrize("seed", SEEDS)
def test_films_of_which_a_part_is_copied_are_just_as_exact(
    tmp_path: Path, stocks: list[Stock], seed: int
) -> None:
    drawn, sources = Drawn(stocks, seed, copies=True), [one.source for one in stocks]
    plan = plan_copies(drawn.timeline, sources)
    if plan.splicing is None:
        assert any("nothing was copied" in one for one in plan.notices)
        return
    assert plan.splicing.mixed
    film = make_copied(tmp_path / "out", plan, sources)
    assert film.found.mismatches == ()
    assert_as_drawn(drawn, film.path)


def test_these_films_are_copied_and_encoded_beside_copies_and_rendered(stocks: list[Stock]) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(12):
        splicing = plan_copies(
            Drawn(stocks, seed, copies=True).timeline, [one.source for one in stocks]
        ).splicing
        kinds.update({one.kind for one in splicing.stretches} if splicing else {"nothing copied"})
    assert min(kinds["copy"], kinds["edge"], kinds["render"]) >= 6, kinds


def assert_as_drawn(drawn: Drawn, path: Path) -> None:
    assert drawn.wrong(read_numbers(path)) == []
    ticks = list(drawn.ticks())
    if not ticks:
        return
    found = find_ticks(*read_sound(path))
    sure = [at for at, edge in ticks if not edge]
    lost = [at for at in sure if not any(abs(at - one) <= ON_TIME for one in found)]
    assert lost == [], "a tick is not heard within a millisecond of its time"
    if sure:
        stray = [one for one in found if not any(abs(at - one) <= EDGE for at, _ in ticks)]
        assert stray == [], "a tick is heard where none is"
