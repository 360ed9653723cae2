"""The plan of a render: what would be done for a timeline, and what was decided where nobody had."""

from fractions import Fraction
from typing import Literal

from cutroom_sdk.wire.codec import Wire
from cutroom_sdk.wire.renders import CaptionsAs

SegmentKind = Literal["copy", "edge", "render"]


class PlanSegment(Wire, frozen=True, kw_only=True):
    """Output frames `[first, first + frames)`, made as one piece and kept under `key`.

    `clip` is the lowest one seen, `asset_id` what it shows; "" and None where there is none. `kept`: it is there already.
    """

    first: int
    frames: int
    kind: SegmentKind
    key: str
    clip: str
    asset_id: str | None
    kept: bool


class PlanEncoder(Wire, frozen=True, kw_only=True):
    """How pictures are encoded, and why so. `settings` are the encoder's own."""

    codec: str
    width: int
    height: int
    rate: Fraction
    settings: dict[str, str]
    why: str


class Dependency(Wire, frozen=True, kw_only=True):
    """An artifact that the plan stands on, or lacks (`found` false: the rest is then empty); `use` is what it is for."""

    kind: str
    asset_id: str
    found: bool
    backend: str = ""
    backend_version: str = ""
    cache_key: str = ""
    use: str = ""


class PlanSound(Wire, frozen=True, kw_only=True):
    """How a film's sound is brought to its loudness (LUFS) below its peak (dBTP), None: left as it is, and encoded.

    `bitrate` is in bits a second. `gain_db` is what it is raised by, measured when it is mixed; None: that is still to come.
    `ducking` says which tracks make way for which.
    """

    codec: str
    bitrate: int
    sample_rate: int
    loudness_lufs: float | None
    ceiling_dbtp: float | None
    gain_db: float | None = None
    ducking: tuple[str, ...] = ()


class Plan(Wire, frozen=True, kw_only=True):
    """`GET /v1/timelines/{id}/plan`: a render that was thought through and not made.

    `segments` in the order in which they are joined; `to_render` counts the frames that are not kept yet. `defaults` were
    chosen where the timeline leaves it open, `notices` tell what comes out otherwise than asked, `methods` how pictures are
    made that no source has, `warnings` what a render would fail at. `sound_kept` None: the film is silent. `proxies` are the ids
    of those that a draft reads instead of footage, and `preview_warnings` say where it does and where one is missing.
    `ordering` says what is done after what; `captions` how they are had, `sidecars` what the files of captions beside the film
    are called.
    """

    timeline_id: str
    version: int
    profile: str
    plan_hash: str
    frames: int
    duration: Fraction
    encoder: PlanEncoder
    segments: tuple[PlanSegment, ...]
    to_render: int
    sound_kept: bool | None
    proxies: tuple[str, ...] = ()
    preview_warnings: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    dependency_notices: tuple[Dependency, ...] = ()
    ordering: tuple[str, ...] = ()
    sound: PlanSound | None = None
    captions: CaptionsAs = "any"
    sidecars: tuple[str, ...] = ()
