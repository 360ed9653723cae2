"""Approvals from the command line: what waits for somebody, looked at and decided."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape

from clients import paint
from clients.cli import look
from clients.cli.daemon import connected
from clients.cli.options import Json, Setup, StateDir, Url, Verbose, of
from clients.clock import now_ms
from clients.view import find, rows
from clients.view.requests import binding_facts, request_facts
from cutroom_sdk.wire.problems import DONE

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Decide what waits for somebody.")
ApprovalId = Annotated[str, typer.Argument(help="The approval's id, or its beginning.")]


@app.command("list")
def approval_list(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help="Such as denied; else what is pending.")] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List what waits for a decision. Example: cutroom approval list."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(look.list_approvals(setup, state)))


@app.command("show")
def approval_show(
    ctx: typer.Context,
    approval: ApprovalId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show what is asked: the plan or the checks that it is about, and what the answer holds for."""
    raise typer.Exit(asyncio.run(_show(of(ctx, state_folder, url, json, verbose), approval)))


@app.command("approve")
def approval_approve(
    ctx: typer.Context,
    approval: ApprovalId,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say yes to what the approval shows now."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(look.decide(setup, approval, grant=True, reason=reason)))


@app.command("deny")
def approval_deny(
    ctx: typer.Context,
    approval: ApprovalId,
    reason: Annotated[str, typer.Option(help="What is wrong; the next attempt is told.")] = "",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say no; the work is done again with the reason."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(look.decide(setup, approval, grant=False, reason=reason)))


async def _show(setup: Setup, approval_id: str) -> int:
    async with connected(setup, start=True) as (client, _):
        approval = await look.the_approval(client, approval_id)
        shelf = await look.copy(client)
    if setup.json:
        setup.document(approval)
        return DONE
    console = setup.result()
    console.print(paint.facts_table(request_facts(shelf, approval, now_ms(), None)))
    plan, render = find.plan(shelf, approval.artifact_refs), find.render(shelf, approval.artifact_refs)
    if plan is not None:
        title = f"Plan: {rows.plan_line(plan)}"
        console.print(paint.section(escape(title), paint.cuts_table(rows.cut_rows(plan))))
    checks = approval.checks or (render.checks if render else ())
    if checks:
        console.print(paint.section("Checks", paint.checks_table(rows.check_rows(checks))))
    console.print(paint.section("Bound to", paint.facts_table(binding_facts(approval))))
    return DONE
