"""The tool `render`: the same work is done once, what was interrupted goes on, and what fails says where."""

import asyncio
import os
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.renders import CheckInput, DeliverInput, Receipt, Render, RenderInput, Segment
from engine.kernel.blobs import hash_file
from engine.kernel.errors import Invalid, Rejected, StudioError, Unavailable, WorkCanceled, WorkFailed
from engine.rendering.delivering import Delivery
from engine.rendering.reducer import Cancel
from tests.clips import Sound, make_clip, read_numbers
from tests.render.studio import EDITOR, Studio, studio
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)
ASKED = RenderInput(profile="source")
Span = tuple[int, int]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    sound = Sound(tone_hz=300, tone_peak=0.3, tick_every=None)
    return source_of(make_clip(path, frames=400, audio=sound).path)


async def planned(room: Studio, source: Source, *spans: Span) -> tuple[str, ...]:
    """Take the source in and plan these spans of it; return the refs a render is given."""
    items = [span(source, *one, rate=PAL) for one in spans]
    index = await room.take_in(source)
    plan = await room.plan(timeline_of(items, rate=PAL, sound=True), [source])
    return plan, index, f"asset/{source.asset.asset_id}"


async def the_render(room: Studio, refs: tuple[str, ...]) -> Render:
    key = next(ref for ref in refs if ref.startswith("render/"))
    render = await room.kernel.resources.value(key, Render)
    assert render is not None
    return render


async def test_a_plan_becomes_a_checked_file(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        context = room.run(*await planned(room, source, (10, 60), (200, 330)))
        result = await room.renders.render(ASKED, context)
        render = await the_render(room, result.refs)
        assert render.state == "completed"
        assert render.output is not None
        assert read_numbers(Path(render.output.path)) == [*range(10, 60), *range(200, 330)]
        assert {check.name for check in render.checks if check.status == "fail"} == set()
        beside = {check.name for check in render.checks if check.status == "not_applicable"}
        assert beside <= {"words", "file_size", "faces_in_frame", "captions_delivered"}
        assert render.progress.done_frames == render.progress.total_frames == 180
        assert (await room.renders.check(result, context))[0].status == "pass"
        told = await room.renders.look(CheckInput(), room.run(*result.refs))
        assert [one["name"] for one in told.output["checks"]][:2] == ["file", "duration"]
        assert told.refs == result.refs
        with pytest.raises(Invalid, match="render first"):
            await room.renders.look(CheckInput(), room.run())
        Path(render.output.path).unlink()
        with pytest.raises(WorkFailed, match="file: gone or damaged"):
            await room.renders.look(CheckInput(), room.run(*result.refs))
        assert room.told[-1][:2] == (180, 180)
        assert result.refs[0] == f"render/{render.render_id}"
        assert not result.reused


async def test_the_same_work_is_the_same_job_and_answers_at_once(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, source, (10, 60))
        first = await room.renders.render(ASKED, room.run(*refs))
    async with studio(tmp_path / "state") as room:
        second = await room.renders.render(ASKED, room.run(*refs))
        assert second.reused
        assert second.output == first.output
        assert room.told == []


async def test_a_trim_early_on_leaves_what_comes_later_in_the_cache(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        await room.renders.render(ASKED, room.run(*await planned(room, source, (10, 60), (100, 390))))
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, source, (20, 60), (110, 390))
        result = await room.renders.render(ASKED, room.run(*refs))
        # Clip one changed; of clip two only the head, up to the next multiple of 150 of the source, did.
        assert result.output["segments"] == {"rendered": 2, "cached": 2}
        render = await the_render(room, result.refs)
        assert render.output is not None
        assert read_numbers(Path(render.output.path)) == [*range(20, 60), *range(110, 390)]


async def test_an_attempt_that_was_sent_back_renders_anew(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, source, (10, 60), (100, 140))
        first = await room.renders.render(ASKED, room.run(*refs))
        for segment in await room.kernel.resources.values("segment", Segment):
            damage(room.kernel.blobs.path(segment.blob))
        again = await room.renders.render(ASKED, room.run(*refs, attempt=2))
        assert not again.reused
        assert again.output["segments"] == {"rendered": 2, "cached": 0}
        assert again.output["sha256"] == first.output["sha256"]


async def test_a_damaged_file_does_not_pass_its_check(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        context = room.run(*await planned(room, source, (10, 20)))
        result = await room.renders.render(ASKED, context)
        damage(Path(result.output["path"]))
        assert (await room.renders.check(result, context))[0].status == "fail"


async def test_canceling_a_render_keeps_its_finished_segments_and_leaves_no_other_file(
    tmp_path: Path, source: Source
) -> None:
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, source, (0, 20), (20, 40), (100, 390))
        work = asyncio.create_task(room.renders.render(ASKED, room.run(*refs)))
        kept = await room.segments()
        (render,) = await room.kernel.resources.values("render", Render)
        await room.kernel.dispatch.propose(f"render/{render.render_id}", Cancel(), EDITOR)
        with pytest.raises(WorkCanceled):
            await work
        assert (await the_render(room, (f"render/{render.render_id}",))).state == "canceled"
        assert list((tmp_path / "state" / "blobs" / "staging").iterdir()) == []
        result = await room.renders.render(ASKED, room.run(*refs))
        assert result.output["segments"]["cached"] >= len(kept)


async def test_a_daemon_that_ends_leaves_the_render_to_be_taken_up(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, source, (0, 20), (20, 40), (100, 390))
        work = asyncio.create_task(room.renders.render(ASKED, room.run(*refs)))
        await room.segments()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    async with studio(tmp_path / "state") as room:
        (render,) = await room.kernel.resources.values("render", Render)
        assert render.state == "running"
        result = await room.renders.render(ASKED, room.run(*refs))
        assert result.output["segments"]["cached"] >= 1
        assert result.refs[0] == f"render/{render.render_id}"


async def test_footage_that_was_changed_is_refused_and_says_so(tmp_path: Path, source: Source) -> None:
    copy = Source(Path(shutil.copy(source.path, tmp_path / "clip.mp4")), source.asset, source.index)
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, copy, (10, 20))
        os.utime(copy.path, ns=(1, 1))  # touched, and the same all the same
        assert (await room.renders.render(ASKED, room.run(*refs))).output["frames"] == 10
        damage(copy.path)
        with pytest.raises(StudioError, match="changed"):
            await room.renders.render(ASKED, room.run(*refs, attempt=2))


