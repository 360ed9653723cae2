"""Looking at missions, approvals and the log, and deciding, from the command line."""

import asyncio
import contextlib
from datetime import datetime
from functools import partial
from typing import Any, Final

from rich.markup import escape
from rich.text import Text

from clients import paint
from clients.cli.daemon import connected
from clients.cli.options import CommandError, Setup
from clients.clock import now_ms
from clients.view import find, rows
from clients.view.report import delivered
from clients.view.words import ago_text, word
from cutroom_sdk.client import Client
from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.replica import BACKOFF_S, Replica
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.mission_events import PostedEvent
from cutroom_sdk.wire.missions import Mission
from cutroom_sdk.wire.problems import DONE, NOT_FOUND, USAGE
from cutroom_sdk.wire.resources import EventRecord

TAIL: Final = 20
APPROVAL_ID: Final = 32


async def copy(client: Client) -> Shelf:
    """Return all that is shown of the resources that there are now."""
    replica = Replica(partial(client.resource_stream, prefixes=find.SHOWN))
    async with replica.following():
        return replica.shelf


async def show(setup: Setup, mission_id: str) -> int:
    """Print all there is to know about a mission."""
    async with connected(setup, start=True) as (client, _):
        mission = await the_mission(client, mission_id)
        shelf = await copy(client)
        plan = await _plan(client, shelf, mission)
    if setup.json:
        setup.document(_mission_document(shelf, mission, plan))
    else:
        _print_mission(setup, shelf, mission, plan)
    return DONE


async def _plan(client: Client, shelf: Shelf, mission: Mission) -> CutPlan | None:
    """Return the mission's plan; a large one is no part of the copy and asked for by itself."""
    ref = find.plan_ref(shelf, find.refs(mission))
    if ref is None:
        return None
    return find.plan(shelf, (ref,)) or find.plan_of(await client.artifact(ref.removeprefix("artifact/")))


async def the_mission(client: Client, name: str) -> Mission:
    """Return the mission of this id, or the only one whose id begins so; `last` is the newest."""
    every = await client.missions()
    if name == "last" and every:
        newest = max(every, key=lambda mission: (mission.created_at_ms, mission.mission_id))
        return await client.mission(newest.mission_id)
    found = [mission for mission in every if mission.mission_id.startswith(name)]
    exact = [mission for mission in found if mission.mission_id == name]
    if len(exact or found) == 1:
        return await client.mission((exact or found)[0].mission_id)
    if not found:
        raise CommandError(
            f"there is no mission {name}; 'cutroom mission list' shows those there are", NOT_FOUND
        )
    raise CommandError(f"{len(found)} missions begin with {name}; give more of the id", USAGE)


async def the_approval(client: Client, name: str) -> Approval:
    """Return the approval of this id, or the only one whose id begins so."""
    if len(name) < APPROVAL_ID:
        found = [one.approval_id for one in await client.approvals() if one.approval_id.startswith(name)]
        if len(found) > 1:
            raise CommandError(f"{len(found)} approvals begin with {name}; give more of the id", USAGE)
        name = found[0] if found else name
    return await client.approval(name)


def _mission_document(shelf: Shelf, mission: Mission, plan: CutPlan | None) -> dict[str, Any]:
    refs = find.refs(mission)
    details = [find.detail(shelf, mission.mission_id, item.work_item_id) for item in mission.work_items]
    approvals = [
        approval
        for approval in shelf.values("approval", Approval, depth=2)
        if find.mission_of(approval) == mission.mission_id
    ]
    document = {
        "mission": mission,
        "items": details,
        "approvals": approvals,
        "plan": plan,
        "render": find.render(shelf, refs),
    }
    return {name: to_builtins(value) for name, value in document.items()}


def _print_mission(setup: Setup, shelf: Shelf, mission: Mission, plan: CutPlan | None) -> None:
    console = setup.result()
    seen = word("mission", mission.status)
    console.print(Text.assemble((f"{seen.mark} ", paint.STYLES[seen.tone]), (mission.title, "bold")))
    file = delivered(mission)
    facts = [
        ("mission", mission.mission_id),
        ("status", mission.status),
        ("reason", mission.failure.detail if mission.failure else mission.reason),
        ("file", file.path if file else ""),
        ("sha256", file.sha256 if file else ""),
        ("created", f"{ago_text(mission.created_at_ms, now_ms())} by {mission.created_by}"),
    ]
    console.print(paint.facts_table(facts))
    console.print(paint.section("Items", paint.items_table(rows.item_rows(shelf, mission))))
    for item in mission.work_items:
        detail = find.detail(shelf, mission.mission_id, item.work_item_id)
        lines = rows.attempt_lines(detail) if detail else []
        if len(lines) > 1:
            console.print(paint.section(item.title, Text("\n".join(lines), "dim")))
    if plan is not None:
        console.print(paint.section(f"Plan: {rows.plan_line(plan)}", paint.cuts_table(rows.cut_rows(plan))))
        console.print(paint.section("Left out", paint.cuts_table(rows.removed_rows(plan))))
    checks = find.checks(shelf, mission)
    if checks:
        console.print(paint.section("Checks", paint.checks_table(rows.check_rows(checks), sources=True)))


