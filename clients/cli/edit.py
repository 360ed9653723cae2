"""`cutroom edit`: footage in, a finished, checked cut out."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, get_args

from rich.markup import escape
from rich.progress import Progress

from clients import paint
from clients.cli import files
from clients.cli.daemon import connected
from clients.cli.follow import Follow, Outcome
from clients.cli.options import CommandError, Setup
from clients.cli.outcomes import exit_code
from clients.cli.stopping import Interrupted, stopping, unless
from clients.clock import monotonic_s
from clients.view import find, rows
from clients.view.report import EditReport, as_json, edit_report
from cutroom_sdk.client import Client
from cutroom_sdk.errors import SdkError
from cutroom_sdk.replica import Replica
from cutroom_sdk.uploads import find_known, upload
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.mission_events import PostResumed, PostStarted
from cutroom_sdk.wire.missions import Mission, MissionRequest
from cutroom_sdk.wire.problems import CANCELED, DONE, USAGE

TEMPLATE: Final = "footage_edit"
FOLLOWED: Final = ("mission", "run", "approval", "render")
UNFINISHED: Final = "draft,running,paused"
NOT_FOUND_STATUS: Final = 404
Approve = Literal["ask", "auto"]


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line, checked.

    `named`: `output` was chosen by who asks; else it is a proposal, and another edit's file keeps it. `post` is
    done with the cut once it is planned.
    """

    sources: list[Path]
    goal: str
    profile: str
    output: Path
    named: bool
    approve: Approve
    replaces: bool
    post: dict[str, Any] = field(default_factory=dict)


async def edit(setup: Setup, wanted: Wanted) -> int:
    """Carry the command out; return its exit code.

    Raises:
        CommandError: nothing can be started.
        SdkError: the daemon says no.
    """
    began_s = monotonic_s()
    with stopping() as stop:
        async with connected(setup, start=True) as (client, started):
            try:
                mission = await unless(stop, _mission(setup, client, wanted))
            except Interrupted:
                return CANCELED
            replica = Replica(partial(client.resource_stream, prefixes=FOLLOWED))
            async with replica.following():
                follow = Follow(setup, client, replica, started, mission.mission_id, stop)
                outcome = await follow.to_the_end()
                return await _finish(setup, follow, outcome, monotonic_s() - began_s)


async def _mission(setup: Setup, client: Client, wanted: Wanted) -> Mission:
    """Return the mission to follow: the one that was left unfinished for the same inputs, else a new one."""
    await _check_profile(client, wanted.profile)
    args: dict[str, Any] = {
        "asset_ids": await _assets(setup, client, wanted.sources),
        "goal": wanted.goal,
        "profile": wanted.profile,
        "output": str(wanted.output),
        "approve": wanted.approve,
        **({"post": wanted.post} if wanted.post else {}),
    }
    replaces = wanted.replaces
    if not wanted.named:
        output = await own_name(client, wanted.output, args)
        args["output"], replaces = str(output), output.exists()
        if output != wanted.output:
            setup.talk().print(escape(f"{wanted.output.name} is taken; this edit goes to {output.name}"))
    key = _key(args)
    unfinished = await client.missions(status=UNFINISHED, key=key)
    if unfinished:
        return await _taken_up(setup, client, unfinished[-1])
    if replaces:
        setup.talk().print(f"{escape(args['output'])} came from here and is replaced", style="dim")
    metadata = {"key": key, "output": args["output"]}
    return await client.create_mission(
        MissionRequest(template=TEMPLATE, args=args, metadata=metadata, start=True)
    )


def _key(args: dict[str, Any]) -> str:
    return digest({"template": TEMPLATE, "args": args})


async def own_name(client: Client, wanted: Path, args: dict[str, Any]) -> Path:
    """Return the first of `wanted`'s numbered names that is free, or that the same edit has taken already.

    Who approves does not make it another edit.
    """
    begun = {one.metadata.get("output"): one for one in await client.missions(status=UNFINISHED)}
    for place in files.numbered(wanted):
        path = str(place)
        holder = begun.get(path) or await _maker(client, place)
        keys = {_key(args | {"output": path, "approve": who}) for who in get_args(Approve)}
        if holder.metadata.get("key") in keys if holder else not place.exists():
            return place
    raise AssertionError("numbers do not end")


