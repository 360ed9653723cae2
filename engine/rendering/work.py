"""What crosses to the worker: units of render work, each a pure description of what comes out.

Whatever changes a pixel or a sample is in here and therefore in the key: the source's content, the frames by pts, the
window, the encoder with its thread count, the versions of what computes. Where a unit lies on the timeline is not.
"""

from fractions import Fraction
from typing import Final, Literal

from msgspec import Struct

from cutroom_sdk.wire.renders import Container
from engine.rendering.graph import Node
from engine.rendering.subtitles import Subtitles

# Raised whenever the same work would give other pictures or other sound than before.
RENDER_VERSION: Final = 6


class Capabilities(Struct, frozen=True, kw_only=True):
    """What computes: equal files are promised for equal values.

    `machine` is the processor's family, `simd` the vector instructions that x264 may use at most; None: whatever there
    is. `libraries` maps a distribution to its version.
    """

    machine: str
    simd: str | None
    libraries: dict[str, str]
    threads: int = 1


Library = Literal[
    "libx264", "libx265", "libvpx-vp9", "prores_ks", "dnxhd", "ffv1",
    "h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox", "h264_vaapi",
]  # fmt: skip


class VideoEncoder(Struct, frozen=True, kw_only=True):
    """How pictures are encoded, in libav's names. `keyint` is in frames; `params` are x264's or x265's own settings.

    `bitrate` is in bits a second, None: `crf` says how good it is. `reorder` is by how many pictures decoding runs ahead of
    showing. `tag` is what an MP4 calls the codec, "" where libav knows. `matrix` is how colours are stored (limited range).
    """

    codec: Library
    width: int
    height: int
    rate: Fraction
    preset: str
    crf: int
    keyint: int
    b_frames: int
    threads: int
    params: str
    pixel_format: str = "yuv420p"
    bitrate: int | None = None
    reorder: int = 2
    tag: str = ""
    matrix: Literal["bt601", "bt709"] = "bt709"


class PictureWork(Struct, frozen=True, kw_only=True, tag="picture"):
    """One segment: `count` frames of what `graph` gives, over black, encoded so that it can stand anywhere in a film.

    The inputs are for each of `graph_inputs(graph).sources` the file and its frame index, then the other files.
    """

    count: int
    graph: Node
    encoder: VideoEncoder
    capabilities: Capabilities
    version: int = RENDER_VERSION


SoundLibrary = Literal["aac", "libopus", "libmp3lame", "flac", "pcm_s16le", "pcm_s24le"]


class SoundEncoder(Struct, frozen=True, kw_only=True):
    """How sound is encoded, in stereo, in libav's names. `bitrate` is in bits a second, where there is a choice; `sample_rate` in Hz."""

    codec: SoundLibrary
    bitrate: int
    sample_rate: int


class SegmentDone(Struct, frozen=True, kw_only=True):
    """A segment came out whole. `notices` tell what came out otherwise than asked."""

    frames: int
    bytes: int
    notices: tuple[str, ...] = ()


class MuxWork(Struct, frozen=True, kw_only=True):
    """Join segments and sound. The inputs are `parts` files of segments, then the sound where there is one."""

    frames: int
    parts: int
    encoder: VideoEncoder
    sound: SoundEncoder | None
    container: Container = "mp4"
    subtitles: tuple[Subtitles, ...] = ()


class MuxDone(Struct, frozen=True, kw_only=True):
    """The film came out whole."""

    bytes: int


class InspectWork(Struct, frozen=True, kw_only=True):
    """Look at a finished film. The inputs are the film, then `parts` files of segments with their evidence.

    `cuts` are the output frames that begin a clip, 0 left out. `whole`: every frame is decoded and compared, else those at
    the ends and around cuts.
    """

    frames: int
    parts: int
    cuts: tuple[int, ...]
    whole: bool = False


class EncoderTrial(Struct, frozen=True, kw_only=True):
    """Open encoders by libav's names, in this order."""

    names: tuple[str, ...]


class EncodersFound(Struct, frozen=True, kw_only=True):
    """Of each encoder why it cannot be used, "": it opens."""

    refusals: dict[str, str]


class Span(Struct, frozen=True, kw_only=True):
    """Output frames `[start, end)`."""

    start: int
    end: int


class Mismatch(Struct, frozen=True, kw_only=True):
    """A frame of the film that is not the one handed to the encoder. Distances are mean steps of brightness, 0..255."""

    frame: int
    distance: float
    detail: str


class Heard(Struct, frozen=True, kw_only=True):
    """Seconds `[start, end)` of a film's sound."""

    start: Fraction
    end: Fraction


class Inspection(Struct, frozen=True, kw_only=True):
    """What was found in a film.

    `frames` counts picture packets; `on_grid` says that each is shown exactly at its place. `start_offset` is when the
    sound begins relative to the picture, seconds. `moov_first`: a player can start before it has the whole file.
    `mismatches` are among the `compared` frames around cuts and at both ends.
    `clipped` and `silent` say where the sound is cut flat, and where nothing is heard for seconds.
    `keyframe_distance` is the most frames from one keyframe to the next, or to the end; `seek_misses` are keyframes that
    seeking does not find. `sound_gap` is how far a packet of sound is from where the one before ends, seconds, at most.
    `doubled` are frames like the one before in the midst of movement, of `moving` frames that move. `texts` are how many
    texts each track of text shows.
    """

    container: str
    video_codec: str
    pixel_format: str
    width: int
    height: int
    rate: Fraction
    frames: int
    on_grid: bool
    duration: Fraction
    moov_first: bool
    audio_codec: str | None
    sample_rate: int
    audio_duration: Fraction
    start_offset: Fraction
    integrated_lufs: float | None
    true_peak_dbtp: float | None
    compared: int
    mismatches: tuple[Mismatch, ...]
    black: tuple[Span, ...]
    frozen: tuple[Span, ...]
    clipped: tuple[Heard, ...] = ()
    silent: tuple[Heard, ...] = ()
    keyframe_distance: int = 1
    seek_misses: tuple[int, ...] = ()
    sound_gap: Fraction = Fraction(0)
    doubled: tuple[int, ...] = ()
    moving: int = 0
    texts: tuple[int, ...] = ()