async def test_a_frame_that_cannot_be_decoded_is_named(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        data = bytearray(source.path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 40_000] = bytes(40_000)
        hole = tmp_path / "hole.mp4"
        hole.write_bytes(data)
        broken = Source(hole, source_of(hole).asset, source.index)
        refs = await planned(room, broken, (0, 390))
        with pytest.raises(StudioError):
            await room.renders.render(ASKED, room.run(*refs))
        (render,) = await room.kernel.resources.values("render", Render)
        assert render.error is not None
        assert (render.state, render.error.stage) == ("failed", "decode"), render.error
        assert render.error.asset == broken.asset.asset_id
        assert render.error.segment is not None


async def test_a_full_disk_is_found_before_anything_is_done(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, source, (10, 20))
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: _Full)
        with pytest.raises(Unavailable) as refused:
            await room.renders.render(ASKED, room.run(*refs))
        assert refused.value.code == "insufficient_storage"


class _Full:
    free = 1000


def damage(path: Path) -> None:
    """Change one byte of a blob, as a bad disk does."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


async def test_the_file_is_delivered_with_its_receipt(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, source, (10, 60))
        result = await room.renders.render(ASKED, room.run(*refs))
        delivery = Delivery(head=lambda: room.kernel.dispatch.head)
        target = tmp_path / "out" / "reel.mp4"
        delivered = await delivery.deliver(DeliverInput(output=str(target)), room.run(*result.refs))
        assert hash_file(target) == result.output["sha256"] == delivered.output["sha256"]
        receipt = decode((tmp_path / "out" / "reel.mp4.receipt.json").read_bytes(), Receipt)
        assert receipt.output.path == str(target)
        assert receipt.plan_hash == result.output["plan_hash"]
        assert [one["sha256"] for one in receipt.inputs] == [source.asset.sha256]
        assert receipt.checks
        assert sorted(one.name for one in target.parent.iterdir()) == ["reel.mp4", "reel.mp4.receipt.json"]
        again = await delivery.deliver(DeliverInput(output=str(target)), room.run(*result.refs))
        assert again.reused


async def test_another_file_is_not_replaced_unasked_and_a_damaged_one_is_not_delivered(
    tmp_path: Path, source: Source
) -> None:
    async with studio(tmp_path / "state") as room:
        refs = await planned(room, source, (10, 20))
        result = await room.renders.render(ASKED, room.run(*refs))
        delivery = Delivery(head=lambda: 0)
        target = tmp_path / "reel.mp4"
        target.write_bytes(b"somebody's")
        with pytest.raises(Rejected, match="another file"):
            await delivery.deliver(DeliverInput(output=str(target), overwrite=False), room.run(*result.refs))
        damage(Path(result.output["path"]))
        with pytest.raises(WorkFailed, match="damaged"):
            await delivery.deliver(DeliverInput(output=str(target)), room.run(*result.refs))
        assert target.read_bytes() == b"somebody's"
        assert not list(tmp_path.glob(".*part"))
