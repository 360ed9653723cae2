"""What an edit says and chooses before and after the work: footage given twice, names that are taken, its last words."""

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from clients.cli import edit
from clients.cli.edit import TEMPLATE, UNFINISHED, Wanted, own_name
from clients.cli.follow import Follow, Outcome
from clients.cli.options import Setup
from clients.view import find
from cutroom_sdk.client import Client
from cutroom_sdk.errors import SdkError
from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.missions import Failure, Mission, MissionRequest
from cutroom_sdk.wire.problems import CANCELED, FAILED
from tests.unit.cli.test_files import deliver
from tests.unit.view.test_examples import example, shelf_of

ARGS = {"asset_ids": ["a"], "goal": "cut the pauses", "profile": "source", "approve": "ask"}


class Studio:
    """A daemon's missions and assets, by name of the file."""

    def __init__(self, assets: dict[str, str] | None = None) -> None:
        self.assets = assets or {}
        self.held: dict[str, Mission] = {}

    def hold(self, mission_id: str, output: Path, status: str, **changed: str) -> None:
        args = ARGS | changed | {"output": str(output)}
        key = digest({"template": TEMPLATE, "args": args})
        metadata = {"key": key, "output": str(output)}
        mission = find.missions(shelf_of(example("finished")))[0]
        self.held[mission_id] = replace(
            mission, mission_id=mission_id, metadata=metadata, status=cast(Any, status)
        )

    async def missions(self, *, status: str, key: str | None = None) -> list[Mission]:
        assert status == UNFINISHED
        return [
            one
            for one in self.held.values()
            if one.status in status and (key is None or one.metadata["key"] == key)
        ]

    async def mission(self, mission_id: str) -> Mission:
        if mission_id not in self.held:
            raise SdkError("not_found", "there is none", status=404)
        return self.held[mission_id]

    async def profiles(self) -> Any:
        return [type("Profile", (), {"name": "source"})]

    async def register(self, path: str) -> Asset:
        name = Path(path).name
        return Asset(
            asset_id=self.assets[name],
            name=name,
            sha256=self.assets[name],
            bytes=1,
            container="mp4",
            duration=Fraction(1),
            notices=("sound is mono",),
        )

    async def create_mission(self, asked: MissionRequest) -> Mission:
        self.hold("new", Path(asked.args["output"]), "running")
        self.asked = asked
        return self.held["new"]

    @property
    def client(self) -> Client:
        return cast(Client, self)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(folder=tmp_path, url=None, json=False, verbose=False)


async def test_a_free_name_is_taken_as_it_is(tmp_path: Path) -> None:
    assert await own_name(Studio().client, tmp_path / "a.mp4", ARGS) == tmp_path / "a.mp4"


@pytest.mark.parametrize("approve", ["ask", "auto"])
async def test_the_same_edit_keeps_its_name_whoever_approves(tmp_path: Path, approve: str) -> None:
    studio, target = Studio(), tmp_path / "a.mp4"
    deliver(target, b"ours", mission_id="m1")
    studio.hold("m1", target, "succeeded", approve=approve)
    assert await own_name(studio.client, target, ARGS) == target


async def test_another_edits_file_a_strangers_and_one_that_is_being_made_are_left_alone(
    tmp_path: Path,
) -> None:
    studio, target = Studio(), tmp_path / "a.mp4"
    deliver(target, b"ours", mission_id="m1")
    studio.hold("m1", target, "succeeded", goal="a 30 second highlight")
    deliver(tmp_path / "a-2.mp4", b"of another daemon", mission_id="unknown")
    (tmp_path / "a-3.mp4").write_bytes(b"of nobody")
    studio.hold("m4", tmp_path / "a-4.mp4", "running", goal="shorter")
    assert await own_name(studio.client, target, ARGS) == tmp_path / "a-5.mp4"
    studio.hold("m5", tmp_path / "a-5.mp4", "paused")
    assert await own_name(studio.client, target, ARGS) == tmp_path / "a-5.mp4", "its own, left unfinished"


async def test_a_name_that_is_taken_and_footage_that_is_given_twice_are_said(
    tmp_path: Path, setup: Setup, capsys: pytest.CaptureFixture[str]
) -> None:
    studio = Studio({"talk.mp4": "a", "copy.mp4": "a", "other.mp4": "b"})
    sources = [tmp_path / name for name in ("talk.mp4", "copy.mp4", "other.mp4")]
    target = tmp_path / "talk-edit.mp4"
    target.write_bytes(b"of nobody")
    wanted = Wanted(
        sources=sources,
        goal="cut the pauses",
        profile="source",
        output=target,
        named=False,
        approve="ask",
        replaces=False,
    )
    await edit._mission(setup, studio.client, wanted)
    said = capsys.readouterr().err
    assert "copy.mp4 is the same footage as talk.mp4; it is used once" in said
    assert "talk-edit.mp4 is taken; this edit goes to talk-edit-2.mp4" in said
    assert said.count("sound is mono") == 2, "once for each content"
    assert studio.asked.args["asset_ids"] == ["a", "b"]
    assert studio.asked.args["output"] == str(tmp_path / "talk-edit-2.mp4")


async def test_a_name_with_brackets_is_printed_as_it_is(
    tmp_path: Path, setup: Setup, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(edit, "find_known", nothing)
    monkeypatch.setattr(edit, "upload", nothing)
    await edit._uploaded(setup, Studio().client, tmp_path / "[red]a[b].mp4")
    assert "[red]a[b].mp4 lies outside" in capsys.readouterr().err


class Ended:
    """A mission that was followed to its end."""

    def __init__(self, name: str) -> None:
        self.shelf = shelf_of(example(name))

    async def plan(self) -> None:
        return None


async def _finish(setup: Setup, followed: Ended, mission: Mission, *, interrupted: bool) -> int:
    outcome = Outcome(mission, interrupted=interrupted)
    return await edit._finish(setup, cast(Follow, followed), outcome, 1.0)


async def test_why_an_edit_failed_is_said_once(setup: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    followed = Ended("finished")
    mission = find.missions(followed.shelf)[0]
    failed = replace(mission, status="failed", failure=Failure(budget=None, detail="the disk is full"))
    assert await _finish(setup, followed, failed, interrupted=False) == FAILED
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("the disk is full") == 1


async def test_a_canceled_edit_promises_an_edited_plan_only_to_be_edited_again(
    setup: Setup, capsys: pytest.CaptureFixture[str]
) -> None:
    amends: list[dict[str, Any]] = [{}, {"keep": [{"asset_id": "a", "start": "1", "end": "2"}]}]
    for amend in amends:
        resources = dict(example("review")["resources"])
        for key, value in resources.items():
            if key.startswith("approval/"):
                resources[key] = value | {"state": "denied", "amend": amend}
        followed = Ended("review")
        followed.shelf = shelf_of(example("review") | {"resources": resources})
        mission = replace(find.missions(followed.shelf)[0], status="canceled")
        assert await _finish(setup, followed, mission, interrupted=True) == CANCELED
        said = " ".join(capsys.readouterr().err.split())
        assert "reuses the work that is finished" in said
        assert ("has to be edited again" in said) == bool(amend)
