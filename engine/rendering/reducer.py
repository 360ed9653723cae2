"""Renders: jobs that make a film of a timeline.

    render/{render_id}   (new) --queued--> queued --started--> running --completed--> completed
                                             ^ ^                 | |------failed----> failed
                                             | |                 | '------canceled--> canceled
                                             | '----resumed------'-------paused----> paused

A job that waits is paused and canceled just as one that runs. One that is paused, failed or canceled goes on with `resumed`,
or when the same is asked for again, and does only what is missing. `tries` counts how often it was put into the queue: work
that was asked for earlier and is still about knows by it that it is not wanted any more.
"""

from collections.abc import Mapping
from typing import Final, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.missions import Priority
from cutroom_sdk.wire.renders import (
    CaptionsAs,
    Check,
    CutKept,
    Render,
    RenderError,
    RenderOutput,
    RenderProgress,
    RenderState,
    SegmentCounts,
    Sidecar,
)
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "render"
ALIVE: Final = ("queued", "running")
OVER: Final = "render_over"  # what a render refuses with that is not at work


class Order(Struct, frozen=True, kw_only=True):
    """What is to be rendered, and on whose behalf.

    `timeline` is the blob that holds the timeline, whole: what it refers to was resolved when it was asked for, so that
    nothing that happens later changes it. `timeline_id` and `timeline_version` say where it came from. `input_hash` is equal
    for equal input. `cut` is what a cut keeps. `captions` is how they are wanted where the job says it. `anew`: what earlier work left is not trusted. `asked_by` tells who asks apart from others who want the
    same; `party` and `priority` are as in `engine.kernel.turns`.
    """

    profile: str
    plan_hash: str
    input_hash: str
    timeline: str
    total_frames: int
    timeline_id: str | None = None
    timeline_version: int | None = None
    cut_plan: str | None = None
    notices: tuple[str, ...] = ()
    party: str = ""
    priority: Priority = "normal"
    anew: bool = False
    asked_by: str = ""
    cut: CutKept | None = None
    captions: CaptionsAs | None = None


class Pace(Struct, frozen=True, kw_only=True):
    """How fast the work goes: `made` frames, none of them from earlier work, from when it began to its last news, in ms."""

    began_ms: int = 0
    told_ms: int = 0
    made: int = 0

    def eta_s(self, frames: int) -> float | None:
        """Return the seconds that so many more frames take at this pace; None: nothing has been made to go by.

        >>> Pace(began_ms=1000, told_ms=5000, made=100).eta_s(50)
        2.0
        """
        spent_ms = self.told_ms - self.began_ms
        if frames <= 0 or not self.made or spent_ms <= 0:
            return None
        return round(frames * spent_ms / self.made / 1000, 1)


class Job(Struct, frozen=True, kw_only=True):
    """State of the stream `render/{render_id}`. `order` is None before it was asked for."""

    render_id: str
    state: RenderState | Literal["new"] = "new"
    order: Order | None = None
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
    pace: Pace = Pace()
    sidecars: tuple[Sidecar, ...] = ()


# Proposals.
class Queue(Struct, frozen=True, kw_only=True, tag="queue"):
    """Have it rendered. `again`: also when it is completed, for its file is gone or was found wanting."""

    order: Order
    again: bool = False


class Start(Struct, frozen=True, kw_only=True, tag="start"):
    """Work begins, or begins again after a crash; `tries` is that of the job when it was put into the queue."""

    plan_hash: str
    total_frames: int
    tries: int
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
    sidecars: tuple[Sidecar, ...] = ()


class Fail(Struct, frozen=True, kw_only=True, tag="fail"):
    error: RenderError


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """Somebody no longer wants it."""


class Pause(Struct, frozen=True, kw_only=True, tag="pause"):
    """Somebody wants it later: its work ends, what is finished of it stays."""


class Resume(Struct, frozen=True, kw_only=True, tag="resume"):
    """Somebody wants it after all."""


# Events.
class Queued(Struct, frozen=True, kw_only=True, tag="render.queued"):
    order: Order


class Started(Struct, frozen=True, kw_only=True, tag="render.started"):
    """`profile` and `cut_plan` are for logs of before there was a queue: the order has them."""

    plan_hash: str
    total_frames: int
    profile: str = ""
    cut_plan: str | None = None
    notices: tuple[str, ...] = ()


class Advanced(Struct, frozen=True, kw_only=True, tag="render.advanced"):
    frames: int
    cached: bool


class Completed(Struct, frozen=True, kw_only=True, tag="render.completed"):
    output: RenderOutput
    checks: tuple[Check, ...]
    notices: tuple[str, ...]
    sidecars: tuple[Sidecar, ...] = ()


class Failed(Struct, frozen=True, kw_only=True, tag="render.failed"):
    error: RenderError


class Canceled(Struct, frozen=True, kw_only=True, tag="render.canceled"):
    pass


class Paused(Struct, frozen=True, kw_only=True, tag="render.paused"):
    pass


class Resumed(Struct, frozen=True, kw_only=True, tag="render.resumed"):
    pass


# Commands.
class MakeRender(Struct, frozen=True, kw_only=True, tag="make_render"):
    """Do the work of a render that was queued for the `tries`-th time."""

    render_id: str
    tries: int


class StopRender(Struct, frozen=True, kw_only=True, tag="stop_render"):
    """End the work of a render that was paused or canceled."""

    render_id: str
    tries: int = 0


Proposal = Queue | Start | Advance | Complete | Fail | Cancel | Pause | Resume
Event = Queued | Started | Advanced | Completed | Failed | Canceled | Paused | Resumed
Command = MakeRender | StopRender


def init(render_id: str) -> Job:
    return Job(render_id=render_id)


