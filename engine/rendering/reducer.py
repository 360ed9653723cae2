"""Renders and the segments they are made of.

    render/{render_id}    (new) --started--> running --completed--> completed
                                              | ^ |--failed----> failed
                             advanced, started ´  `--canceled--> canceled        any of these --started--> running
    segment/{key}         (new) --rendered--> kept

`render_id` follows from the plan's hash, so the same work is the same job, and starting it again takes up what was left.
A segment belongs to no render: its key says all that it depends on, and whoever needs the same again finds it.
"""

from collections.abc import Mapping
from typing import Final, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.renders import (
    Check,
    Render,
    RenderError,
    RenderOutput,
    RenderProgress,
    RenderState,
    Segment,
    SegmentCounts,
)
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "render"
SEGMENT_KIND: Final = "segment"


class Job(Struct, frozen=True, kw_only=True):
    """State of the stream `render/{render_id}`. `tries` counts how often it was started."""

    render_id: str
    state: RenderState | Literal["new"] = "new"
    profile: str = ""
    plan_hash: str = ""
    cut_plan: str | None = None
    total_frames: int = 0
    done_frames: int = 0
    segments: SegmentCounts = SegmentCounts()
    output: RenderOutput | None = None
    checks: tuple[Check, ...] = ()
    error: RenderError | None = None
    notices: tuple[str, ...] = ()
    tries: int = 0


# Proposals.
class Start(Struct, frozen=True, kw_only=True, tag="start"):
    """Begin, or begin again: after a crash, a failure, a cancel, or to make anew what was found wanting."""

    profile: str
    plan_hash: str
    cut_plan: str | None
    total_frames: int
    notices: tuple[str, ...] = ()


class Advance(Struct, frozen=True, kw_only=True, tag="advance"):
    """A segment of `frames` is there; `cached` when earlier work had left it."""

    frames: int
    cached: bool


class Complete(Struct, frozen=True, kw_only=True, tag="complete"):
    """The file is there and has been looked at."""

    output: RenderOutput
    checks: tuple[Check, ...]
    notices: tuple[str, ...]


class Fail(Struct, frozen=True, kw_only=True, tag="fail"):
    error: RenderError


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """Somebody no longer wants it."""


# Events.
class Started(Struct, frozen=True, kw_only=True, tag="render.started"):
    profile: str
    plan_hash: str
    cut_plan: str | None
    total_frames: int
    notices: tuple[str, ...] = ()


class Advanced(Struct, frozen=True, kw_only=True, tag="render.advanced"):
    frames: int
    cached: bool


class Completed(Struct, frozen=True, kw_only=True, tag="render.completed"):
    output: RenderOutput
    checks: tuple[Check, ...]
    notices: tuple[str, ...]


class Failed(Struct, frozen=True, kw_only=True, tag="render.failed"):
    error: RenderError


class Canceled(Struct, frozen=True, kw_only=True, tag="render.canceled"):
    pass


# Commands.
class StopRender(Struct, frozen=True, kw_only=True, tag="stop_render"):
    """End the work of a render that was canceled."""

    render_id: str


Proposal = Start | Advance | Complete | Fail | Cancel
Event = Started | Advanced | Completed | Failed | Canceled


def init(render_id: str) -> Job:
    return Job(render_id=render_id)


