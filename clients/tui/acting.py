"""Carrying an action of the table out: one call of the daemon for each."""

from clients.view.actions import Action
from clients.view.lists import Target
from cutroom_sdk.client import Client
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.mission_events import (
    PostCanceled,
    PostedEvent,
    PostPaused,
    PostResumed,
    PostRunFinished,
    PostStarted,
)
from cutroom_sdk.wire.missions import WorkItemDetail

ANOTHER = "another proposal, please"


async def carry_out(client: Client, shelf: Shelf, chosen: Action, target: Target, reason: str) -> str:
    """Do what `chosen` says to `target`, as it stands on the shelf; return what there is to say of it, mostly nothing.

    Raises:
        SdkError: the daemon refuses it, or cannot be reached.
    """
    match chosen.applies_to:
        case "approval":
            await _decide(client, shelf, chosen, target, reason)
        case "item":
            await _report(client, shelf, target)
        case "command" if chosen.id == "redeliver":
            await client.redeliver_command(target.id)
        case "command":
            await client.cancel_command(target.id)
        case "mission" if chosen.id == "approve_all":
            done = await client.approve_all(target.id, reason)
            return "".join(f"; left: {one.work_item_id}, {one.detail}" for one in done.left)
        case "mission":
            await client.tell_mission(target.id, _event(chosen, target, reason))
        case "routine":
            await _steer(client, chosen, target.id)
        case "routine_run":
            await client.cancel_routine_run(target.id)
        case "notice":
            await client.dismiss_notice(target.id)
    return ""


async def _decide(client: Client, shelf: Shelf, chosen: Action, target: Target, reason: str) -> None:
    approval = shelf.value(f"approval/{target.id}", Approval)
    if approval is None:
        approval = await client.approval(target.id)
    if chosen.id == "approve":
        await client.approve(approval, reason=reason)
    else:
        await client.deny(approval, reason=reason or ANOTHER)


async def _report(client: Client, shelf: Shelf, target: Target) -> None:
    mission_id, _, item_id = target.id.partition("/item/")
    part = shelf.value(f"mission/{target.id}", WorkItemDetail)
    run_id = (part.item.current_run_id if part else None) or ""
    done = PostRunFinished(work_item_id=item_id, run_id=run_id, status="succeeded")
    await client.tell_mission(mission_id, done)


def _event(chosen: Action, target: Target, reason: str) -> PostedEvent:
    match chosen.id:
        case "pause":
            return PostPaused(reason=reason)
        case "resume":
            return PostStarted() if target.state == "draft" else PostResumed()
        case _:
            return PostCanceled(reason=reason)


async def _steer(client: Client, chosen: Action, routine_id: str) -> None:
    match chosen.id:
        case "activate":
            await client.activate_routine(routine_id)
        case "pause_routine":
            await client.pause_routine(routine_id)
        case "resume_routine":
            await client.resume_routine(routine_id)
        case "run_now":
            await client.run_routine(routine_id, reason="from the screen")
        case _:
            await client.delete_routine(routine_id)
