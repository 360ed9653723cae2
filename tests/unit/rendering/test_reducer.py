"""A render has one life at a time; what is over stays over until somebody starts it again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom_sdk.wire.renders import Render, RenderError, RenderOutput, Segment
from engine.kernel.reducer import Envelope, Rejected
from engine.rendering import reducer as r

ENVELOPE = Envelope(at_ms=1, actor="ada")
OUTPUT = RenderOutput(path="/x", sha256="a" * 64, bytes=1)
START = r.Start(profile="reels", plan_hash="p", cut_plan="artifact/a", total_frames=30)
PROPOSALS: st.SearchStrategy[r.Proposal] = st.one_of(
    st.just(START),
    st.builds(r.Advance, frames=st.integers(1, 10), cached=st.booleans()),
    st.just(r.Complete(output=OUTPUT, checks=(), notices=())),
    st.just(r.Fail(error=RenderError(stage="encode", cause="c"))),
    st.just(r.Cancel()),
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


def test_progress_and_the_origin_of_segments_are_counted() -> None:
    job = after(START, r.Advance(frames=10, cached=True), r.Advance(frames=20, cached=False))
    render = published(job)
    assert (render.state, render.progress.done_frames, render.progress.total_frames) == ("running", 30, 30)
    assert (render.segments.cached, render.segments.rendered) == (1, 1)


def test_starting_again_counts_anew_and_forgets_the_failure() -> None:
    failed = after(
        START, r.Advance(frames=10, cached=False), r.Fail(error=RenderError(stage="mux", cause="c"))
    )
    assert published(failed).error is not None
    again = r.on_event(failed, r.decide(failed, START, ENVELOPE)[0], ENVELOPE).state
    assert (again.done_frames, again.error, again.tries) == (0, None, 2)


def test_a_render_id_belongs_to_one_plan() -> None:
    other = r.Start(profile="reels", plan_hash="q", cut_plan=None, total_frames=30)
    with pytest.raises(Rejected) as refused:
        r.decide(after(START), other, ENVELOPE)
    assert refused.value.code == "job_conflict"


def test_canceling_asks_for_the_work_to_be_ended() -> None:
    job = after(START)
    (event,) = r.decide(job, r.Cancel(), ENVELOPE)
    step = r.on_event(job, event, ENVELOPE)
    assert step.commands == (r.StopRender(render_id="r1"),)
    assert step.state.state == "canceled"


@given(st.lists(PROPOSALS, max_size=20))
def test_only_a_running_render_changes_without_being_started(asked: list[r.Proposal]) -> None:
    job = r.init("r1")
    for proposal in asked:
        try:
            events = r.decide(job, proposal, ENVELOPE)
        except Rejected:
            assert job.state != "running"
            continue
        assert job.state == "running" or isinstance(proposal, r.Start)
        for event in events:
            job = r.on_event(job, event, ENVELOPE).state
        assert (job.output is not None) == (job.state == "completed")
        assert (job.error is not None) == (job.state == "failed")


def test_a_segment_is_recorded_once_and_replaced_when_it_was_made_anew() -> None:
    one = Segment(key="k", kind="picture", blob="b", bytes=1, count=2)
    kept = r.init_segment("k")
    (event,) = r.decide_segment(kept, r.Keep(segment=one), ENVELOPE)
    kept = r.on_segment(kept, event, ENVELOPE).state
    assert r.decide_segment(kept, r.Keep(segment=one), ENVELOPE) == ()
    other = Segment(key="k", kind="picture", blob="c", bytes=1, count=2)
    assert r.decide_segment(kept, r.Keep(segment=other), ENVELOPE) == (r.Rendered(segment=other),)
    with pytest.raises(Rejected):
        r.decide_segment(r.init_segment("z"), r.Keep(segment=one), ENVELOPE)
