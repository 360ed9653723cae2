"""The footage of a folder: taken in by name, with what cannot be used left out and named."""

from pathlib import Path

import pytest

from engine.kernel.errors import Forbidden, Invalid, StudioError
from tests import clips
from tests.unit.media.room import room


async def test_a_folders_footage_is_taken_in_and_the_rest_is_named(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        for name in ("b.mp4", "a.mp4"):
            clips.make_clip(here.footage / name, frames=10 if name == "a.mp4" else 12)
        (here.footage / "notes.txt").write_text("no footage")
        (here.footage / "broken.mov").write_text("no film")
        (here.footage / ".hidden.mp4").write_bytes((here.footage / "a.mp4").read_bytes())
        (here.footage / "again.mp4").write_bytes((here.footage / "a.mp4").read_bytes())
        result = await here.run("collect", {"sources": [str(here.footage)]})
        assert [one["name"] for one in result.output["assets"]] == ["a.mp4", "b.mp4"]
        assert [ref.partition("/")[0] for ref in result.refs] == ["asset", "artifact"] * 2
        (left_out,) = result.notices
        assert left_out.startswith("left out: broken.mov")


async def test_a_file_that_was_named_must_be_usable(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        (here.footage / "broken.mov").write_text("no film")
        with pytest.raises(StudioError) as refused:
            await here.run("collect", {"sources": [str(here.footage / "broken.mov")]})
        assert refused.value.code == "media_unreadable"


async def test_nothing_outside_the_roots_is_looked_at(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "private.mp4").write_bytes(b"x")
    async with room(tmp_path) as here:
        (here.footage / "way").symlink_to(outside)
        for source in (outside, here.footage / "way", here.footage / ".." / "secret"):
            with pytest.raises(Forbidden) as refused:
                await here.run("collect", {"sources": [str(source)]})
            assert "private" not in refused.value.detail


@pytest.mark.parametrize("sources", [[], ["footage"]])
async def test_sources_are_absolute_and_there_are_some(tmp_path: Path, sources: list[str]) -> None:
    async with room(tmp_path) as here:
        with pytest.raises(Invalid) as wrong:
            await here.run("collect", {"sources": sources})
        assert wrong.value.extra["field"] == "sources"


async def test_a_folder_without_footage_says_so(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        with pytest.raises(Invalid, match="there is no footage in"):
            await here.run("collect", {"sources": [str(here.footage)]})
