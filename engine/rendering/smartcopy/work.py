"""What crosses to the worker where packets are copied: pictures around a cut, a sound that follows it, and joining it all."""

from fractions import Fraction
from typing import Final, Literal

from msgspec import Struct

from engine.rendering.smartcopy.division import Stretch
from engine.rendering.subtitles import Subtitles
from engine.rendering.work import Capabilities, Mismatch, SoundEncoder

# Raised whenever the same work would give other bytes than before.
VERSION: Final = 2
# B-frames in a row beside copies. They are no references, so that one picture is decoded ahead of its turn at most.
B_FRAMES: Final = 2


class EdgeEncoder(Struct, frozen=True, kw_only=True):
    """How pictures beside copied ones are encoded: as the source in size, colours and pixels, whatever these are.

    `params` are x264's or x265's own settings. `rate` is nominal, frames a second.
    """

    codec: Literal["libx264", "libx265"]
    rate: Fraction
    preset: str
    crf: int
    b_frames: int
    threads: int
    params: str


class EdgeWork(Struct, frozen=True, kw_only=True, tag="edge"):
    """Frames of a source, by pts in ticks of `time_base`, encoded anew so that they can stand beside copied ones."""

    sha256: str
    time_base: Fraction
    pts: tuple[int, ...]
    encoder: EdgeEncoder
    capabilities: Capabilities
    version: int = VERSION

    @property
    def count(self) -> int:
        """How many frames come out."""
        return len(self.pts)


class Heard(Struct, frozen=True, kw_only=True):
    """A span of the source's sound, seconds of the container's own time, half open."""

    start: Fraction
    end: Fraction


class CutSoundWork(Struct, frozen=True, kw_only=True):
    """The sound of a cut: packets of the source where they can be copied to the sample, else encoded anew.

    `spans` are what is kept, `counts` how many samples of the film each becomes. `whole_packets` (nothing may be encoded):
    each span begins and ends with a packet, up to half of one beside its place. The input is the source.
    """

    sha256: str
    spans: tuple[Heard, ...]
    counts: tuple[int, ...]
    whole_packets: bool
    encoder: SoundEncoder
    capabilities: Capabilities
    version: int = VERSION


class SpliceWork(Struct, frozen=True, kw_only=True):
    """Join copies and encoded pictures.

    `rate`: the film's frames a second where they come at even times; None: each frame is shown as long as in the one
    source. The inputs are for each of `sources` the file and its frame index, `parts` files of encoded pictures, and the
    sound where there is one. `heard` is the source whose sound that is where it was copied.
    """

    stretches: tuple[Stretch, ...]
    rate: Fraction | None
    parts: int
    sound: SoundEncoder | None
    sources: int = 1
    heard: int = 0
    subtitles: tuple[Subtitles, ...] = ()


class LookWork(Struct, frozen=True, kw_only=True):
    """Hold a finished cut against its source. The inputs are the film, the source and its frame index."""

    stretches: tuple[Stretch, ...]
    rate: Fraction | None
    # The source's nominal rate, frames a second.
    nominal: Fraction


class LookAtMixWork(Struct, frozen=True, kw_only=True):
    """Look at a film in which copies stand between what was rendered.

    `cuts` are the output frames from which something else is seen, 0 left out. The inputs are the film, `parts` files of
    segments with their evidence, then for each of the film's sources the file and its frame index.
    """

    stretches: tuple[Stretch, ...]
    cuts: tuple[int, ...]
    parts: int


class CutFound(Struct, frozen=True, kw_only=True):
    """What was found in a cut: `compared` of its frames were decoded and held against the source's.

    `on_time`: every frame is shown at its time and for as long as it should be. `start_offset` is when the sound begins
    relative to the picture, seconds.
    """

    container: str
    video_codec: str
    width: int
    height: int
    frames: int
    duration: Fraction
    on_time: bool
    moov_first: bool
    audio_codec: str | None
    audio_duration: Fraction
    start_offset: Fraction
    compared: int
    mismatches: tuple[Mismatch, ...]


class Edge(Struct, frozen=True, kw_only=True):
    """A stretch that has to be encoded. `first` is its first frame's place in the film, `key` the hash of its work."""

    first: int
    key: str
    clip: str
    asset_id: str
    work: EdgeWork


class Splicing(Struct, frozen=True, kw_only=True):
    """How a film is put together in which packets are copied: `sources` are asset ids, `stretches` how its frames come.

    A film that is spans of one source is shown as that is: `kept` are its frames, pairs half open, in the film's order,
    and `edges` what of them is encoded. A film that is more (`mixed`) is a timeline's own, with as many of its frames copied
    as can be: what is encoded are the plan's segments. `rate`: as in `SpliceWork`; `nominal` is the frames a second in any
    case. `duration` is seconds. `sound` None: it is silent, or mixed as any film's. `heard`: as in `SpliceWork`.
    """

    sources: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    rate: Fraction | None
    nominal: Fraction
    duration: Fraction
    sound: CutSoundWork | None
    kept: tuple[tuple[int, int], ...] = ()
    edges: tuple[Edge, ...] = ()
    mixed: bool = False
    heard: int = 0


class CutSoundDone(Struct, frozen=True, kw_only=True):
    """The sound came out; `copied`: nothing of it was encoded anew."""

    copied: bool
