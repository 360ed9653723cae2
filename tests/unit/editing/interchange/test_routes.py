"""Timelines as files over HTTP: kept on import, told with their losses, refused with a field when they are none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.interchange import TimelineExport, TimelineImport
from cutroom_sdk.wire.timeline import Clip, Gap
from cutroom_sdk.wire.timelines import StoredTimeline
from engine.editing import routes_interchange, routes_timelines
from engine.editing.interchange.formats import FORMS, form_of
from engine.editing.reducer import TIMELINE
from engine.http.app import build_app
from engine.kernel.clock import SystemClock
from engine.kernel.context import Context
from engine.kernel.errors import Invalid
from engine.kernel.kernel import Kernel
from tests.unit.editing.interchange import kit

HOST = "127.0.0.1:7717"
RIGHTS = {"ada": frozenset({"media:read", "media:write"}), "eve": frozenset({"media:read"})}
SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello there\n"


@asynccontextmanager
async def border(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The routes over a kernel without timelines; asked with ada's token."""
    kernel = await Kernel.open(folder, (TIMELINE,), SystemClock())
    callers = {name: Context(actor=name, capabilities=rights) for name, rights in RIGHTS.items()}
    app = build_app(
        kernel,
        features=[*routes_timelines.routes, *routes_interchange.routes],
        check_token=callers.get,
        hosts=lambda: frozenset({HOST}),
        health=dict,
        readiness=dict,
    )
    async with (
        kernel.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=f"http://{HOST}",
            headers={"Authorization": "Bearer ada"},
            trust_env=False,
        ) as client,
    ):
        yield client


async def bring(client: httpx.AsyncClient, **asked: Any) -> TimelineImport:
    answer = await client.post("/v1/timelines/import", json=asked)
    assert answer.status_code == 201, answer.text
    return convert(answer.json(), TimelineImport)


async def test_a_file_becomes_a_timeline_and_a_file_again(tmp_path: Path) -> None:
    async with border(tmp_path) as client:
        brought = await bring(client, text=SRT, file_name="talk.srt", rate="25", width=1280, height=720)
        assert (brought.format, brought.losses) == ("srt", ())
        path = f"/v1/timelines/{brought.timeline_id}"
        kept = convert((await client.get(path)).json(), StoredTimeline)
        assert kept.timeline.tracks[0].kind == "caption"
        out = convert((await client.get(f"{path}/export", params={"format": "srt"})).json(), TimelineExport)
        assert out.text == SRT
        assert out.file_name == "Captions.srt"


async def test_what_a_format_cannot_carry_comes_with_the_file(tmp_path: Path) -> None:
    async with border(tmp_path) as client:
        cut = kit.timeline(kit.clip(kit.TALK.asset_id, 1, 2))
        kept = (await client.post("/v1/timelines", json={"timeline": to_builtins(cut)})).json()
        path = f"/v1/timelines/{kept['timeline_id']}/export"
        for form in FORMS.values():
            out = convert((await client.get(path, params={"format": form.name})).json(), TimelineExport)
            assert bool(out.losses) == (form.name in ("srt", "vtt", "ass")), (form.name, out.losses)
            assert out.file_name == f"A cut{form.suffixes[0]}"
        assert (await client.get(path, params={"format": "otio", "version": 2})).status_code == 404


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"text": "nothing", "file_name": "x.bin"}, "format", "name one: otio"),
        ({"text": "", "file_name": "cut.aaf"}, "format", "FCPXML, OTIO or EDL"),
        ({"text": SRT, "format": "srt", "width": 15, "height": 15}, "timeline.width", "even"),
        ({"text": SRT, "format": "srt", "rate": "0"}, "rate", "above 0"),
        ({"text": SRT, "format": "srt", "rate": "1/100000000"}, "rate", "above 0"),
    ],
)
async def test_what_is_no_timeline_is_refused(tmp_path: Path, asked: Any, field: str, said: str) -> None:
    async with border(tmp_path) as client:
        refused = await client.post("/v1/timelines/import", json=asked)
        assert (refused.status_code, refused.json()["field"]) == (400, field)
        assert said in refused.json()["detail"]
        assert (await client.get("/v1/timelines")).json()["items"] == []


