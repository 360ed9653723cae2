"""Settings for what is done with a cut once it is planned: given with a job, applied to its timeline."""

from fractions import Fraction
from typing import Annotated

from msgspec import Meta

from cutroom_sdk.wire.codec import Request
from cutroom_sdk.wire.renders import CaptionsAs
from cutroom_sdk.wire.timeline import Effect, Keyframe, Parameter

SUBTITLES_MAX = 400_000


class PostTransitions(Request, frozen=True, kw_only=True):
    """How each kept stretch goes over into the next: for so many seconds, half before the cut and half after.

    Where a stretch follows the one before it in its source there is no cut to be seen, and no transition. What the
    footage has no material for is shorter, and a notice says so.
    """

    kind: str = "dissolve"
    duration: Fraction = Fraction(1, 2)
    parameters: dict[str, Parameter] = {}


class PostKeyframes(Request, frozen=True, kw_only=True):
    """A parameter of an effect that changes over the film; the times count from its beginning."""

    effect: str
    parameter: str
    keys: Annotated[tuple[Keyframe, ...], Meta(min_length=1)]


class PostMastering(Request, frozen=True, kw_only=True):
    """How loud the film is: integrated loudness (LUFS) and true peak (dBTP); None: as the profile has it.

    `effects` are of the catalogue's family `sound`, on the whole mix of the footage, in this order.
    """

    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    gain_db: float = 0.0
    effects: tuple[Effect, ...] = ()


class PostCaptions(Request, frozen=True, kw_only=True):
    """Captions put onto the film: `subtitles` are the text of an SRT or a WebVTT file.

    Its times are those of the asset `asset_id`, and what was said there is carried through the cuts; None: of the finished
    film. `style` are parameters of the catalogue's `caption`. `delivery` is how the film has them, None: as its profile says.
    """

    subtitles: Annotated[str, Meta(max_length=SUBTITLES_MAX)]
    asset_id: str | None = None
    style: dict[str, Parameter] = {}
    delivery: CaptionsAs | None = None


class PostSettings(Request, frozen=True, kw_only=True):
    """What is done with a cut: how it goes from stretch to stretch, how fast, how it looks, sounds and what is written on it.

    `speed` is that of the whole film, 1 as recorded: a goal's length is that of what is seen. `colour` are effects of the
    picture, on the whole film, in this order; `keyframes` come after them.
    """

    transitions: PostTransitions | None = None
    speed: Fraction | None = None
    keyframes: tuple[PostKeyframes, ...] = ()
    mastering: PostMastering | None = None
    colour: tuple[Effect, ...] = ()
    captions: PostCaptions | None = None
