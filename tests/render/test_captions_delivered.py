"""A film's captions come with it as they were asked for: in the file, beside it, on record, and whole or not at all."""

from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio
from msgspec.structs import replace

from cutroom_sdk.wire.codec import decode, to_builtins
from cutroom_sdk.wire.renders import Check, DeliverInput, Receipt, Render, RenderInput
from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Timeline, TimeRange, Track
from engine.kernel.blobs import hash_file
from engine.kernel.errors import Rejected, WorkFailed
from engine.rendering.delivering import Delivery
from tests.clips import make_clip
from tests.render.studio import Studio, studio
from tests.render.test_jobs import border, until
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)
SRT = "1\n00:00:00,000 --> 00:00:01,000\nGood evening\n\n2\n00:00:01,200 --> 00:00:02,400\nand good night\n"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return source_of(make_clip(tmp_path_factory.mktemp("footage") / "clip.mp4", frames=60).path)


@pytest_asyncio.fixture(loop_scope="session")
async def room(tmp_path: Path, source: Source) -> AsyncIterator[Studio]:
    async with studio(tmp_path / "state") as made:
        await made.take_in(source)
        yield made


def said(text: str, lasts: Fraction) -> Clip:
    return Clip(
        id=text,
        media=Generator(kind="caption", parameters={"text": text, "style": "outline"}),
        source_range=TimeRange(start=Fraction(0), duration=lasts),
    )


def film(source: Source) -> Timeline:
    """Sixty frames with two captions."""
    plain = timeline_of([span(source, 0, 60, rate=PAL)], rate=PAL)
    words = (
        said("Good evening", Fraction(1)),
        Gap(duration=Fraction(1, 5)),
        said("and good night", Fraction(6, 5)),
    )
    return replace(plain, tracks=(*plain.tracks, Track(kind="caption", name="English", items=words)))


async def rendered(room: Studio, source: Source, **more: Any) -> Render:
    asked = {"profile": "draft", "timeline": to_builtins(film(source))} | more
    async with border(room) as client:
        answer = await client.post("/v1/renders", json=asked)
        assert answer.status_code == 202, answer.text
    done = await until(room.kernel, answer.json()["render_id"], "completed", "failed")
    assert done.state == "completed", done.error
    return done


def delivered(render: Render) -> Check:
    return next(one for one in render.checks if one.name == "captions_delivered")


async def test_captions_beside_the_film_can_be_fetched_and_are_on_the_receipt(
    room: Studio, source: Source
) -> None:
    done = await rendered(room, source, captions="srt")
    (beside,) = done.sidecars
    assert (beside.format, beside.track, beside.captions, done.captions) == ("srt", "English", 2, "srt")
    assert any("style" in loss.what for loss in beside.losses)
    assert (delivered(done).status, delivered(done).value) == ("pass", "English: 2 as srt")
    async with border(room) as client:
        content = await client.get(f"/v1/renders/{done.render_id}/captions/0")
        assert (content.text, content.headers["ETag"]) == (SRT, f'"{beside.sha256}"')
        assert content.headers["content-type"].startswith("application/x-subrip")
        for number in ("1", "x"):
            missing = await client.get(f"/v1/renders/{done.render_id}/captions/{number}")
            assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        receipt = decode((await client.get(f"/v1/renders/{done.render_id}/receipt")).content, Receipt)
    assert receipt.sidecars == done.sidecars


async def test_the_ways_to_have_captions_are_different_jobs_and_different_films(
    room: Studio, source: Source
) -> None:
    soft, none = [await rendered(room, source, captions=way) for way in ("soft", "none")]
    assert (soft.sidecars, none.sidecars) == ((), ())
    assert soft.render_id != none.render_id
    assert soft.output is not None
    assert none.output is not None
    assert (texts(soft.output.path), texts(none.output.path)) == (1, 0)
    assert (delivered(soft).status, delivered(soft).value) == ("pass", "English: 2 in the film")
    assert delivered(none).value == "none are wanted"
    assert (none.segments.rendered, none.segments.cached) == (0, 1), "both have the same picture"


def texts(path: str) -> int:
    with av.open(path) as container:
        return len(container.streams.subtitles)


async def test_a_name_stands_for_one_way_to_have_captions(room: Studio, source: Source) -> None:
    async with border(room) as client:
        asked = {
            "profile": "draft",
            "timeline": to_builtins(film(source)),
            "job_id": "mine",
            "captions": "srt",
        }
        assert (await client.post("/v1/renders", json=asked)).status_code == 202
        other = {
            "profile": "draft",
            "timeline": to_builtins(film(source)),
            "job_id": "mine",
            "captions": "vtt",
        }
        refused = await client.post("/v1/renders", json=other)
        assert (refused.status_code, refused.json()["code"]) == (409, "job_conflict")
        odd = await client.post("/v1/renders", json=other | {"captions": "lrc"})
        assert (odd.status_code, odd.json()["field"]) == (400, "captions")


async def test_a_delivery_puts_captions_beside_the_film_whole_and_replaces_nobody_s(
    room: Studio, source: Source, tmp_path: Path
) -> None:
    plan = await room.plan(film(source), [source])
    result = await room.renders.render(RenderInput(profile="draft", captions="srt"), room.run(plan))
    target = tmp_path / "out" / "reel.mp4"
    delivery, asked, run = Delivery(head=lambda: 7), DeliverInput(output=str(target)), room.run(*result.refs)
    told = (await delivery.deliver(asked, run)).output
    beside = target.with_name("reel.srt")
    assert beside.read_text() == SRT
    receipt = decode(target.with_name("reel.mp4.receipt.json").read_bytes(), Receipt)
    assert [(one.path, one.sha256) for one in receipt.sidecars] == [(str(beside), hash_file(beside))]
    assert [one["path"] for one in told["files"]] == [str(target), str(beside)]
    there = {"reel.mp4", "reel.mp4.receipt.json", "reel.srt"}
    assert {one.name for one in target.parent.iterdir()} == there
    assert (await delivery.deliver(asked, run)).reused
    target.with_name("reel.mp4.receipt.json").unlink()
    beside.write_text("somebody's own")
    with pytest.raises(Rejected, match="did not come from here"):
        await delivery.deliver(asked, run)
    assert beside.read_text() == "somebody's own"
    assert {one.name for one in target.parent.iterdir()} == there - {"reel.mp4.receipt.json"}
    beside.unlink()
    room.kernel.blobs.path(receipt.sidecars[0].sha256).unlink()
    with pytest.raises(WorkFailed, match="render anew"):
        await delivery.deliver(asked, run)
    assert {one.name for one in target.parent.iterdir()} == {"reel.mp4"}, "nothing is half delivered"
