"""Where and why a render failed, for its record, and back from the record as an error."""

from typing import Any, Final, get_args

from cutroom_sdk.wire.problems import CODES
from cutroom_sdk.wire.renders import RenderError, RenderStage
from engine.kernel.errors import Invalid, NotFound, Rejected, StudioError, Unavailable, WorkFailed
from engine.rendering.making import SegmentFailed

STAGES: Final[tuple[RenderStage, ...]] = get_args(RenderStage)
LOG_TAIL: Final = 2000


def failure_of(error: Exception) -> RenderError:
    """Return what is on record of an error."""
    number, segment = (error.number, error.segment) if isinstance(error, SegmentFailed) else (None, None)
    cause = error.reason if isinstance(error, SegmentFailed) else error
    extra = cause.extra if isinstance(cause, StudioError) else {}
    usual: RenderStage = "encode"
    if isinstance(cause, Invalid):
        usual = "decode"
    elif isinstance(cause, (NotFound, Rejected)):
        usual = "probe"
    stage = next((one for one in STAGES if one == extra.get("stage")), usual)
    frame = extra.get("frame")
    return RenderError(
        stage=stage,
        code=cause.code if isinstance(cause, StudioError) else "work_failed",
        cause=cause.detail if isinstance(cause, StudioError) else f"{type(cause).__name__}: {cause}",
        segment=number,
        clip=extra.get("clip") or (segment.clip if segment else None),
        asset=extra.get("asset_id") or (segment.asset_id if segment else None),
        frame=frame if isinstance(frame, int) else None,
        log_tail=_log_of(cause, extra)[-LOG_TAIL:],
    )


def _log_of(cause: Exception, extra: dict[str, Any]) -> str:
    """Return what a process wrote last, or where in it the error came from."""
    return str(extra.get("log_tail") or "\n".join(getattr(cause, "__notes__", ())))


def error_of(failure: RenderError) -> StudioError:
    """Return what whoever waits for the render is told: an error of the recorded code that names the place."""
    where: dict[str, Any] = {
        "stage": failure.stage,
        "segment": failure.segment,
        "clip": failure.clip,
        "asset": failure.asset,
        "frame": failure.frame,
    }
    code = failure.code if failure.code in CODES else WorkFailed.default_code
    if code in ("unavailable", "insufficient_storage"):
        return Unavailable(failure.cause, code=code, **where)
    if CODES[code].status < 500:
        return Invalid(failure.cause, code=code, **where)
    place = (
        "" if failure.segment is None else f" at segment {failure.segment} (clip {failure.clip or 'black'})"
    )
    return WorkFailed(f"rendering failed{place}, stage {failure.stage}: {failure.cause}", **where)
