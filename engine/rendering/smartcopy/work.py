"""What crosses to the worker for a smart copy: pictures around a cut, a sound that follows the cuts, and joining it all."""

from fractions import Fraction
from typing import Final, Literal

from msgspec import Struct

from engine.rendering.smartcopy.division import Stretch
from engine.rendering.work import Capabilities, Mismatch, SoundEncoder

# Raised whenever the same work would give other bytes than before.
VERSION: Final = 1
# B-frames in a row beside copies. They are no references, so that one picture is decoded ahead of its turn at most.
B_FRAMES: Final = 2


class EdgeEncoder(Struct, frozen=True, kw_only=True):
    """How pictures beside copied ones are encoded: as the source in size, colours and pixels, whatever these are.

    `sets_id` is the id of its parameter sets, which no set of the source has. `rate` is nominal, frames a second.
    """

    codec: Literal["libx264"]
    sets_id: int
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
    """Join copies and encoded pictures of one source.

    `rate`: frames a second of a source whose frames come at even times; None: each frame is shown as long as in the
    source. `sets_id`: of the encoded pictures' parameter sets. The inputs are the source, its frame index, `parts` files
    of encoded pictures, and the sound where there is one.
    """

    stretches: tuple[Stretch, ...]
    rate: Fraction | None
    parts: int
    sound: SoundEncoder | None


class LookWork(Struct, frozen=True, kw_only=True):
    """Hold a finished cut against its source. The inputs are the film, the source and its frame index."""

    stretches: tuple[Stretch, ...]
    rate: Fraction | None
    # The source's nominal rate, frames a second.
    nominal: Fraction


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
    """How a film is put together that is spans of one source.

    `kept` are the source's frames, pairs half open, in the film's order; `stretches` how they come; `edges` what of them
    is encoded. `rate`: as in `SpliceWork`; `nominal` is the source's rate in any case. `duration` is seconds.
    """

    asset_id: str
    kept: tuple[tuple[int, int], ...]
    stretches: tuple[Stretch, ...]
    edges: tuple[Edge, ...]
    rate: Fraction | None
    nominal: Fraction
    duration: Fraction
    sound: CutSoundWork | None


class CutSoundDone(Struct, frozen=True, kw_only=True):
    """The sound came out; `copied`: nothing of it was encoded anew."""

    copied: bool
