"""Deciding at once and in somebody's place, from the command line."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from clients.cli import look
from clients.cli.approvals import app
from clients.cli.daemon import connected
from clients.cli.options import CommandError, Json, MissionId, Setup, StateDir, Url, Verbose, of
from clients.cli.routine_options import moment_ms
from clients.cli.tokens import span_ms
from clients.clock import now_ms
from cutroom_sdk.wire.approvals import Delegation, DelegationRequest
from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.problems import DONE

__all__ = ["app"]

GATES: Final = ("review", "test", "effect")
DelegationId = Annotated[
    str, typer.Argument(help="The delegation's id, as 'cutroom approval delegations' shows it.")
]


def _end(work: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(work))


@app.command("approve-all")
def approval_approve_all(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why, for the record of each.")],
    mission: MissionId = "last",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say yes to all reviews of a mission that wait now. Example: cutroom approval approve-all last --reason "seen them"."""
    _end(_approve_all(of(ctx, state_folder, url, json, verbose), mission, reason))


@app.command("delegate")
def approval_delegate(
    ctx: typer.Context,
    to: Annotated[str, typer.Argument(help="Who decides in your place: the actor of their token.")],
    until: Annotated[str, typer.Option(help="Until when: 24h, 7d, 2027-01-31T18:00; a year at most.")],
    mission: Annotated[
        list[str] | None, typer.Option(help="Only about this mission; may be given several times.")
    ] = None,
    gate: Annotated[
        list[str] | None, typer.Option(help="Only review, test or effect; else review and test.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Have somebody decide in your place. Example: cutroom approval delegate bob --until 7d --gate review.

    Their token needs approvals:delegated, and must be a person's for what people decide. Never about work of theirs or yours.
    """
    setup = of(ctx, state_folder, url, json, verbose)
    unknown = [one for one in gate or () if one not in GATES]
    if unknown:
        raise CommandError(f"--gate is {unknown[0]!r}; {', '.join(GATES)} are taken")
    asked = {
        "to": to,
        "until_ms": _until_ms(until),
        "missions": mission or [],
        "gates": gate or ["review", "test"],
        "reason": reason,
    }
    _end(_delegate(setup, convert(asked, DelegationRequest)))


@app.command("delegations")
def approval_delegations(
    ctx: typer.Context,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List who decides in whose place, and who did. Example: cutroom approval delegations."""
    _end(_delegations(of(ctx, state_folder, url, json, verbose)))


@app.command("revoke")
def approval_revoke(
    ctx: typer.Context,
    delegation: DelegationId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """End a delegation: nobody decides by it any more."""
    _end(_revoke(of(ctx, state_folder, url, json, verbose), delegation))


def _until_ms(text: str) -> int:
    span = span_ms(text)
    return moment_ms(text, "--until") if span is None else now_ms() + span


def _time_text(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone():%Y-%m-%d %H:%M}"


async def _approve_all(setup: Setup, mission_id: str, reason: str) -> int:
    async with connected(setup, start=True) as (client, _):
        mission = await look.the_mission(client, mission_id)
        told = await client.approve_all(mission.mission_id, reason)
    if setup.json:
        setup.document(told)
        return DONE
    for one in told.approvals:
        setup.result().print(
            f"{one.approval_id} is {one.state}: {one.summary}", highlight=False, markup=False
        )
    for left in told.left:
        setup.talk().print(f"{left.approval_id} is left: {left.detail}", markup=False)
    if not told.approvals and not told.left:
        setup.talk().print("no review of it waits")
    return DONE


async def _delegate(setup: Setup, asked: DelegationRequest) -> int:
    async with connected(setup, start=True) as (client, _):
        given = await client.delegate(asked)
    return _tell(setup, given, f"{given.to} decides in the place of {given.by}")


async def _revoke(setup: Setup, delegation_id: str) -> int:
    async with connected(setup, start=True) as (client, _):
        ended = await client.revoke_delegation(delegation_id)
    return _tell(setup, ended, f"{ended.to} decides no more in the place of {ended.by}")


def _tell(setup: Setup, delegation: Delegation, what: str) -> int:
    if setup.json:
        setup.document(delegation)
    else:
        setup.result().print(f"{delegation.delegation_id}: {what}", highlight=False, markup=False)
    return DONE


async def _delegations(setup: Setup) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.delegations()
    if setup.json:
        setup.document({"items": to_builtins(found)})
    elif found:
        setup.result().print(_table(found))
    else:
        setup.talk().print("nobody decides in anybody's place; 'cutroom approval delegate' changes that")
    return DONE


def _table(found: list[Delegation]) -> Table:
    table, at_ms = Table.grid(padding=(0, 2)), now_ms()
    for one in found:
        state = "revoked" if one.revoked_at_ms else "over" if one.until_ms <= at_ms else "good"
        table.add_row(
            one.delegation_id,
            Text(state, "" if state == "good" else "dim"),
            Text(f"{one.to} for {one.by}", "bold"),
            Text(f"{', '.join(one.gates)} of {', '.join(one.missions) or 'all missions'}"),
            Text(f"until {_time_text(one.until_ms)}, used {one.used} times", "dim"),
        )
    return table
