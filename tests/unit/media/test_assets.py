"""A file becomes one asset by its content; what is no media, out of bounds or changed is refused with the reason."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.media import Artifact, Asset
from engine.kernel.errors import NotFound, Rejected
from engine.media.index import FrameIndex
from tests import clips
from tests.unit.media.room import room


async def test_a_file_becomes_an_asset_with_its_frames_indexed(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        clip = clips.make_clip(here.footage / "a.mp4", frames=30, rate=clips.NTSC, audio=clips.Sound())
        asset = await here.add(clip.path)
        assert asset.asset_id == asset.sha256[:32]
        assert (asset.name, asset.path, asset.bytes) == ("a.mp4", str(clip.path), clip.path.stat().st_size)
        assert asset.video is not None and asset.audio is not None  # noqa: PT018
        assert asset.video.rate == clips.NTSC
        wanted = f"/v1/artifacts?asset_id={asset.asset_id}&kind=frame_index"
        (artifact,) = (await here.http.get(wanted)).json()["items"]
        index = FrameIndex.from_bytes(here.kernel.blobs.read(artifact["data_blob"]))
        assert index.count == 30
        again = await here.http.get(f"/v1/assets/{asset.asset_id}")
        assert decode(again.content, Asset) == asset
        assert again.headers["etag"] == '"1"'


async def test_the_same_content_is_the_same_asset(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        clip = clips.make_clip(here.footage / "a.mp4", frames=5)
        first = await here.http.post("/v1/assets", json={"path": str(clip.path)})
        second = await here.http.post("/v1/assets", json={"path": str(clip.path)})
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        (here.footage / "copy.mp4").write_bytes(clip.path.read_bytes())
        copy = await here.add(here.footage / "copy.mp4")
        assert copy.asset_id == first.json()["asset_id"]
        assert len((await here.http.get("/v1/assets")).json()["items"]) == 1


async def test_what_is_no_media_is_named_with_what_is_wrong_and_not_recorded(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        clip = clips.make_clip(here.footage / "whole.mp4", frames=30)
        clips.truncate(clip.path, here.footage / "cut.mp4", keep=0.5)
        (here.footage / "empty.mp4").write_bytes(b"")
        (here.footage / "notes.txt").write_text("not a film")
        assert "cut.mp4: an MP4 or MOV file that was cut off" in await here.refuse(
            here.footage / "cut.mp4", "media_unreadable"
        )
        assert "empty.mp4: the file is empty" in await here.refuse(
            here.footage / "empty.mp4", "media_unreadable"
        )
        assert "notes.txt: no media" in await here.refuse(here.footage / "notes.txt", "media_unreadable")
        assert (await here.http.get("/v1/assets")).json()["items"] == []


async def test_only_files_beneath_the_roots_are_taken(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        outside = clips.make_clip(tmp_path / "outside.mp4", frames=3)
        (here.footage / "link.mp4").symlink_to(outside.path)
        (here.footage / "folder").mkdir()
        (here.footage / "folder" / "up").symlink_to(tmp_path)
        os.mkfifo(here.footage / "fifo.mp4")
        for path in (
            outside.path,
            here.footage / "link.mp4",
            here.footage / "folder" / "up" / "outside.mp4",
            f"{here.footage}/../outside.mp4",
            "/dev/zero",
        ):
            await here.refuse(path, "path_outside_roots")
        for path in (here.footage / "fifo.mp4", here.footage / "folder", "relative.mp4", "/a\0b"):
            await here.refuse(path, "invalid_request")
        await here.refuse(here.footage / "nothing.mp4", "not_found")
        inside = clips.make_clip(here.footage / "inside.mp4", frames=3)
        (here.footage / "inner.mp4").symlink_to(inside.path)
        assert (await here.add(here.footage / "inner.mp4")).path == str(inside.path)


async def test_a_changed_file_makes_its_asset_stale(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        path = clips.make_clip(here.footage / "a.mp4", frames=5).path
        asset = await here.add(path)
        content = path.read_bytes()
        path.write_bytes(content + b"more")
        with pytest.raises(Rejected, match="was changed"):
            await here.run("ingest", {"asset_ids": [asset.asset_id]})
        at = f"/v1/assets/{asset.asset_id}"
        assert (await here.http.get(at)).json()["state"] == "stale"
        assert (await here.http.get(f"{at}/content")).status_code == 422
        path.write_bytes(content)
        result = await here.run("ingest", {"asset_ids": [asset.asset_id]})
        assert not result.reused
        assert (await here.http.get(at)).json()["state"] == "ready"


async def test_a_file_that_is_gone_is_missed_and_found_again_elsewhere(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        path = clips.make_clip(here.footage / "a.mp4", frames=5).path
        asset = await here.add(path)
        path.rename(here.footage / "b.mp4")
        with pytest.raises(NotFound, match="is gone"):
            await here.run("ingest", {"asset_ids": [asset.asset_id]})
        moved = await here.add(here.footage / "b.mp4")
        assert (moved.asset_id, moved.state, moved.path) == (
            asset.asset_id,
            "ready",
            str(here.footage / "b.mp4"),
        )


async def test_content_comes_whole_or_in_ranges(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        path = clips.make_clip(here.footage / "a.mp4", frames=5).path
        asset = await here.add(path)
        at, content = f"/v1/assets/{asset.asset_id}/content", path.read_bytes()
        whole = await here.http.get(at)
        assert (whole.status_code, whole.content) == (200, content)
        assert whole.headers["content-type"] == "video/mp4"
        part = await here.http.get(at, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, content[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
        tail = await here.http.get(at, headers={"Range": "bytes=-5"})
        assert tail.content == content[-5:]
        assert (await here.http.get(at, headers={"Range": f"bytes={len(content)}-"})).status_code == 416
        assert (await here.http.get("/v1/assets/nothing/content")).status_code == 404


async def test_ingest_gives_assets_and_their_indexes(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        film = await here.add(clips.make_clip(here.footage / "a.mp4", frames=5).path)
        song = await here.add(clips.make_sound(here.footage / "s.wav", duration=Fraction(1)))
        result = await here.run("ingest", {"asset_ids": [film.asset_id, song.asset_id, film.asset_id]})
        assert [ref.partition("/")[0] for ref in result.refs] == ["asset", "artifact", "asset"]
        assert not result.reused, "it looks anew each time"
        index = await here.kernel.resources.value(result.refs[1], Artifact)
        assert index is not None
        assert (index.kind, index.asset_id) == ("frame_index", film.asset_id)
        with pytest.raises(NotFound):
            await here.run("ingest", {"asset_ids": ["0" * 32]})


async def test_readers_do_not_write(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        headers = {"Authorization": "Bearer reader"}
        assert (await here.http.get("/v1/assets", headers=headers)).status_code == 200
        answer = await here.http.post("/v1/assets", json={"path": "/x"}, headers=headers)
        assert answer.json()["code"] == "forbidden"


async def test_what_is_known_survives_a_restart(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        asset = await here.add(clips.make_clip(here.footage / "a.mp4", frames=5).path)
    async with room(tmp_path) as here:
        answer = await here.http.post("/v1/assets", json={"path": asset.path})
        assert answer.status_code == 200
        assert decode(answer.content, Asset) == asset
