"""The terminal screen on a real daemon: what it shows follows the stream, what its keys do the daemon has accepted."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, RichLog, Static

from clients.tui.app import StudioScreen
from clients.tui.panes import Laid, MissionList
from cutroom_sdk.client import Client
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.missions import Mission, MissionRequest, PostCanceled, PostRunFinished
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
    asked = MissionRequest(template="task", args={"title": title}, self_review=True, start=True)
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
            await pilot.press("4")
            assert "Nothing waits for you" in _text(app, "requests-text")


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
            await _until(pilot, lambda: app.query_one(MissionList).option_count == 2)
            app.query_one(MissionList).select(second.mission_id)
            await _until(pilot, lambda: "shown" in app.query_one("#waiting", Laid).classes)
            await pilot.press("a")
            await _until(pilot, lambda: "to decide" not in _text(app, "head"))
            decided = {one.state: one for one in await other.approvals()}
            assert decided["denied"].reason == "shorter"
            assert "spent" in decided
            await pilot.press("5")
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
            assert app.query_one(MissionList).outer_size.width == 39
            await pilot.press("x")
            await _until(pilot, lambda: bool(app._notifications))
            assert [told.message for told in app._notifications] == ["the mission is over"]


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
                await _until(pilot, lambda: app.query_one(MissionList).selected == mission.mission_id)
                assert "live" in _text(app, "head")
                found = app.replica.shelf.values("approval", Approval)
                assert [approval.state for approval in found] == ["pending"]