def decide(job: Job, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal.

    Raises:
        Rejected: `job_conflict`: the id belongs to other work; `render_over`: its state does not allow it.
    """
    match proposal:
        case Queue(order=order, again=again):
            if job.state != "new" and not _is_same(job, order):
                raise Rejected(
                    "job_conflict",
                    f"the render {job.render_id} is of other input; choose another job_id",
                    code="job_conflict",
                )
            wanted = job.state in ("new", "failed", "canceled") or (again and job.state == "completed")
            # A render of before there was a queue may lie there unfinished: nobody is at work on it.
            return (Queued(order=order),) if wanted or job.order is None else ()
        case Start(plan_hash=plan_hash, total_frames=frames, tries=tries, notices=notices):
            _demand(job, job.state in ALIVE and job.tries == tries, "not waiting for this")
            return (Started(plan_hash=plan_hash, total_frames=frames, notices=notices),)
        case Advance(frames=frames, cached=cached):
            _demand(job, job.state == "running", "not at work")
            return (Advanced(frames=frames, cached=cached),)
        case Complete(output=output, checks=checks, notices=notices, sidecars=sidecars):
            _demand(job, job.state == "running", "not at work")
            return (Completed(output=output, checks=checks, notices=notices, sidecars=sidecars),)
        case Fail(error=error):
            _demand(job, job.state in ALIVE, "not at work")
            return (Failed(error=error),)
        case Cancel():
            _demand(job, job.state in (*ALIVE, "paused"), "over")
            return (Canceled(),)
        case Pause():
            _demand(job, job.state in (*ALIVE, "paused"), "over")
            return () if job.state == "paused" else (Paused(),)
        case Resume():
            _demand(job, job.state != "new" and job.order is not None, "nothing that can be resumed")
            return (Resumed(),) if job.state in ("paused", "failed", "canceled") else ()
        case _:
            assert_never(proposal)


def on_event(job: Job, event: Event, envelope: Envelope) -> Step[Job, Command]:
    """Fold one accepted event."""
    match event:
        case Queued(order=order):
            return _queued(job, order)
        case Resumed():
            assert job.order is not None, "only what was ordered is resumed"
            return _queued(job, job.order)
        case Started(plan_hash=plan_hash, total_frames=frames, notices=notices):
            started = replace(
                job, state="running", plan_hash=plan_hash, total_frames=frames, notices=notices, done_frames=0,
                segments=SegmentCounts(), output=None, checks=(), error=None, sidecars=(), pace=Pace(began_ms=envelope.at_ms),
            )  # fmt: skip
            if job.order is None:
                started = replace(
                    started, profile=event.profile, cut_plan=event.cut_plan, tries=job.tries + 1
                )
            return Step(started)
        case Advanced(frames=frames, cached=cached):
            counts = SegmentCounts(
                rendered=job.segments.rendered + (not cached), cached=job.segments.cached + cached
            )
            made = job.pace.made + (0 if cached else frames)
            pace = replace(job.pace, told_ms=envelope.at_ms, made=made)
            return Step(replace(job, done_frames=job.done_frames + frames, segments=counts, pace=pace))
        case Completed(output=output, checks=checks, notices=notices, sidecars=sidecars):
            said = (*job.notices, *notices)
            return Step(
                replace(job, state="completed", output=output, checks=checks, notices=said, sidecars=sidecars)
            )
        case Failed(error=error):
            return Step(replace(job, state="failed", error=error))
        case Canceled():
            return _stopped(job, "canceled")
        case Paused():
            return _stopped(job, "paused")
        case _:
            assert_never(event)


def _queued(job: Job, order: Order) -> Step[Job, Command]:
    tries = job.tries + 1
    queued = Job(
        render_id=job.render_id,
        state="queued",
        order=order,
        profile=order.profile,
        plan_hash=order.plan_hash,
        cut_plan=order.cut_plan,
        total_frames=order.total_frames,
        notices=order.notices,
        tries=tries,
    )
    return Step(queued, (MakeRender(render_id=job.render_id, tries=tries),))


def _stopped(job: Job, state: Literal["canceled", "paused"]) -> Step[Job, Command]:
    return Step(replace(job, state=state), (StopRender(render_id=job.render_id, tries=job.tries),))


def _is_same(job: Job, order: Order) -> bool:
    if job.order is None:
        return job.plan_hash == order.plan_hash
    return job.order.input_hash == order.input_hash


def resources(render_id: str, job: Job) -> Mapping[str, Struct | None]:
    """A render is visible once it was asked for."""
    if job.state == "new":
        return {}
    order, left = job.order, job.total_frames - job.done_frames
    render = Render(
        render_id=render_id,
        state=job.state,
        profile=job.profile,
        plan_hash=job.plan_hash,
        progress=RenderProgress(
            done_frames=job.done_frames,
            total_frames=job.total_frames,
            eta_s=job.pace.eta_s(left) if job.state == "running" else None,
        ),
        segments=job.segments,
        output=job.output,
        checks=job.checks,
        error=job.error,
        notices=job.notices,
        cut_plan=job.cut_plan,
        timeline_id=order.timeline_id if order else None,
        timeline_version=order.timeline_version if order else None,
        priority=order.priority if order else "normal",
        cut=order.cut if order else None,
        captions=order.captions if order else None,
        sidecars=job.sidecars,
    )
    return {f"{KIND}/{render_id}": render}


def _demand(job: Job, holds: bool, what: str) -> None:
    if not holds:
        state = "not known" if job.state == "new" else job.state
        raise Rejected(OVER, f"the render {job.render_id} is {state}: it is {what}", state=job.state)


RENDER: Final = Aggregate(
    kind=KIND, init=init, decide=decide, on_event=on_event, event=Event, state=Job, resources=resources
)
