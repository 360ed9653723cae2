"""Proxies as decisions: their sizes, the pieces they are made in, and the life of one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cutroom_sdk.wire.media import VideoStream
from cutroom_sdk.wire.proxies import Proxy
from cutroom_sdk.wire.renders import RenderError
from engine.kernel.reducer import Envelope, Rejected
from engine.media.index import FrameIndex
from engine.rendering import reducer_proxy as r
from engine.rendering.proxies import ladder

ENVELOPE = Envelope(at_ms=1, actor="ada")
WANTED = Proxy(
    proxy_id="a-360", asset_id="a", size=360, state="queued", width=640, height=360, frames=30, key="k"
)
QUEUE = r.QueueProxy(proxy=WANTED)
START = r.StartProxy(tries=1)
DONE = r.CompleteProxy(tries=1, bytes=5, sha256="f")
BROKEN = r.FailProxy(tries=1, error=RenderError(stage="decode", cause="c"))


def video(width: int, height: int) -> VideoStream:
    return VideoStream(
        index=0, codec="h264", width=width, height=height, rate=Fraction(25), frame_count=30, duration=Fraction(2)
    )  # fmt: skip


def after(*proposals: r.Proposal) -> r.ProxyJob:
    job = r.init_proxy("a-360")
    for proposal in proposals:
        for event in r.decide_proxy(job, proposal, ENVELOPE):
            job = r.on_proxy(job, event, ENVELOPE).state
    return job


def said(job: r.ProxyJob, proposal: r.Proposal) -> tuple[r.Event, ...]:
    return r.decide_proxy(job, proposal, ENVELOPE)


def test_none_is_larger_than_its_source() -> None:
    assert ladder.sizes_of(video(3840, 2160)) == (1080, 720, 360)
    assert ladder.sizes_of(video(1080, 1920)) == (1080, 720, 360)
    assert ladder.sizes_of(video(1280, 718)) == (360,)
    assert ladder.sizes_of(video(320, 180)) == ()


@pytest.mark.parametrize(
    ("side", "lines", "size"),
    [(2160, 360, 360), (2160, 361, 720), (2160, 800, 1080), (2160, 1081, None), (360, 360, None), (720, 720, None)],
)  # fmt: skip
def test_a_draft_wants_the_smallest_that_shows_all_it_can(side: int, lines: int, size: int | None) -> None:
    assert ladder.size_for(video(side * 16 // 9, side), lines) == size


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (1001, 563), (4096, 1716)])
def test_it_has_its_sources_shape_and_even_sides(width: int, height: int) -> None:
    shown = ladder.canvas(video(width, height), 360)
    assert min(shown) == 360
    assert all(side % 2 == 0 for side in shown)
    assert abs(shown[0] / shown[1] - width / height) < 0.01


@given(count=st.integers(1, 3000), every=st.integers(1, 900))
def test_pieces_cover_all_frames_once_and_begin_at_keyframes_in_reach(count: int, every: int) -> None:
    index = FrameIndex(
        time_base=Fraction(1, 25), pts=tuple(range(count)), keyframes=tuple(range(0, count, every)), last_duration=1
    )  # fmt: skip
    found = list(ladder.pieces(index))
    assert [frame for start, end in found for frame in range(start, end)] == list(range(count))
    assert all(0 < end - start <= ladder.CHUNK_FRAMES_MOST for start, end in found)
    if every <= ladder.CHUNK_FRAMES:
        assert all(start % every == 0 for start, _ in found)


def test_asking_twice_is_asking_once() -> None:
    assert len(said(after(), QUEUE)) == 1
    for job in (after(QUEUE), after(QUEUE, START), after(QUEUE, START, DONE)):
        assert said(job, QUEUE) == ()


def test_what_was_given_up_is_made_again_only_by_name() -> None:
    for job in (after(QUEUE, r.CancelProxy()), after(QUEUE, START, BROKEN)):
        assert said(job, QUEUE) == ()
        (event,) = said(job, replace(QUEUE, again=True))
        assert r.on_proxy(job, event, ENVELOPE).commands == (r.MakeProxy(proxy_id="a-360", tries=2),)


def test_one_that_was_made_otherwise_or_lost_its_file_is_made_anew() -> None:
    ready = after(QUEUE, START, DONE)
    assert len(said(ready, r.QueueProxy(proxy=replace(WANTED, key="other")))) == 1
    assert len(said(ready, replace(QUEUE, lost=True))) == 1


def test_its_file_is_named_once_it_is_there() -> None:
    ready = r.proxy_resources("a-360", after(QUEUE, START, DONE))["proxy/a-360"]
    assert isinstance(ready, Proxy)
    assert (ready.state, ready.bytes, ready.sha256) == ("ready", 5, "f")


def test_work_that_was_asked_for_earlier_changes_nothing_any_more() -> None:
    again = after(QUEUE, START, r.CancelProxy(), replace(QUEUE, again=True))
    for late in (START, DONE, BROKEN):
        with pytest.raises(Rejected, match="queued"):
            said(again, late)


def test_who_cancels_or_removes_ends_the_work() -> None:
    for proposal in (r.CancelProxy(), r.RemoveProxy()):
        job = after(QUEUE, START)
        (event,) = said(job, proposal)
        assert r.on_proxy(job, event, ENVELOPE).commands == (r.StopProxy(proxy_id="a-360", tries=1),)
    assert r.proxy_resources("a-360", after(QUEUE, r.RemoveProxy())) == {"proxy/a-360": None}
    with pytest.raises(Rejected):
        said(after(QUEUE, START, DONE), r.CancelProxy())


def test_room_is_made_by_those_that_have_a_file() -> None:
    evicted = r.RemoveProxy(evicted=True)
    assert said(after(QUEUE, START), evicted) == ()
    assert len(said(after(QUEUE, START, DONE), evicted)) == 1
    assert said(after(), evicted) == ()
