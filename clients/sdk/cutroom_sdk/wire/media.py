"""Assets (media that came in) and artifacts (what the engine derived from them)."""

from fractions import Fraction
from typing import Any, Literal

from cutroom_sdk.wire.codec import Request, Wire


class VideoStream(Wire, frozen=True, kw_only=True):
    """One picture stream. Sizes are pixels as shown, after `rotation` and the sample aspect ratio.

    `rate` is the nominal rate in frames a second; with `variable_rate` it is the average, and only the frame
    index tells when a frame is shown. `start` and `duration` are seconds; times count from the first frame shown.
    """

    index: int
    codec: str
    width: int
    height: int
    rate: Fraction
    frame_count: int
    duration: Fraction
    start: Fraction = Fraction(0)
    coded_width: int = 0
    coded_height: int = 0
    rotation: Literal[0, 90, 180, 270] = 0
    variable_rate: bool = False
    pixel_format: str = ""
    color_range: str = ""
    color_space: str = ""


class AudioStream(Wire, frozen=True, kw_only=True):
    """One sound stream. `start` is seconds relative to the first frame shown (0 without picture)."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    duration: Fraction
    start: Fraction = Fraction(0)


class FrameTime(Wire, frozen=True, kw_only=True):
    """A frame and when it begins, seconds from the first frame shown."""

    frame: int
    start: Fraction


class FrameTimes(Wire, frozen=True, kw_only=True):
    """Frames of an asset by time or number, in the order asked for. `frame_count` and `duration` are where they end."""

    items: tuple[FrameTime, ...]
    frame_count: int
    duration: Fraction


class FileGuard(Wire, frozen=True, kw_only=True):
    """What tells that a file which stays where it is has not been changed since it was read."""

    size: int
    mtime_ns: int
    inode: int


class Asset(Wire, frozen=True, kw_only=True):
    """Resource `asset/{asset_id}`. `asset_id` is the first 32 hex digits of the content's SHA-256.

    `path` is where footage given by path stays; `blob` is the hash under which an upload is kept.
    """

    asset_id: str
    name: str
    sha256: str
    bytes: int
    container: str
    duration: Fraction
    state: Literal["ready", "stale"] = "ready"
    path: str | None = None
    blob: str | None = None
    guard: FileGuard | None = None
    video: VideoStream | None = None
    audio: AudioStream | None = None
    notices: tuple[str, ...] = ()
    created_at_ms: int = 0


class AssetRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/assets`: either a regular file beneath one of the media roots, or a finished upload."""

    path: str | None = None
    upload: str | None = None
    name: str | None = None


class UploadRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/uploads`: the file's name and how many bytes it has."""

    name: str
    bytes: int


class Upload(Wire, frozen=True, kw_only=True):
    """Resource `upload/{upload_id}`. How much has come is told by `HEAD`, as `Upload-Offset`."""

    upload_id: str
    name: str
    bytes: int
    state: Literal["open", "finished", "canceled"]
    asset_id: str | None = None


class AnalysisRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/assets/{id}/analyses`: what is left out of `params` has its default."""

    kind: str
    params: dict[str, Any] = {}


class IngestInput(Request, frozen=True, kw_only=True):
    """Input of the tool `ingest`: assets that were registered, in the order in which they are to be used."""

    asset_ids: tuple[str, ...]


class CollectInput(Request, frozen=True, kw_only=True):
    """Input of the tool `collect`: files, and folders whose footage is wanted, beneath the media roots."""

    sources: tuple[str, ...]


class AnalyseInput(Request, frozen=True, kw_only=True):
    """Input of the tool `analyse`: the kinds wanted of each asset, and parameters by kind; none named: all kinds.

    `if_possible` names further kinds, which are left out with a notice where what they need is not installed.
    """

    kinds: tuple[str, ...] = ()
    if_possible: tuple[str, ...] = ()
    params: dict[str, dict[str, Any]] = {}


class ArtifactMeta(Wire, frozen=True, kw_only=True):
    """What may differ between two runs that give the same artifact."""

    created_at_ms: int
    elapsed_ms: int


class Artifact(Wire, frozen=True, kw_only=True):
    """Resource `artifact/{artifact_id}`. All but `meta` is the same on every run.

    `artifact_id` is the first 32 hex digits of `cache_key`, the SHA-256 of (asset's SHA-256, kind, schema, params,
    backend, backend_version, model_hash). `data` is None when it lies in the blob `data_blob` because it is large.
    `asset_id` is empty where it was made of no asset, as a mission's summary is.
    """

    artifact_id: str
    asset_id: str
    kind: str
    schema: int
    cache_key: str
    params: dict[str, Any]
    backend: str
    backend_version: str
    model_hash: str | None = None
    notices: tuple[str, ...] = ()
    data: Any = None
    data_blob: str | None = None
    meta: ArtifactMeta = ArtifactMeta(created_at_ms=0, elapsed_ms=0)


class Shot(Wire, frozen=True, kw_only=True):
    """A stretch between two edits. Spans are half open; `transition_in` is how the shot begins."""

    start: Fraction
    end: Fraction
    start_frame: int
    end_frame: int
    transition_in: Literal["start", "cut", "dissolve", "fade"]
    confidence: float


class Speech(Wire, frozen=True, kw_only=True):
    """A stretch in which somebody speaks, seconds, half open."""

    start: Fraction
    end: Fraction
    confidence: float


class Loudness(Wire, frozen=True, kw_only=True):
    """EBU R128 of the whole sound, heard as stereo, and its momentary loudness every `hop` seconds from 0.

    Momentary value n is of the 400 ms around n * `hop`; -70 is silence. `integrated_lufs` and `true_peak_dbtp` are None for digital silence, where they are minus infinity.
    """

    integrated_lufs: float | None
    range_lu: float
    true_peak_dbtp: float | None
    hop: Fraction
    momentary_lufs: tuple[float, ...]


class Beats(Wire, frozen=True, kw_only=True):
    """Where music pulses: `beats` are seconds, rising; `tempo_bpm` is theirs, beats a minute, None where nothing pulses.

    `confidence` is how alike the sound's beginnings are to themselves a beat later, 0..1. A tempo may be found an octave off.
    """

    tempo_bpm: float | None
    confidence: float
    beats: tuple[Fraction, ...]


class Motion(Wire, frozen=True, kw_only=True):
    """How much moves and where, every `hop` seconds from 0.

    `amount` is 0..1 after the camera's own movement is taken out, 1 when a tenth of the picture moves. `center_x`,
    `center_y` are the centre of what moves, in 0..1 of the picture as shown, smoothed within each shot; where nothing
    moves it stays where it was, and is 0.5 in a shot in which nothing ever does.
    """

    hop: Fraction
    amount: tuple[float, ...]
    center_x: tuple[float, ...]
    center_y: tuple[float, ...]


class FaceTrack(Wire, frozen=True, kw_only=True):
    """One face, seen from `start` to before `end`, seconds from the first frame shown.

    The tuples go with `at`, the times of the samples that show it, rising: its middle and its size in 0..1 of the picture
    as shown. `confidence` is that of the surest sample, 0..1.
    """

    start: Fraction
    end: Fraction
    at: tuple[Fraction, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    width: tuple[float, ...]
    height: tuple[float, ...]
    confidence: float


class Faces(Wire, frozen=True, kw_only=True):
    """The faces of a film, looked for every `hop` seconds from 0, in the order of their first sample."""

    hop: Fraction
    tracks: tuple[FaceTrack, ...]


class CameraPath(Wire, frozen=True, kw_only=True):
    """How a film's camera moves, the data of the analysis `camera`, always in a blob; the effect `stabilise` takes its hash.

    `moves` has an entry for each frame: by how much the picture's middle has gone right and down since the frame before, in
    pixels of a picture of `width` x `height`, by how much it has turned (radians, clockwise) and grown (natural logarithm);
    None for the first frame and for one that shows another scene than the frame before. `rate`: frames a second, on average.
    """

    width: int
    height: int
    rate: float
    moves: tuple[tuple[float, float, float, float] | None, ...]


class Quality(Wire, frozen=True, kw_only=True):
    """Exposure and sharpness every `hop` seconds from 0.

    `luma` is the mean brightness 0..1; `clipped` the part of pixels that is black or white; `sharpness` 0..1, where
    values below `blur_below` mean a blurred picture, and 1 also a plain one, in which nothing could be sharp. `black`
    marks samples without a picture to see.
    """

    hop: Fraction
    luma: tuple[float, ...]
    clipped: tuple[float, ...]
    sharpness: tuple[float, ...]
    blur_below: float
    black: tuple[bool, ...]