async def _maker(client: Client, place: Path) -> Mission | None:
    """Return the mission that delivered a file, None when there is no file, or this daemon did not make it."""
    mission_id = await asyncio.to_thread(files.mission_of, place)
    if mission_id is None:
        return None
    try:
        return await client.mission(mission_id)
    except SdkError as error:
        if error.status != NOT_FOUND_STATUS:
            raise
        return None


async def _taken_up(setup: Setup, client: Client, mission: Mission) -> Mission:
    setup.talk().print(f"going on with the unfinished mission {mission.mission_id}")
    if mission.status == "paused":
        return await client.tell_mission(mission.mission_id, PostResumed())
    if mission.status == "draft":
        return await client.tell_mission(mission.mission_id, PostStarted())
    return mission


async def _check_profile(client: Client, name: str) -> None:
    known = [profile.name for profile in await client.profiles()]
    if name not in known:
        raise CommandError(f"there is no profile {name!r}; there are {', '.join(known)}", USAGE)


async def _assets(setup: Setup, client: Client, sources: list[Path]) -> list[str]:
    """Register the footage and return the assets' ids, each once: the same content cannot be told apart in a cut."""
    found: dict[str, Path] = {}
    for path in sources:
        asset = await taken_in(setup, client, path)
        first = found.setdefault(asset.asset_id, path)
        if first is not path:
            setup.talk().print(escape(f"{path.name} is the same footage as {first.name}; it is used once"))
            continue
        for notice in asset.notices:
            setup.talk().print(f"[yellow]{escape(path.name)}[/]: {escape(notice)}")
    return list(found)


async def taken_in(setup: Setup, client: Client, path: Path) -> Asset:
    """Register a file where it is, or upload it when the daemon may not read it there."""
    try:
        asset = await client.register(str(path))
    except SdkError as error:
        if error.code != "path_outside_roots":
            raise SdkError(error.code, _naming(path, error.detail), status=error.status) from error
        return await _uploaded(setup, client, path)
    return asset


async def _uploaded(setup: Setup, client: Client, path: Path) -> Asset:
    """Upload a copy with a bar that shows how far it is, unless the daemon has the content already."""
    known = await find_known(client, path)
    if known is not None:
        return known
    setup.talk().print(f"{escape(path.name)} lies outside the media roots; a copy is uploaded", style="dim")
    with Progress(console=setup.talk(), transient=True) as bar:
        task = bar.add_task(f"uploading {escape(path.name)}")
        return await upload(
            client, path, report=lambda done, total: bar.update(task, completed=done, total=total)
        )


def _naming(path: Path, detail: str) -> str:
    return detail if path.name in detail else f"{path.name}: {detail}"


async def _finish(setup: Setup, follow: Follow, outcome: Outcome, elapsed_s: float) -> int:
    mission, plan = outcome.mission, await follow.plan()
    report = edit_report(follow.shelf, mission, plan, elapsed_s=elapsed_s)
    if setup.json:
        setup.document(as_json(report))
    else:
        _print(setup, follow, report, plan, mission)
    if outcome.interrupted or mission.status == "canceled":
        setup.talk().print(_farewell(follow, mission))
        return CANCELED
    if mission.status == "succeeded":
        return DONE
    setup.talk().print(f"[red]failed[/]: {escape(report.error)}")
    return exit_code(follow.shelf, mission)


def _farewell(follow: Follow, mission: Mission) -> str:
    """Say what the same command would find: finished work is kept by what it was made from, a mission's edits are not."""
    mine = f"{mission.mission_id}/"
    decided = follow.shelf.values("approval", Approval)
    edited = any(one.amend for one in decided if one.subject.id.startswith(mine))
    again = "; the plan that you edited has to be edited again" if edited else ""
    return f"canceled; the same command reuses the work that is finished{again}"


def _print(setup: Setup, follow: Follow, report: EditReport, plan: CutPlan | None, mission: Mission) -> None:
    # Who canceled knows the plan, or does not care for it.
    told = plan if mission.status != "canceled" else None
    paint.edit_result(
        setup.result(),
        report,
        rows.cut_rows(told) if told else (),
        rows.removed_rows(told) if told else (),
        rows.check_rows(find.checks(follow.shelf, mission)),
        setup.command(f"show {mission.mission_id}"),
    )
