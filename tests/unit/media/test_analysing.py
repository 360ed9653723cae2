"""Work that was done is not done again; what cannot be done says why."""

from fractions import Fraction
from pathlib import Path

import pytest

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.media import Artifact
from engine.kernel.errors import Invalid, WorkFailed
from tests import clips
from tests.unit.media.room import Room, room


async def film(here: Room, name: str = "a.mp4", frames: int = 5) -> str:
    sound = clips.Sound(duration=Fraction(1, 2))
    return (await here.add(clips.make_clip(here.footage / name, frames=frames, audio=sound).path)).asset_id


async def test_an_analysis_is_made_once_and_says_so(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        refs = (await here.run("ingest", {"asset_ids": [await film(here)]})).refs
        first = await here.run("analyse", {"kinds": ["shots", "speech"]}, refs)
        second = await here.run("analyse", {"kinds": ["shots", "speech"]}, refs)
        assert (first.reused, second.reused) == (False, True)
        assert first.refs == second.refs
        assert first.refs[: len(refs)] == refs
        assert first.notices == ("a.mp4: looked twice",)
        artifacts = [await here.kernel.resources.value(ref, Artifact) for ref in first.refs[len(refs) :]]
        assert [artifact.kind for artifact in artifacts if artifact] == ["shots", "speech"]
        assert here.reports[-1][:2] == (2, 2)


async def test_other_parameters_are_another_artifact(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        at = f"/v1/assets/{await film(here)}/analyses"
        usual = (await here.http.post(at, json={"kind": "shots"})).json()
        named = (await here.http.post(at, json={"kind": "shots", "params": {"threshold": 3}})).json()
        other = (await here.http.post(at, json={"kind": "shots", "params": {"threshold": 4}})).json()
        assert usual == named
        assert other["artifact_id"] != usual["artifact_id"]
        assert (usual["params"], other["params"]) == ({"threshold": 3}, {"threshold": 4})


async def test_large_data_lies_in_a_blob_and_is_filled_in_when_asked_for(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        at = f"/v1/assets/{await film(here)}/analyses"
        artifact = decode((await here.http.post(at, json={"kind": "large"})).content, Artifact)
        assert artifact.data is None
        assert artifact.data_blob is not None
        assert len(decode(here.kernel.blobs.read(artifact.data_blob), list[str])) == 300
        whole = decode((await here.http.get(f"/v1/artifacts/{artifact.artifact_id}")).content, Artifact)
        assert len(whole.data) == 300


async def test_kinds_without_their_stream_are_left_out_with_a_word(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        song = await here.add(clips.make_sound(here.footage / "s.wav", duration=Fraction(1)))
        refs = (await here.run("ingest", {"asset_ids": [song.asset_id]})).refs
        result = await here.run("analyse", {"kinds": ["shots", "speech"]}, refs)
        assert result.output == {"kinds": {song.asset_id: ["speech"]}}
        assert result.notices == ("s.wav has no picture: shots left out",)


async def test_what_works_is_finished_and_kept_when_something_else_fails(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        refs = (await here.run("ingest", {"asset_ids": [await film(here)]})).refs
        with pytest.raises(WorkFailed, match=r"a\.mp4: RuntimeError: no ears"):
            await here.run("analyse", {"kinds": ["shots", "broken"]}, refs)
        again = await here.run("analyse", {"kinds": ["shots"]}, refs)
        assert again.reused


async def test_the_unknown_and_the_missing_are_named(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        refs = (await here.run("ingest", {"asset_ids": [await film(here)]})).refs
        with pytest.raises(Invalid, match="no analysis is called 'smell'; there are broken, faces"):
            await here.run("analyse", {"kinds": ["smell"]}, refs)
        with pytest.raises(Invalid, match="shots has no parameter 'colour'; it has threshold"):
            await here.run("analyse", {"kinds": ["shots"], "params": {"shots": {"colour": 1}}}, refs)
        with pytest.raises(WorkFailed, match="faces is not installed"):
            await here.run("analyse", {"kinds": ["faces"]}, refs)
        with pytest.raises(Invalid, match="no asset"):
            await here.run("analyse", {"kinds": ["shots"]}, ())
        missing = {feature.name for feature in here.media.readiness() if not feature.ok}
        assert "analysis.faces" in missing


async def test_what_is_wanted_if_possible_is_left_out_with_a_notice_where_it_is_not(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        refs = (await here.run("ingest", {"asset_ids": [await film(here)]})).refs
        result = await here.run("analyse", {"kinds": ["shots"], "if_possible": ["faces", "speech"]}, refs)
        assert set(result.output["kinds"].popitem()[1]) == {"shots", "speech"}
        assert "no faces: faces is not installed" in result.notices
        with pytest.raises(Invalid, match="no analysis is called 'smell'"):
            await here.run("analyse", {"kinds": ["shots"], "if_possible": ["smell"]}, refs)


async def test_artifacts_are_listed_page_by_page(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        ids = [await film(here, f"{number}.mp4", frames=number) for number in (3, 4, 5)]
        for asset_id in ids:
            await here.http.post(f"/v1/assets/{asset_id}/analyses", json={"kind": "speech"})
        found, cursor = [], ""
        for _ in range(3):
            page = (await here.http.get(f"/v1/artifacts?kind=speech&limit=1&cursor={cursor}")).json()
            found += [item["asset_id"] for item in page["items"]]
            cursor = page["next"] or ""
        assert sorted(found) == sorted(ids)
