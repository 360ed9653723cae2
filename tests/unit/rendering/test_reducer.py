"""A render has one life at a time; what is over stays over until somebody asks for it again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cutroom_sdk.wire.renders import Render, RenderError, RenderOutput, Segment
from engine.kernel.reducer import Envelope, Rejected
from engine.rendering import reducer as r
from engine.rendering import reducer_segment as s

ENVELOPE = Envelope(at_ms=1, actor="ada")
OUTPUT = RenderOutput(path="/x", sha256="a" * 64, bytes=1)
ORDER = r.Order(profile="reels", plan_hash="p", input_hash="i", timeline="b", total_frames=30)
QUEUE = r.Queue(order=ORDER)
START = r.Start(plan_hash="p", total_frames=30, tries=1)
BROKEN = r.Fail(error=RenderError(stage="mux", cause="c"))
DONE = r.Complete(output=OUTPUT, checks=(), notices=())
PROPOSALS: st.SearchStrategy[r.Proposal] = st.one_of(
    st.builds(r.Queue, order=st.just(ORDER), again=st.booleans()),
    st.builds(r.Start, plan_hash=st.just("p"), total_frames=st.just(30), tries=st.integers(1, 4)),
    st.builds(r.Advance, frames=st.integers(1, 10), cached=st.booleans()),
    st.sampled_from([DONE, BROKEN, r.Cancel(), r.Pause(), r.Resume()]),
)


def after(*proposals: r.Proposal) -> r.Job:
    job = r.init("r1")
    for proposal in proposals:
        for event in r.decide(job, proposal, ENVELOPE):
            job = r.on_event(job, event, ENVELOPE).state
    return job


def published(job: r.Job) -> Render:
    render = r.resources("r1", job)["render/r1"]
    assert isinstance(render, Render)
    return render


def said(job: r.Job, proposal: r.Proposal) -> tuple[r.Event, ...]:
    return r.decide(job, proposal, ENVELOPE)


def test_progress_and_the_origin_of_segments_are_counted() -> None:
    job = after(QUEUE, START, r.Advance(frames=10, cached=True), r.Advance(frames=20, cached=False))
    render = published(job)
    assert (render.state, render.progress.done_frames, render.progress.total_frames) == ("running", 30, 30)
    assert (render.segments.cached, render.segments.rendered) == (1, 1)


def test_the_time_left_follows_the_pace_of_what_was_made() -> None:
    def at(ms: int, job: r.Job, proposal: r.Proposal) -> r.Job:
        for event in r.decide(job, proposal, ENVELOPE):
            job = r.on_event(job, event, Envelope(at_ms=ms, actor="ada")).state
        return job

    running = at(10_000, after(QUEUE), START)
    assert published(running).progress.eta_s is None
    found = at(10_100, running, r.Advance(frames=6, cached=True))
    assert published(found).progress.eta_s is None, (
        "what was there already says nothing of how long work takes"
    )
    made = at(14_000, found, r.Advance(frames=8, cached=False))
    assert published(made).progress.eta_s == 8.0  # 16 frames at two a second
    assert published(at(16_000, made, r.Advance(frames=16, cached=False))).progress.eta_s is None
    assert published(at(15_000, made, r.Pause())).progress.eta_s is None
    assert published(at(20_000, made, START)).progress.eta_s is None, "begun again, it is measured anew"


def test_each_time_it_is_queued_its_work_is_asked_for_once() -> None:
    job = r.init("r1")
    for tries in (1, 2, 3):
        (event,) = said(job, QUEUE)
        step = r.on_event(job, event, ENVELOPE)
        assert step.commands == (r.MakeRender(render_id="r1", tries=tries),)
        job = after_events(step.state, r.Cancel())


def after_events(job: r.Job, *proposals: r.Proposal) -> r.Job:
    for proposal in proposals:
        for event in said(job, proposal):
            job = r.on_event(job, event, ENVELOPE).state
    return job


def test_beginning_again_counts_anew_and_forgets_the_failure() -> None:
    failed = after(QUEUE, START, r.Advance(frames=10, cached=False), BROKEN)
    assert published(failed).error is not None
    again = after_events(failed, QUEUE)
    assert (again.state, again.done_frames, again.error, again.tries) == ("queued", 0, None, 2)
    # After a crash the same work begins anew without having been queued anew.
    crashed = after(QUEUE, START, r.Advance(frames=10, cached=False), START)
    assert (crashed.state, crashed.done_frames, crashed.tries) == ("running", 0, 1)


def test_the_same_input_is_the_same_job_and_other_input_a_conflict() -> None:
    job = after(QUEUE, START)
    assert said(job, r.Queue(order=replace(ORDER, plan_hash="of a newer engine"))) == ()
    other = r.Queue(order=replace(ORDER, input_hash="q"))
    with pytest.raises(Rejected) as refused:
        said(job, other)
    assert refused.value.code == "job_conflict"


def test_what_is_completed_is_made_again_only_when_asked_for() -> None:
    done = after(QUEUE, START, DONE)
    assert said(done, QUEUE) == ()
    assert said(done, r.Queue(order=ORDER, again=True)) == (r.Queued(order=ORDER),)


def test_a_pause_ends_the_work_and_resuming_queues_it() -> None:
    job = after(QUEUE, START)
    (event,) = said(job, r.Pause())
    step = r.on_event(job, event, ENVELOPE)
    assert (step.state.state, step.commands) == ("paused", (r.StopRender(render_id="r1", tries=1),))
    assert said(step.state, QUEUE) == ()
    resumed = after_events(step.state, r.Resume())
    assert (resumed.state, resumed.tries) == ("queued", 2)
    # The work of the first time comes too late.
    with pytest.raises(Rejected):
        said(resumed, START)
    with pytest.raises(Rejected):
        said(r.init("r2"), r.Resume())


def test_canceling_asks_for_the_work_to_be_ended() -> None:
    job = after(QUEUE, START)
    (event,) = said(job, r.Cancel())
    step = r.on_event(job, event, ENVELOPE)
    assert step.commands == (r.StopRender(render_id="r1", tries=1),)
    assert step.state.state == "canceled"


def test_a_render_of_before_there_was_a_queue_is_read_and_can_be_asked_for_again() -> None:
    old = r.Started(profile="reels", plan_hash="p", cut_plan="artifact/a", total_frames=30)
    job = r.on_event(r.init("r1"), old, ENVELOPE).state
    assert (published(job).state, published(job).profile, published(job).cut_plan) == (
        "running",
        "reels",
        "artifact/a",
    )
    assert said(job, QUEUE) == (r.Queued(order=ORDER),)
    with pytest.raises(Rejected):
        said(job, r.Resume())


@given(st.lists(PROPOSALS, max_size=20))
def test_whatever_is_asked_a_render_is_in_one_state_and_says_so(asked: list[r.Proposal]) -> None:
    job, wanted = r.init("r1"), 0
    for proposal in asked:
        try:
            events = said(job, proposal)
        except Rejected:
            assert not isinstance(proposal, r.Queue)
            continue
        if isinstance(proposal, (r.Advance, r.Complete)):
            assert job.state == "running"
        for event in events:
            step = r.on_event(job, event, ENVELOPE)
            job = step.state
            wanted += sum(isinstance(one, r.MakeRender) for one in step.commands)
        assert job.tries == wanted
        assert (job.output is not None) == (job.state == "completed")
        assert (job.error is not None) == (job.state == "failed")


def test_a_segment_is_recorded_once_and_replaced_when_it_was_made_anew() -> None:
    one = Segment(key="k", kind="picture", blob="b", bytes=1, count=2)
    kept = s.init_segment("k")
    (event,) = s.decide_segment(kept, s.Keep(segment=one), ENVELOPE)
    kept = s.on_segment(kept, event, ENVELOPE).state
    assert s.decide_segment(kept, s.Keep(segment=one), ENVELOPE) == ()
    other = Segment(key="k", kind="picture", blob="c", bytes=1, count=2)
    assert s.decide_segment(kept, s.Keep(segment=other), ENVELOPE) == (s.Rendered(segment=other),)
    with pytest.raises(Rejected):
        s.decide_segment(s.init_segment("z"), s.Keep(segment=one), ENVELOPE)
