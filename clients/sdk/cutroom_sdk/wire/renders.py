"""Renders, the checks that test them, and the receipt that goes with a delivered file."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from msgspec import Meta

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.interchange import Loss
from cutroom_sdk.wire.missions import Priority
from cutroom_sdk.wire.timeline import Timeline

Container = Literal["mp4", "mov", "mkv", "webm"]
CaptionFormat = Literal["srt", "vtt", "ass"]
# How a film has its captions. `any`: each as its own style says; `burn`: all on the picture; `soft`: all in tracks of text;
# a format: in files beside the film; `none`: they are left out.
CaptionsAs = Literal["any", "burn", "soft", "srt", "vtt", "ass", "none"]
RenderStage = Literal["probe", "decode", "filter", "encode", "mux", "publish"]
RenderState = Literal["queued", "running", "paused", "failed", "canceled", "completed"]


class Check(Wire, frozen=True, kw_only=True):
    """One thing that was checked: the value found, the limit and where the limit comes from."""

    name: str
    status: Literal["pass", "fail", "not_applicable"]
    value: str
    limit: str = ""
    source: str = ""
    at: tuple[str, ...] = ()
    fix: str = ""


class RenderProgress(Wire, frozen=True, kw_only=True):
    """Frames done and to do. `eta_s` are the seconds that the missing ones take at the pace of those that were made.

    It is None while nothing has been made to go by, and when nobody is at work. While a film is joined and checked, all
    its frames are done.
    """

    done_frames: int
    total_frames: int
    eta_s: float | None = None


class RenderOutput(Wire, frozen=True, kw_only=True):
    """The finished file: where it lies, the hash of its content, its size and the kind of file."""

    path: str
    sha256: str
    bytes: int
    container: Container = "mp4"


class Sidecar(Wire, frozen=True, kw_only=True):
    """Captions in a file beside the film, those of the track `track`; `losses` are what the format could not carry.

    `name` tells it from the film's other files of captions, "" where it is the only one. `path` is where it was
    delivered, "" before that.
    """

    format: CaptionFormat
    track: str
    sha256: str
    bytes: int
    captions: int
    name: str = ""
    path: str = ""
    losses: tuple[Loss, ...] = ()

    def beside(self, film: str) -> str:
        """Return what the file is called beside a film.

        >>> Sidecar(format="srt", track="English", sha256="", bytes=0, captions=0, name="English").beside("talk.v2.mp4")
        'talk.v2.English.srt'
        """
        stem = film.rpartition(".")[0] or film
        return ".".join(part for part in (stem, self.name, self.format) if part)


class RenderError(Wire, frozen=True, kw_only=True):
    """Where and why a render failed. `code` is as in problems: whether it lies in what was asked for, or in the work."""

    stage: RenderStage
    cause: str
    code: str = "work_failed"
    segment: int | None = None
    clip: str | None = None
    asset: str | None = None
    frame: int | None = None
    log_tail: str = ""


class SegmentCounts(Wire, frozen=True, kw_only=True):
    """Where the segments of a render came from."""

    rendered: int = 0
    cached: int = 0


class KeptFrames(Wire, frozen=True, kw_only=True):
    """Frames `[start_frame, end_frame)` of the source that is cut."""

    start_frame: int
    end_frame: int


class CutKept(Wire, frozen=True, kw_only=True):
    """What a cut keeps of its source, and in how many stretches it comes.

    `copy`: packets as they lay; `edge`: encoded beside copies; `render`: encoded where nothing could be copied.
    """

    asset_id: str
    spans: tuple[KeptFrames, ...]
    copy: int
    edge: int
    render: int
    copied_frames: int


class Render(Wire, frozen=True, kw_only=True):
    """Resource `render/{render_id}`. `cut` is there where a profile copies and the timeline is spans of one source.

    `captions` is how the film's are wanted, `sidecars` the files of captions that belong beside it
    (`GET /v1/renders/{render_id}/captions/{number}`, from 0).

    `timeline_id` and `timeline_version` say of which timeline it is, None: of one that was given whole. `cut_plan` is the
    artifact that it came from, where a mission planned it.
    """

    render_id: str
    state: RenderState
    profile: str
    plan_hash: str
    progress: RenderProgress
    segments: SegmentCounts = SegmentCounts()
    output: RenderOutput | None = None
    checks: tuple[Check, ...] = ()
    error: RenderError | None = None
    notices: tuple[str, ...] = ()
    cut_plan: str | None = None
    timeline_id: str | None = None
    timeline_version: int | None = None
    priority: Priority = "normal"
    cut: CutKept | None = None
    captions: CaptionsAs | None = None
    sidecars: tuple[Sidecar, ...] = ()


class RenderRequest(Request, frozen=True, kw_only=True):
    """Have a timeline rendered: the one of this id, as it is now or at a version of it, or one that is given whole.

    The same `job_id` with the same input is the same job, which goes on if it had failed or was canceled; with other input
    it is a conflict. Without one, equal plans are the same job. `priority` None: as the profile has it; `captions` None: as
    the timeline says, else as the profile has them.
    """

    profile: str
    timeline_id: str | None = None
    version: int | None = None
    timeline: Timeline | None = None
    job_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")] | None = None
    priority: Priority | None = None
    captions: CaptionsAs | None = None


class RenderInput(Request, frozen=True, kw_only=True):
    """Input of the tool `render`; `captions` as in `RenderRequest`."""

    profile: str
    captions: CaptionsAs | None = None


class CheckInput(Request, frozen=True, kw_only=True):
    """Input of the tool `check`: nothing; it looks at the render that the items before have made."""


class DeliverInput(Request, frozen=True, kw_only=True):
    """Input of the tool `deliver_folder`: an absolute path to write, or a folder to put the file in.

    In a folder the file is named after the footage and the profile, with `prefix` before that.
    """

    output: str
    overwrite: bool = True
    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,40}$")] = ""


class SafeZone(Wire, frozen=True, kw_only=True):
    """How much of each side a platform covers with its own buttons and words, 0..1 of height or width."""

    top: float
    bottom: float
    left: float
    right: float


class Profile(Wire, frozen=True, kw_only=True):
    """A target: what a platform wants of a file. `width`, `height` None: as the source has it.

    `rate` None: the source's, brought between `rate_min` and `rate_max` frames a second. `loudness_lufs` and
    `true_peak_dbtp` None: left alone. `max_duration` and `default_duration` (of a highlight without a length) in seconds.
    `priority` is how urgent its renders are. `source` says where the figures come from; `confidence` how far to trust them. `safe_zone` None: not known.
    `min_duration` (seconds) and `max_bytes` are limits of the platform, None: it has none. `captions` is how they are had
    where nobody asks otherwise. `decode_whole`: a finished film is decoded from end to end before it is called finished,
    else around its cuts. `copies`: footage that is shown as it is is copied, and what stands around it is encoded to suit
    (`exact`); or spans of one source are widened to where decoding may begin and end, and nothing is encoded (`only`).
    """

    name: str
    title: str
    width: int | None
    height: int | None
    rate: Fraction | None
    rate_max: Fraction
    codec: str
    crf: int
    preset: str
    gop_s: Fraction
    audio_codec: str
    audio_bitrate: int
    sample_rate: int
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    max_duration: Fraction | None
    default_duration: Fraction | None
    source: str
    read_on: str
    confidence: Literal["published", "convention"]
    rate_min: Fraction = Fraction(1)
    priority: Priority = "normal"
    copies: Literal["never", "exact", "only"] = "never"
    container: Container = "mp4"
    encoder: str = "cpu"
    video_bitrate: int | None = None
    short_side: int | None = None
    proxies: bool = False
    min_duration: Fraction | None = None
    max_bytes: int | None = None
    captions: CaptionsAs = "any"
    decode_whole: bool = False
    safe_zone: SafeZone | None = None


class Receipt(Wire, frozen=True, kw_only=True):
    """`out.mp4.receipt.json`: what went in, what was done and by whose leave. `mission_id` "": no mission delivered it.

    `post` are the settings that were put onto the cut, `PostSettings`. `sidecars` are the files of captions beside the film.
    """

    output: RenderOutput
    mission_id: str
    plan_hash: str
    inputs: tuple[dict[str, Any], ...]
    versions: dict[str, str]
    checks: tuple[Check, ...]
    approvals: tuple[dict[str, Any], ...]
    log_position: int
    cuts: tuple[dict[str, Any], ...] = ()
    render_id: str = ""
    profile: str = ""
    notices: tuple[str, ...] = ()
    post: dict[str, Any] = {}
    sidecars: tuple[Sidecar, ...] = ()


class Segment(Wire, frozen=True, kw_only=True):
    """Resource `segment/{key}`: encoded work that is kept. `key` is the hash of all that it depends on.

    `blob` is where it lies, `count` its frames, or its samples where it is a film's sound. `used_at_ms` is when a render was
    last seen to use it, to the day; 0: not since it was made. A `proxy` is a whole file and `index` its frame index; `owner`
    is the resource that goes when they do. `gain_db` is by how much a film's sound was raised, None: it is no film's sound.
    """

    key: str
    kind: Literal["picture", "sound", "proxy", "index"]
    blob: str
    bytes: int
    count: int
    used_at_ms: int = 0
    notices: tuple[str, ...] = ()
    owner: str = ""
    gain_db: float | None = None