async def test_limits_and_rights(tmp_path: Path) -> None:
    async with border(tmp_path) as client:
        large = await client.post("/v1/timelines/import", json={"text": "x" * (13 << 20)})
        assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")
        eve = {"Authorization": "Bearer eve"}
        assert (await client.post("/v1/timelines/import", json={"text": SRT}, headers=eve)).status_code == 403
        brought = await bring(client, text=SRT, format="srt")
        unknown = await client.get(f"/v1/timelines/{brought.timeline_id}/export", params={"format": "zip"})
        assert (unknown.status_code, unknown.json()["field"]) == (400, "format")
        missing = await client.get("/v1/timelines/none/export", params={"format": "srt"})
        assert missing.status_code == 404


@pytest.mark.parametrize(
    ("name", "text", "format_name"),
    [
        ("cut.OTIO", "", "otio"),
        ("", '{"OTIO_SCHEMA": "Timeline.1"}', "otio"),
        ("", '<?xml version="1.0"?><fcpxml/>', "fcpxml"),
        ("list.txt", "TITLE: x\nFCM: NON-DROP FRAME", "edl"),
        ("", "\ufeffWEBVTT\n", "vtt"),
        ("old.ssa", "", "ass"),
        ("", "1\n00:00:01,000 --> 00:00:02,000\nx", "srt"),
    ],
)
def test_a_format_is_told_by_the_name_or_by_how_the_file_begins(
    name: str, text: str, format_name: str
) -> None:
    assert form_of(name, text).name == format_name


def test_what_tells_nothing_is_asked_for() -> None:
    with pytest.raises(Invalid, match="name one"):
        form_of("", "hello")


async def test_captions_are_put_on_a_timeline_that_is_there_and_taken_off_again(tmp_path: Path) -> None:
    async with border(tmp_path) as client:
        cut = kit.timeline(kit.clip(kit.TALK.asset_id, 1, 2))
        kept = convert(
            (await client.post("/v1/timelines", json={"timeline": to_builtins(cut)})).json(), StoredTimeline
        )
        into = {"text": SRT, "file_name": "talk.srt", "into": kept.timeline_id}
        for number, name in enumerate(("English", "Again")):
            answer = await client.post("/v1/timelines/import", json={**into, "name": name})
            told = convert(answer.json(), TimelineImport)
            assert (answer.status_code, told.timeline_id, told.version) == (200, kept.timeline_id, number + 2)
            assert told.losses == ()
        now = convert((await client.get(f"/v1/timelines/{kept.timeline_id}")).json(), StoredTimeline)
        assert now.timeline.tracks[: len(cut.tracks)] == cut.tracks
        added = now.timeline.tracks[len(cut.tracks) :]
        assert [(track.kind, track.name) for track in added] == [("caption", "English"), ("caption", "Again")]
        ids = [item.id for track in now.timeline.tracks for item in track.items if isinstance(item, Clip)]
        assert len(ids) == len(set(ids))
        assert [item.duration for item in added[0].items if isinstance(item, Gap)] == [1]
        for _ in range(2):
            assert (await client.post(f"/v1/timelines/{kept.timeline_id}/undo", json={})).status_code == 200
        after = convert((await client.get(f"/v1/timelines/{kept.timeline_id}")).json(), StoredTimeline)
        assert after.timeline == cut


@pytest.mark.parametrize(
    ("asked", "field", "status"),
    [
        ({"text": "TITLE: x", "format": "edl"}, "into", 400),
        ({"text": SRT, "format": "srt", "rate": "25"}, "rate", 400),
        ({"text": SRT, "format": "srt", "into": "nobody"}, None, 404),
    ],
)
async def test_what_cannot_be_put_on_a_timeline_is_refused(
    tmp_path: Path, asked: dict[str, Any], field: str | None, status: int
) -> None:
    async with border(tmp_path) as client:
        cut = kit.timeline(kit.clip(kit.TALK.asset_id, 1, 2))
        kept = (await client.post("/v1/timelines", json={"timeline": to_builtins(cut)})).json()
        refused = await client.post("/v1/timelines/import", json={"into": kept["timeline_id"], **asked})
        assert (refused.status_code, refused.json().get("field")) == (status, field)
