"""Uploads go on from where they stood, and end as assets whose content is kept."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from tests import clips
from tests.unit.media.room import Room, room

PIECE = {"Content-Type": "application/offset+octet-stream"}


async def begin(here: Room, size: int, name: str = "film.mp4") -> str:
    answer = await here.http.post("/v1/uploads", json={"name": name, "bytes": size})
    assert answer.status_code == 201
    return answer.headers["location"]


async def send(
    here: Room, at: str, offset: int, data: bytes | AsyncIterator[bytes]
) -> tuple[int, str | None]:
    headers = PIECE | {"Upload-Offset": str(offset)}
    answer = await here.http.patch(at, content=data, headers=headers)
    return answer.status_code, answer.headers.get("upload-offset")


async def test_pieces_become_an_asset_whose_content_is_kept(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        content = clips.make_clip(tmp_path / "elsewhere.mp4", frames=10).path.read_bytes()
        at = await begin(here, len(content))
        half = len(content) // 2
        assert await send(here, at, 0, content[:half]) == (204, str(half))
        told = await here.http.head(at)
        assert (told.headers["upload-offset"], told.headers["upload-length"]) == (
            str(half),
            str(len(content)),
        )
        assert await send(here, at, half, content[half:]) == (204, str(len(content)))
        upload = at.rpartition("/")[2]
        made = await here.http.post("/v1/assets", json={"upload": upload})
        assert made.status_code == 201
        asset = made.json()
        assert (asset["name"], asset["path"], asset["blob"]) == ("film.mp4", None, asset["sha256"])
        served = await here.http.get(f"/v1/assets/{asset['asset_id']}/content")
        assert served.content == content
        again = await here.http.post("/v1/assets", json={"upload": upload})
        assert (again.status_code, again.json()) == (200, asset)
        assert list((tmp_path / "state" / "uploads").iterdir()) == []


async def test_an_upload_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        at = await begin(here, 100)
        await send(here, at, 0, b"x" * 60)
    async with room(tmp_path) as here:
        assert (await here.http.head(at)).headers["upload-offset"] == "60"
        assert await send(here, at, 60, b"y" * 40) == (204, "100")


async def test_what_a_power_cut_left_beyond_what_was_acknowledged_is_not_taken_for_footage(
    tmp_path: Path,
) -> None:
    content = clips.make_clip(tmp_path / "elsewhere.mp4", frames=10).path.read_bytes()
    async with room(tmp_path) as here:
        at = await begin(here, len(content))
        await send(here, at, 0, content[:60])
    os.truncate(tmp_path / "state" / "uploads" / at.rpartition("/")[2], len(content))  # zeros
    async with room(tmp_path) as here:
        assert (await here.http.head(at)).headers["upload-offset"] == "60"
        early = await here.http.post("/v1/assets", json={"upload": at.rpartition("/")[2]})
        assert early.json()["reason"] == "upload_incomplete"
        assert await send(here, at, 60, content[60:]) == (204, str(len(content)))
        asset = (await here.http.post("/v1/assets", json={"upload": at.rpartition("/")[2]})).json()
        assert asset["sha256"] == hashlib.sha256(content).hexdigest()
        assert list((tmp_path / "state" / "uploads").iterdir()) == []


async def test_a_piece_for_another_place_is_refused_with_where_it_stands(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        at = await begin(here, 100)
        await send(here, at, 0, b"x" * 60)
        answer = await here.http.patch(at, content=b"z", headers=PIECE | {"Upload-Offset": "10"})
        assert answer.status_code == 409
        assert (answer.json()["expected"], answer.json()["actual"]) == (10, 60)


async def test_more_than_was_announced_is_refused(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        at = await begin(here, 10)
        assert (await send(here, at, 0, b"x" * 11))[0] == 413
        assert (await here.http.head(at)).headers["upload-offset"] == "10"


async def test_an_incomplete_upload_is_no_asset(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        at = await begin(here, 100)
        answer = await here.http.post("/v1/assets", json={"upload": at.rpartition("/")[2]})
        assert (answer.status_code, answer.json()["reason"]) == (422, "upload_incomplete")
        both = await here.http.post("/v1/assets", json={"upload": "u", "path": "/p"})
        assert both.status_code == 400


async def test_an_upload_that_is_no_media_is_thrown_away(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        at = await begin(here, 9, name="a\x1b[2J.mp4")
        await send(here, at, 0, b"some text")
        answer = await here.http.post("/v1/assets", json={"upload": at.rpartition("/")[2]})
        assert answer.json()["code"] == "media_unreadable"
        assert answer.json()["detail"].startswith("a?[2J.mp4: ")
        assert list((tmp_path / "state" / "uploads").iterdir()) == []
        assert (await here.http.get(at)).json()["state"] == "canceled"
        assert (await here.http.delete(at)).json()["state"] == "canceled", "once more is no error"
        assert (await send(here, at, 9, b"x"))[0] == 422


async def test_an_upload_can_be_thrown_away(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        at = await begin(here, 9)
        await send(here, at, 0, b"some")
        assert (await here.http.delete(at)).json()["state"] == "canceled"
        assert list((tmp_path / "state" / "uploads").iterdir()) == []


async def test_what_nobody_went_on_with_for_a_day_is_cleared_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "uploads"
    async with room(tmp_path) as here:
        old, new = await begin(here, 100), await begin(here, 100)
        await send(here, old, 0, b"x")
        now_s = here.kernel.clock.now_ms() / 1000
    (folder / "nobodys").touch()
    for at, age_h in ((old, 24), (new, 23)):
        os.utime(folder / at.rpartition("/")[2], times=(now_s - age_h * 3600,) * 2)
    async with room(tmp_path) as here:
        assert await here.media.uploads.clear() == 2
        states = [(await here.http.get(at)).json()["state"] for at in (old, new)]
        assert states == ["canceled", "open"]
        assert {file.stem for file in folder.iterdir()} == {new.rpartition("/")[2]}


async def test_sizes_that_cannot_be_are_refused(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        for size, status in ((0, 422), (-1, 400), (1 << 50, 400), (1 << 40, 507)):
            answer = await here.http.post("/v1/uploads", json={"name": "a", "bytes": size})
            assert answer.status_code == status
