"""Missions from the command line: told before they are made, begun, reported, followed and ended."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from cutroom_sdk.wire.problems import CANCELED, DONE, NOT_FOUND, USAGE
from tests.clips import make_clip
from tests.daemons import Daemon
from tests.e2e.studio import cutroom, said, spawn

BY_HAND = ("--template", "generic", "--arg", "title=Film the intro", "--arg", "review=none")


@pytest.fixture
async def daemon(state_dir: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir) as running:
        yield running


async def test_work_by_hand_goes_from_a_preview_to_its_end(daemon: Daemon) -> None:
    told = (await cutroom(daemon, "--json", "mission", "create", *BY_HAND, "--preview")).json
    assert [(item["effect"], item["estimate_s"]) for item in told["items"]] == [("manual", None)]
    assert (await cutroom(daemon, "--json", "mission", "list")).json == {"items": []}

    made = (await cutroom(daemon, "--json", "mission", "create", *BY_HAND, "--draft")).json
    assert made["status"] == "draft"
    assert (await cutroom(daemon, "--json", "mission", "start", "last")).json["status"] == "running"
    following = await spawn(daemon, "--json", "mission", "follow", "last")
    reported = await cutroom(daemon, "--json", "mission", "report", "last", "task")
    assert reported.json["status"] == "succeeded"
    followed = await said(following)
    assert followed.code == DONE
    assert '"status":"succeeded"' in followed.out.splitlines()[-1]


async def test_a_canceled_mission_ends_whoever_follows_it(daemon: Daemon) -> None:
    following = await spawn(daemon, "mission", "create", *BY_HAND, "--follow")
    async with daemon.client() as client:
        while not await client.missions(status="running"):
            pass
    assert (await cutroom(daemon, "mission", "cancel", "last", "--reason", "no time")).code == DONE
    followed = await said(following)
    assert (followed.code, "no time" in followed.out) == (CANCELED, True)


async def test_a_mission_in_a_file_is_made_as_it_says(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "film.toml"
    file.write_text(
        'title = "Film"\ngoal = "a film"\n[[work_items]]\ntitle = "Shoot"\n[[work_items]]\ntitle = "Cut"\n'
    )
    made = (await cutroom(daemon, "--json", "mission", "create", file)).json
    assert [item["title"] for item in made["work_items"]] == ["Shoot", "Cut"]


async def test_a_folder_of_footage_becomes_a_cut_of_each_clip(state_dir: Path, tmp_path: Path) -> None:
    clips, out = tmp_path / "clips", tmp_path / "cuts"
    clips.mkdir()
    for number, name in enumerate(("walk.mp4", "talk.mp4")):
        make_clip(clips / name, frames=50 + number)
    given = ("--arg", f"sources={clips}", "--arg", f"output={out}", "--arg", "goal=1 second")
    batch = ("--template", "batch_of_footage", *given, "--arg", "approve=auto")

    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(tmp_path)) as daemon:
        told = (await cutroom(daemon, "--json", "mission", "create", *batch, "--preview")).json
        assert [item["title"] for item in told["items"][:2]] == ["Take in talk.mp4", "Take in walk.mp4"]
        assert {touched for item in told["items"] for touched in item["touches"]} == {
            f"writes {out}/, and its receipt and captions beside it"
        }
        made = await cutroom(daemon, "--json", "mission", "create", *batch, "--priority", "high", "--follow")
        assert made.code == DONE, made.out + made.talk
        mission = msgspec.json.decode(made.out.splitlines()[-1])
    assert (mission["priority"], mission["template"]) == ("high", "batch_of_footage")
    assert sorted(path.name for path in out.glob("*.mp4")) == ["1-talk-source.mp4", "2-walk-source.mp4"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--template", "genric"), USAGE, "did you mean generic?"),
        (("--template", "generic"), USAGE, "title"),
        (("--template", "generic", "--arg", "title"), USAGE, "name=value"),
        ((), USAGE, "name a file or a --template"),
        (("nowhere.toml",), NOT_FOUND, "there is no file nowhere.toml"),
    ],
)
async def test_what_cannot_be_made_is_one_clear_line(
    daemon: Daemon, arguments: tuple[str, ...], code: int, says: str
) -> None:
    refused = await cutroom(daemon, "mission", "create", *arguments)
    assert (refused.code, len(refused.talk.splitlines())) == (code, 1)
    assert says in refused.talk
