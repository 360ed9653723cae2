"""The terminal screen on a real daemon: what it shows follows the stream, what its keys do the daemon has accepted."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from textual.pilot import Pilot
from textual.widgets import Input, RichLog, Static

from clients.tui.app import StudioScreen
from clients.tui.panes import Laid, RowList
from cutroom_sdk.client import Client
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.mission_events import PostCanceled, PostRunFinished
from cutroom_sdk.wire.missions import Budgets, GatesRequest, Mission, MissionRequest, WorkItemRequest
from cutroom_sdk.wire.routines import Entrypoint, RoutineRequest, Schedule
from tests.daemons import Daemon

SIZE = (80, 24)


async def _until(pilot: Pilot[None], seen: Callable[[], bool]) -> None:
    """Let the screen go on until something is seen on it."""
    async with asyncio.timeout(20):
        while not seen():
            await pilot.pause(0.02)


def _text(app: StudioScreen, name: str) -> str:
    return str(app.query_one(f"#{name}", Static).render())


async def _in_review(client: Client, title: str) -> Mission:
    """Make a mission whose one item was done by somebody and waits for a person's review."""
    asked = MissionRequest(template="generic", args={"title": title}, self_review=True, start=True)
    mission = await client.create_mission(asked)
    item = mission.work_items[0]
    assert item.current_run_id is not None
    done = PostRunFinished(work_item_id=item.work_item_id, run_id=item.current_run_id, status="succeeded")
    return await client.tell_mission(mission.mission_id, done)


async def test_an_empty_studio_says_what_to_do_first(state_dir: Path) -> None:
    async with Daemon(state_dir) as daemon, daemon.client() as client:
        app = StudioScreen(client)
        async with app.run_test(size=SIZE) as pilot:
            await _until(pilot, lambda: "live" in _text(app, "head"))
            assert "cutroom edit" in _text(app, "items-text")
            for key, says in (
                ("W", "Nothing was asked"),
                ("R", "No routines yet"),
                ("H", "Nothing needs you"),
            ):
                await pilot.press(key)
                await _until(pilot, lambda says=says: says in _text(app, "other-text"))  # type: ignore[misc]


async def test_what_waits_is_approved_or_denied_by_key_and_the_mission_goes_on(state_dir: Path) -> None:
    async with Daemon(state_dir) as daemon, daemon.client() as client, daemon.client() as other:
        first = await _in_review(other, "write the words")
        app = StudioScreen(client)
        async with app.run_test(size=SIZE) as pilot:
            await _until(pilot, lambda: "shown" in app.query_one("#waiting", Laid).classes)
            assert "1 to decide" in _text(app, "head")
            await pilot.press("d")
            await _until(pilot, lambda: bool(app.screen.query(Input)))
            await pilot.press(*"shorter", "enter")
            key = f"mission/{first.mission_id}/item/task"
            await app.replica.until(lambda: _attempts(app, key) == 2 or None)
            await _until(pilot, lambda: "shorter" in _text(app, "items-text"))
            second = await _in_review(other, "draw the poster")
            await _until(pilot, lambda: app.query_one(RowList).option_count == 2)
            app.query_one(RowList).select(f"mission/{second.mission_id}")
            await _until(pilot, lambda: "shown" in app.query_one("#waiting", Laid).classes)
            await pilot.press("a")
            await _until(pilot, lambda: "to decide" not in _text(app, "head"))
            decided = {one.state: one for one in await other.approvals()}
            assert decided["denied"].reason == "shorter"
            assert "spent" in decided
            await pilot.press("4")
            await _until(pilot, lambda: len(app.query_one(RichLog).lines) > 5)


def _attempts(app: StudioScreen, key: str) -> int:
    held = app.replica.shelf.held(key)
    return held.raw.count(b'"requested_at_ms"') if held else 0


async def test_a_key_that_does_nothing_to_a_finished_mission_says_why(state_dir: Path) -> None:
    async with Daemon(state_dir) as daemon, daemon.client() as client, daemon.client() as other:
        mission = await _in_review(other, "write the words")
        await other.tell_mission(mission.mission_id, PostCanceled())
        app = StudioScreen(client)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await _until(pilot, lambda: app.mission is not None and app.mission.status == "canceled")
            assert app.query_one(RowList).outer_size.width == 48
            await pilot.press("x")
            await _until(pilot, lambda: bool(app._notifications))
            assert [told.message for told in app._notifications] == ["the mission is over"]


async def test_a_routine_is_activated_run_paused_and_deleted_by_key(state_dir: Path) -> None:
    asked = RoutineRequest(
        name="Look through the week",
        routine_id="digest",
        entrypoint=Entrypoint(mission="generic"),
        args={"title": "Look"},
        schedule=Schedule(cron="0 9 * * MON", timezone="Europe/Berlin"),
    )
    async with Daemon(state_dir) as daemon, daemon.client() as client, daemon.client() as other:
        await other.create_routine(asked)
        app = StudioScreen(client)
        async with app.run_test(size=(100, 40), notifications=True) as pilot:
            await pilot.press("R")
            await _until(pilot, lambda: "if it were active" in _text(app, "other-text"))
            assert _text(app, "other-text").count("  Mon 20") == 5
            for keys, says in (("vy", "active: fires by itself"), ("ny", "run now"), ("p", "paused: fires")):
                await pilot.press(*keys)
                await _until(pilot, lambda says=says: says in _text(app, "other-text"))  # type: ignore[misc]
            await pilot.press("v")
            await _until(pilot, lambda: "only a draft can be activated" in _told(app))
            await _until(pilot, lambda: "mission_id='digest~" in str(app.query_one(RowList).row))
            await pilot.press("enter")
            await _until(pilot, lambda: app.mission is not None and app.mission.title == "Look")
            await pilot.press("R", "c", "y")
            await _until(pilot, lambda: "canceled" in _text(app, "other-text"))
            await pilot.press("x", "y")
            await _until(pilot, lambda: "No routines yet" in _text(app, "other-text"))
            assert await other.routines() == []