async def list_missions(setup: Setup, status: str | None) -> int:
    """Print the missions, what needs somebody first."""
    async with connected(setup, start=True) as (client, _):
        found = await client.missions(status=status)
        shelf = await copy(client)
    if setup.json:
        setup.document({"items": to_builtins(found)})
        return DONE
    wanted = {mission.mission_id for mission in found}
    shown = [row for row in rows.mission_rows(shelf, now_ms()) if row.mission_id in wanted]
    if shown:
        setup.result().print(paint.missions_table(shown))
    else:
        setup.talk().print("there are no missions; 'cutroom edit FILE --goal ...' begins one")
    return DONE


async def tell_mission(setup: Setup, mission_id: str, event: PostedEvent) -> int:
    """Post an event to a mission and print what it is then."""
    async with connected(setup, start=True) as (client, _):
        mission = await the_mission(client, mission_id)
        after = await client.tell_mission(mission.mission_id, event)
    if setup.json:
        setup.document(after)
    else:
        setup.result().print(f"{after.mission_id} is {after.status}")
    return DONE


async def list_approvals(setup: Setup, state: str | None) -> int:
    """Print what is to be decided (`state` None: what is pending)."""
    async with connected(setup, start=True) as (client, _):
        found = await client.approvals(state=state or "pending")
        found.sort(key=lambda approval: (approval.requested_at_ms, approval.approval_id))
        shelf = await copy(client)
    if setup.json:
        setup.document({"items": to_builtins(found)})
    elif found:
        at_ms = now_ms()
        setup.result().print(paint.approvals_table(rows.approval_row(shelf, one, at_ms) for one in found))
    else:
        setup.talk().print(f"nothing is {state or 'pending'}")
    return DONE


async def decide(
    setup: Setup, approval_id: str, *, grant: bool, reason: str, amend: dict[str, Any] | None = None
) -> int:
    """Approve or deny what an approval shows now."""
    async with connected(setup, start=True) as (client, _):
        approval = await the_approval(client, approval_id)
        if grant:
            after = await client.approve(approval, reason=reason)
        else:
            after = await client.deny(approval, reason=reason, amend=amend)
    if setup.json:
        setup.document(after)
    else:
        setup.result().print(f"{after.approval_id} is {'approved' if grant else 'denied'}")
    return DONE


async def follow_log(setup: Setup, after: int | None, stream: str | None, kind: str | None) -> int:
    """Print the log as it grows, until Ctrl-C; a lost daemon is waited for."""
    async with connected(setup, start=True) as (client, _):
        if after is None:
            head = (await client.log(limit=1)).position
            after = max(0, head - TAIL)
        failures = 0
        while True:
            try:
                async with contextlib.aclosing(client.follow_log(after, stream=stream, kind=kind)) as events:
                    async for event in events:
                        failures, after = 0, event.position
                        _print_event(setup, event)
            except Unreachable as error:
                setup.talk().print(f"[yellow]{escape(error.detail)}; trying again[/]")
            except SdkError as error:
                if error.code != "compacted":
                    raise
                after = int(error.extra.get("oldest", 0))
                setup.talk().print(f"[yellow]the log begins at {after} now; what lay before is compacted[/]")
            failures += 1
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])


def _print_event(setup: Setup, event: EventRecord) -> None:
    if setup.json:
        setup.document(event)
    else:
        zone = datetime.fromtimestamp(event.at_ms / 1000).astimezone().tzinfo
        assert zone is not None
        setup.result().print(paint.log_text(rows.log_row(event, zone)))


async def status(setup: Setup) -> int:
    """Print where the daemon is and what it has to do."""
    async with connected(setup, start=False) as (client, _):
        health = await client.health()
        running = await client.missions(status="running,paused")
        waiting = await client.approvals(state="pending")
        notices = await client.notices()
        address = setup.locate()
    url = address.url if address else ""
    people = [approval for approval in waiting if approval.decider != "auto"]
    if setup.json:
        setup.document(
            {
                "url": url,
                "pid": health.pid,
                "version": health.version,
                "state_dir": str(setup.folder),
                "missions_running": len(running),
                "approvals_pending": len(people),
                "notices": len(notices),
            }
        )
        return DONE
    facts = [
        ("daemon", f"{url}, process {health.pid}, version {health.version}"),
        ("state directory", str(setup.folder)),
        ("missions", f"{len(running)} unfinished"),
        ("to decide", str(len(people))),
        ("notices", str(len(notices))),
    ]
    setup.result().print(paint.facts_table(facts))
    return DONE
