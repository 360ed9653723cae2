"""The weekly routine that ships: loaded, activated, and on Friday evening the reel lies in its folder."""

import asyncio
import contextlib
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from clients.cli import definitions
from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address
from cutroom_sdk.wire.missions import Mission
from cutroom_sdk.wire.problems import DONE
from cutroom_sdk.wire.routines import RoutineRun
from demo.footage import Script
from engine.config import Settings
from engine.features import AGGREGATES, ROUTES, Features
from engine.http.app import build_app
from engine.kernel.clock import SystemClock
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.routines.effects import Routines
from engine.routines.ticks import local_date
from tests.daemons import Daemon
from tests.e2e.studio import cutroom
from tests.missions_kit import until

ADA = Context(actor="ada", human=True, capabilities=frozenset({"*"}))


class TurnedClock:
    """The machine's clock, so much ahead."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.ahead_ms


@dataclass(frozen=True)
class Within:
    """A daemon in this process: all of it but the socket."""

    kernel: Kernel
    client: Client
    routines: Routines


@contextlib.asynccontextmanager
async def daemon_within(folder: Path, root: Path, clock: TurnedClock) -> AsyncIterator[Within]:
    folder.mkdir(exist_ok=True)
    kernel = await Kernel.open(folder, AGGREGATES, clock)
    features = Features(kernel, Settings(media_roots=(str(root),), workers=2), folder)
    app = build_app(
        kernel,
        features=ROUTES,
        check_token={"ada": ADA}.get,
        hosts=lambda: frozenset({"studio"}),
        health=dict,
        readiness=dict,
    )
    features.attach(app)
    async with (
        features.running(),
        kernel.running(),
        features.firing(),
        Client(
            lambda: Address(url="http://studio", token="ada"), transport=httpx.ASGITransport(app)
        ) as client,
    ):
        yield Within(kernel, client, app.state.routines)


async def test_on_friday_evening_the_weekly_routine_makes_a_reel_of_the_folder(
    talk: tuple[Path, Script], tmp_path: Path
) -> None:
    footage, made = tmp_path / "footage", tmp_path / "made"
    footage.mkdir()
    shutil.copy(talk[0], footage / "talk.mp4")
    (footage / "notes.txt").write_text("no footage")
    clock = TurnedClock()
    asked = definitions.read(
        definitions.shipped()["weekly_highlights"],
        [
            f'sources=["{footage}"]',
            "goal=an 8 second highlight",
            "profile=square",
            f"output={made}/week-$date.mp4",
        ],
    )
    async with daemon_within(tmp_path / "state", tmp_path, clock) as studio:
        client = studio.client
        assert (await client.create_routine(asked)).status == "draft"
        await client.activate_routine("weekly_highlights")
        due, following = await client.routine_next("weekly_highlights", count=2)
        assert following - due in {
            week_ms + shift for week_ms in (7 * 86_400_000,) for shift in (-3_600_000, 0, 3_600_000)
        }
        clock.ahead_ms = due - SystemClock().now_ms()
        studio.routines.scheduler.turn()
        await until(studio.kernel, lambda: _over(client), limit_s=100)
        (run,) = await client.routine_history("weekly_highlights")
        assert run.mission_id is not None
        mission = await client.mission(run.mission_id)
        assert run.status == "completed", (run.reason, mission.failure)
        assert (run.trigger, run.due_at_ms) == ("schedule", due)
        _check_reel(made / f"week-{local_date(due, 'Europe/Berlin')}.mp4", mission)
        assert await client.routine_next("weekly_highlights", count=1) == [following]


async def _over(client: Client) -> bool:
    found: list[RoutineRun] = await client.routine_history("weekly_highlights")
    return bool(found) and found[0].finished_at_ms is not None


def _check_reel(reel: Path, mission: Mission) -> None:
    assert mission.authority is not None
    assert mission.authority.routine_id == "weekly_highlights"
    assert mission.authority.allowed_tools == ("collect", "analyse", "plan_cut", "render", "deliver_folder")
    assert mission.summary is not None
    delivered = {file.path: file.sha256 for file in mission.summary.files}
    assert delivered[str(reel)] == hashlib.sha256(reel.read_bytes()).hexdigest()
    assert reel.with_name(f"{reel.name}.receipt.json").exists()


async def test_routines_from_the_command_line(state_dir: Path, tmp_path: Path) -> None:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(tmp_path)) as daemon:
        asked = ("--mission", "generic", "--arg", "title=Look", "--cron", "0 9 * * MON")
        made = await cutroom(daemon, "routine", "create", "digest", *asked, "--json")
        assert (made.code, made.json["status"]) == (DONE, "draft"), made.talk
        refused = await cutroom(daemon, "routine", "run", "digest")
        assert refused.code == 4, refused.talk
        assert "digest is draft" in refused.talk
        activated = await cutroom(daemon, "routine", "activate", "digest", "--json")
        assert activated.json["next_fire_at_ms"] is not None
        edited = await cutroom(daemon, "routine", "edit", "digest", "--every", "6h", "--json")
        assert edited.json["schedule"] == {
            "cron": None,
            "timezone": None,
            "every_ms": 21_600_000,
            "at_ms": None,
        }
        ran = await cutroom(daemon, "routine", "run", "digest", "--reason", "now", "--json")
        assert [run["trigger"] for run in ran.json["items"]] == ["run_now"]
        history, following, listed = await asyncio.gather(
            *(
                cutroom(daemon, "routine", *words, "--json")
                for words in (("history", "digest"), ("next", "digest"), ("list",))
            )
        )
        assert [run["reason"] for run in history.json["items"]] == ["now"]
        assert len(following.json["items"]) == 10
        assert [one["routine_id"] for one in listed.json["items"]] == ["digest"]
        wrong = await cutroom(daemon, "routine", "edit", "digest", "--cron", "0 25 * * *")
        assert wrong.code == 2
        assert "the hour is '25'; 0 to 23" in wrong.talk


async def test_shipped_definitions_load_as_drafts_and_load_again_without_a_change(
    state_dir: Path, tmp_path: Path
) -> None:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(Path.home())) as daemon:
        first = await cutroom(daemon, "routine", "load", "--json")
        assert first.code == DONE, first.talk
        outcomes = {item["routine_id"]: item["outcome"] for item in first.json["items"]}
        assert outcomes == {"inbox_highlights": "created", "weekly_highlights": "created"}
        own = tmp_path / "weekly_highlights.toml"
        own.write_text(definitions.shipped()["weekly_highlights"].read_text().replace("0 18", "0 19"))
        again = await cutroom(daemon, "routine", "load", "inbox_highlights", own, "--json")
        assert [item["outcome"] for item in again.json["items"]] == ["unchanged", "changed"]
        await cutroom(daemon, "routine", "activate", "weekly_highlights")
        left = await cutroom(daemon, "routine", "load", "weekly_highlights", "--json")
        assert [item["outcome"] for item in left.json["items"]] == ["left"]