async def test_home_shows_what_needs_somebody_and_clears_as_it_is_seen_to(state_dir: Path) -> None:
    async with Daemon(state_dir) as daemon, daemon.client() as client, daemon.client() as other:
        by_hand = MissionRequest(template="generic", args={"title": "Film"}, budgets=Budgets(max_steps=1))
        made = await other.create_mission(msgspec.structs.replace(by_hand, start=True, self_review=True))
        app = StudioScreen(client)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await pilot.press("H")
            await _until(pilot, lambda: "1 by hand, 1 notice" in _text(app, "head"))
            assert "cutroom mission report" in _text(app, "other-text")
            await pilot.press("z")
            assert "z does nothing here; ? shows the keys" in _told(app)
            await pilot.press("p")
            assert "Pause is done on another screen: M shows Missions" in _told(app)
            await pilot.press("f", "y")
            await _until(pilot, lambda: "1 to decide" in _text(app, "head"))
            await _until(pilot, lambda: app.query_one(RowList).option_count == 2)
            app.query_one(RowList).highlighted = 1
            await _until(pilot, lambda: "max_steps: 1 of 1 used" in _text(app, "other-text"))
            await pilot.press("x")
            await _until(pilot, lambda: app.query_one(RowList).option_count == 1)
            await pilot.press("a")
            await _until(pilot, lambda: "Nothing needs you" in _text(app, "other-text"))
            assert (await other.mission(made.mission_id)).status == "succeeded"
            await pilot.press("W")
            await _until(pilot, lambda: "spent: the yes was used" in _text(app, "other-text"))


async def test_reviews_that_wait_are_granted_at_once_with_a_reason(state_dir: Path) -> None:
    no_test = GatesRequest(test="none")
    items = tuple(WorkItemRequest(title=title, gates=no_test) for title in ("Film", "Write"))
    asked = MissionRequest(
        title="Both", goal="both", work_items=items, start=True, self_review=True, priority="high"
    )
    async with Daemon(state_dir) as daemon, daemon.client() as client, daemon.client() as other:
        made = await other.create_mission(asked)
        for item in made.work_items:
            assert item.current_run_id is not None
            done = PostRunFinished(
                work_item_id=item.work_item_id, run_id=item.current_run_id, status="succeeded"
            )
            await other.tell_mission(made.mission_id, done)
        app = StudioScreen(client)
        async with app.run_test(size=SIZE) as pilot:
            await _until(pilot, lambda: "A: approve all 2" in _text(app, "waiting"))
            assert "high priority" in _text(app, "items-text")
            await pilot.press("A")
            await _until(pilot, lambda: bool(app.screen.query(Input)))
            await pilot.press(*"seen", "enter")
            await _until(pilot, lambda: app.mission is not None and app.mission.status == "succeeded")
            assert [(one.by_blanket, one.reason) for one in await other.approvals()] == [(True, "seen")] * 2


async def test_a_mission_of_a_thousand_items_is_drawn_in_a_moment(state_dir: Path) -> None:
    items = tuple(WorkItemRequest(title=f"Clip {number}") for number in range(1000))
    asked = MissionRequest(title="Big", goal="big", work_items=items, start=True)
    async with Daemon(state_dir) as daemon, daemon.client() as client, daemon.client() as other:
        await other.create_mission(asked)
        app = StudioScreen(client)
        async with app.run_test(size=SIZE) as pilot:
            await _until(pilot, lambda: "0 of 1000 done" in str(app.query_one(RowList).row))
            assert "and 940 more items" in _text(app, "items-text")
            begun = time.process_time()
            for _ in range(10):
                app._draw()
            assert (time.process_time() - begun) / 10 < 0.15


def _told(app: StudioScreen) -> list[str]:
    return [one.message for one in app._notifications]


async def test_a_lost_daemon_is_shown_and_comes_back_with_what_happened_meanwhile(state_dir: Path) -> None:
    async with Daemon(state_dir) as daemon, daemon.client() as client:
        app = StudioScreen(client)
        async with app.run_test(size=SIZE) as pilot:
            await _until(pilot, lambda: "live" in _text(app, "head"))
            await asyncio.to_thread(daemon.kill)
            await _until(pilot, lambda: "lost" in _text(app, "head"))
            await asyncio.to_thread(daemon.start)
            async with daemon.client() as other:
                mission = await _in_review(other, "come back")
                await _until(
                    pilot, lambda: app.query_one(RowList).selected == f"mission/{mission.mission_id}"
                )
                assert "live" in _text(app, "head")
                found = app.replica.shelf.values("approval", Approval)
                assert [approval.state for approval in found] == ["pending"]