def decide(job: Job, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal.

    Raises:
        Rejected: `job_conflict`: the id belongs to other work; `render_over`: it is not running.
    """
    match proposal:
        case Start(
            profile=profile, plan_hash=plan_hash, cut_plan=cut_plan, total_frames=frames, notices=notices
        ):
            if job.state != "new" and job.plan_hash != plan_hash:
                raise Rejected(
                    "job_conflict", f"the render {job.render_id} is of another plan", code="job_conflict"
                )
            started = Started(
                profile=profile, plan_hash=plan_hash, cut_plan=cut_plan, total_frames=frames, notices=notices
            )
            return (started,)
        case Advance(frames=frames, cached=cached):
            _demand_running(job)
            return (Advanced(frames=frames, cached=cached),)
        case Complete(output=output, checks=checks, notices=notices):
            _demand_running(job)
            return (Completed(output=output, checks=checks, notices=notices),)
        case Fail(error=error):
            _demand_running(job)
            return (Failed(error=error),)
        case Cancel():
            _demand_running(job)
            return (Canceled(),)
        case _:
            assert_never(proposal)


def on_event(job: Job, event: Event, _envelope: Envelope) -> Step[Job, StopRender]:
    """Fold one accepted event."""
    match event:
        case Started(
            profile=profile, plan_hash=plan_hash, cut_plan=cut_plan, total_frames=frames, notices=notices
        ):
            return Step(
                Job(
                    render_id=job.render_id,
                    state="running",
                    profile=profile,
                    plan_hash=plan_hash,
                    cut_plan=cut_plan,
                    total_frames=frames,
                    notices=notices,
                    tries=job.tries + 1,
                )
            )
        case Advanced(frames=frames, cached=cached):
            counts = SegmentCounts(
                rendered=job.segments.rendered + (not cached), cached=job.segments.cached + cached
            )
            return Step(replace(job, done_frames=job.done_frames + frames, segments=counts))
        case Completed(output=output, checks=checks, notices=notices):
            return Step(
                replace(
                    job, state="completed", output=output, checks=checks, notices=(*job.notices, *notices)
                )
            )
        case Failed(error=error):
            return Step(replace(job, state="failed", error=error))
        case Canceled():
            return Step(replace(job, state="canceled"), (StopRender(render_id=job.render_id),))
        case _:
            assert_never(event)


def resources(render_id: str, job: Job) -> Mapping[str, Struct | None]:
    """A render is visible once it was started."""
    if job.state == "new":
        return {}
    render = Render(
        render_id=render_id,
        state=job.state,
        profile=job.profile,
        plan_hash=job.plan_hash,
        progress=RenderProgress(done_frames=job.done_frames, total_frames=job.total_frames),
        segments=job.segments,
        output=job.output,
        checks=job.checks,
        error=job.error,
        notices=job.notices,
        cut_plan=job.cut_plan,
    )
    return {f"{KIND}/{render_id}": render}


def _demand_running(job: Job) -> None:
    if job.state != "running":
        raise Rejected("render_over", f"the render {job.render_id} is {job.state}", state=job.state)


class Kept(Struct, frozen=True, kw_only=True):
    """State of the stream `segment/{key}`."""

    key: str
    segment: Segment | None = None


class Keep(Struct, frozen=True, kw_only=True, tag="keep"):
    """The work behind a key was done; its outcome lies among the blobs."""

    segment: Segment


class Rendered(Struct, frozen=True, kw_only=True, tag="segment.rendered"):
    segment: Segment


def init_segment(key: str) -> Kept:
    return Kept(key=key)


def decide_segment(kept: Kept, proposal: Keep, _envelope: Envelope) -> tuple[Rendered, ...]:
    """Answer a proposal; the same outcome again is nothing new.

    Raises:
        Rejected: `other_key`: the segment is not this stream's.
    """
    if proposal.segment.key != kept.key:
        raise Rejected("other_key", f"the segment {proposal.segment.key} is not {kept.key}")
    return () if kept.segment == proposal.segment else (Rendered(segment=proposal.segment),)


def on_segment(kept: Kept, event: Rendered, _envelope: Envelope) -> Step[Kept, Struct]:
    """Fold one accepted event."""
    return Step(replace(kept, segment=event.segment))


def segment_resources(key: str, kept: Kept) -> Mapping[str, Struct | None]:
    return {} if kept.segment is None else {f"{SEGMENT_KIND}/{key}": kept.segment}


RENDER: Final = Aggregate(
    kind=KIND, init=init, decide=decide, on_event=on_event, event=Event, state=Job, resources=resources
)
SEGMENT: Final = Aggregate(
    kind=SEGMENT_KIND,
    init=init_segment,
    decide=decide_segment,
    on_event=on_segment,
    event=Rendered,
    state=Kept,
    resources=segment_resources,
)
