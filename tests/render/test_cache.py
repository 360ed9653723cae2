"""The segment cache: within its limit, least recently used first, and nothing that a job at work needs."""

from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.renders import Segment
from engine.kernel.reducer import Envelope
from engine.rendering import reducer_segment as s
from engine.rendering.reducer import Queue
from engine.rendering.reducer_segment import Keep
from tests.clips import make_clip
from tests.render.studio import EDITOR, Studio, studio
from tests.render.test_jobs import order, until
from tests.render.workshop import Source, source_of

PAL = Fraction(25)
DAY_MS = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return source_of(make_clip(tmp_path_factory.mktemp("footage") / "clip.mp4", frames=100).path)


async def keep(room: Studio, name: str, content: bytes) -> Segment:
    """Put a segment on record as a job does."""
    blob = room.kernel.blobs.put(content)
    segment = Segment(key=name, kind="picture", blob=blob, bytes=len(content), count=1)
    await room.kernel.dispatch.propose(f"segment/{name}", Keep(segment=segment), EDITOR)
    return segment


async def gone(room: Studio, segment: Segment) -> None:
    """Wait until a segment's blob is removed."""
    while room.kernel.blobs.has(segment.blob):
        news = room.kernel.subscriptions.signal
        if room.kernel.blobs.has(segment.blob):
            await news.wait()


async def test_what_was_used_longest_ago_goes_first_and_its_blob_with_it(tmp_path: Path) -> None:
    async with studio(tmp_path / "state") as room:
        cache = room.renders.jobs.cache
        one, two, three = [await keep(room, name, name.encode() * 100) for name in ("one", "two", "six")]
        assert (cache.count, cache.bytes) == (3, 900)
        await cache.look_for("one", EDITOR.partition)
        cache.limit_bytes = 600
        assert await cache.sweep() == 1
        await gone(room, two)
        kept = await room.kernel.resources.values("segment", Segment)
        assert {segment.key for segment in kept} == {"one", "six"}
        assert room.kernel.blobs.has(one.blob)
        assert room.kernel.blobs.has(three.blob)
        assert "2 segments" in cache.feature().detail


async def test_a_job_at_work_keeps_what_it_looked_for(tmp_path: Path) -> None:
    async with studio(tmp_path / "state") as room:
        cache = room.renders.jobs.cache
        old = await keep(room, "old", b"o" * 100)
        cache.limit_bytes = 0
        with cache.at_work():
            await cache.look_for("old", EDITOR.partition)
            new = await keep(room, "new", b"n" * 100)
            assert await cache.sweep() == 0
        assert await cache.sweep() == 2
        await gone(room, old)
        await gone(room, new)
        assert cache.bytes == 0


async def test_a_blob_that_two_segments_share_goes_with_the_last(tmp_path: Path) -> None:
    async with studio(tmp_path / "state") as room:
        cache = room.renders.jobs.cache
        one, other = await keep(room, "one", b"the same"), await keep(room, "other", b"the same")
        assert one.blob == other.blob
        cache.limit_bytes = 8
        assert await cache.sweep() == 1
        await room.kernel.dispatch.propose("segment/x", s.Use(), EDITOR)  # a commit after the outbox's turn
        assert room.kernel.blobs.has(one.blob)
        cache.limit_bytes = 0
        await cache.sweep()
        await gone(room, one)


async def test_what_was_forgotten_is_made_again(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        await room.take_in(source)
        room.renders.jobs.cache.limit_bytes = 0
        first = await order(room, source, (0, 20))
        await room.kernel.dispatch.propose(first.stream, Queue(order=first.order), EDITOR)
        await until(room.kernel, first.render_id, "completed")
        second = await order(room, source, (0, 20), (30, 40))
        await room.kernel.dispatch.propose(second.stream, Queue(order=second.order), EDITOR)
        render = await until(room.kernel, second.render_id, "completed")
        assert render.segments.cached == 0
    async with studio(tmp_path / "state") as room:
        await room.renders.jobs.recover()
        assert room.renders.jobs.cache.bytes == 0


def test_use_is_recorded_once_a_day() -> None:
    segment = Segment(key="k", kind="picture", blob="b", bytes=1, count=2)
    kept = s.Kept(key="k", segment=segment)
    later = Envelope(at_ms=2 * DAY_MS, actor="ada")
    (event,) = s.decide_segment(kept, s.Use(), later)
    kept = s.on_segment(kept, event, later).state
    assert kept.segment == replace(segment, used_at_ms=2 * DAY_MS)
    assert s.decide_segment(kept, s.Use(), Envelope(at_ms=2 * DAY_MS + 5, actor="ada")) == ()
    assert s.decide_segment(kept, s.Keep(segment=segment), later) == ()
    (gone_,) = s.decide_segment(kept, s.Forget(), later)
    step = s.on_segment(kept, gone_, later)
    assert step.state.segment is None
    assert step.commands == (s.DropSegment(key="k", blob="b"),)
