"""Routines from the command line: made, looked at, steered, loaded from files."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli import definitions
from clients.cli import routine_work as work
from clients.cli.options import CommandError, Json, StateDir, Url, Verbose, of
from clients.cli.routine_options import given, moment_ms
from clients.clock import now_ms

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Have work begin by itself: by a schedule, a watched folder, another's end.",
)
Context = typer.Context
RoutineArg = Annotated[str, typer.Argument(help="The routine's id, as 'cutroom routine list' shows it.")]
Cron = Annotated[str | None, typer.Option(help='When: five fields, such as "0 18 * * FRI", or @daily.')]
Zone = Annotated[str | None, typer.Option("--timezone", help="The cron expression's time zone; else UTC.")]
Every = Annotated[str | None, typer.Option(help="Or at this interval: 90s, 30m, 6h, 1d.")]
At = Annotated[str | None, typer.Option(help="Or once at this time: 2027-01-31T18:00.")]
WatchFolder = Annotated[
    Path | None, typer.Option("--watch", help="Or for each finished file of this folder.")
]
After = Annotated[str | None, typer.Option(help="Or when a run of this routine has succeeded.")]
Mission = Annotated[str | None, typer.Option(help="The mission template that a run is made from.")]
Tool = Annotated[str | None, typer.Option(help="Or the one tool that a run calls.")]
Args = Annotated[
    list[str] | None, typer.Option("--arg", help="An argument of it, as name=value; repeatable.")
]
Misfire = Annotated[
    str | None, typer.Option(help="What becomes of missed ticks: skip, run_once, or catch_up:N.")
]
Overlap = Annotated[str | None, typer.Option(help="While a run goes on: skip, queue or allow.")]


def _end(done: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(done))


@app.command("create")
def create(
    ctx: Context,
    routine: Annotated[str, typer.Argument(help="Its id: letters, digits, '.', '_' and '-'.")],
    name: Annotated[str | None, typer.Option(help="What people call it; else its id.")] = None,
    mission: Mission = None,
    tool: Tool = None,
    arg: Args = None,
    cron: Cron = None,
    timezone: Zone = None,
    every: Every = None,
    at: At = None,
    watch: WatchFolder = None,
    after: After = None,
    misfire: Misfire = None,
    overlap: Overlap = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make a routine, a draft until a person activates it.

    Example: cutroom routine create digest --mission generic --arg title="Look through the week" --cron "0 9 * * MON"
    """
    setup = of(ctx, state_folder, url, json, verbose)
    asked_for = given(mission, tool, arg, cron, timezone, every, at, watch, after, misfire, overlap)
    asked_for |= {"routine_id": routine, "name": name or routine}
    asked_for.setdefault("entrypoint", {})
    asked = definitions.request(asked_for, f"the routine {routine}")
    _end(work.one(setup, lambda client: client.create_routine(asked)))


@app.command("edit")
def edit(
    ctx: Context,
    routine: RoutineArg,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    mission: Mission = None,
    tool: Tool = None,
    arg: Args = None,
    cron: Cron = None,
    timezone: Zone = None,
    every: Every = None,
    at: At = None,
    watch: WatchFolder = None,
    after: After = None,
    misfire: Misfire = None,
    overlap: Overlap = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Change what is named and leave the rest. Example: cutroom routine edit digest --cron "0 8 * * MON"."""
    setup = of(ctx, state_folder, url, json, verbose)
    change = given(mission, tool, arg, cron, timezone, every, at, watch, after, misfire, overlap)
    change |= {"name": name} if name else {}
    if not change:
        raise CommandError("nothing is to be changed; name what, such as --cron")
    for part, fields in (
        ("schedule", ("cron", "timezone", "every_ms", "at_ms")),
        ("entrypoint", ("mission", "tool")),
    ):
        if part in change:
            change[part] = {**dict.fromkeys(fields), **change[part]}
    _end(work.one(setup, lambda client: client.change_routine(routine, definitions.at_home(change))))


@app.command("list")
def list_(
    ctx: Context, state_folder: StateDir = None, url: Url = None, json: Json = False, verbose: Verbose = False
) -> None:
    """List routines and when they fire next. Example: cutroom routine list."""
    _end(work.every(of(ctx, state_folder, url, json, verbose)))


@app.command("show")
def show(
    ctx: Context,
    routine: RoutineArg,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show a routine: what it does, when, and what it may do. Example: cutroom routine show weekly_highlights."""
    _end(work.one(of(ctx, state_folder, url, json, verbose), lambda client: client.routine(routine)))


@app.command("activate")
def activate(
    ctx: Context,
    routine: RoutineArg,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Have a draft fire by itself; takes a person. Example: cutroom routine activate weekly_highlights."""
    _end(work.one(of(ctx, state_folder, url, json, verbose), lambda client: client.activate_routine(routine)))


@app.command("pause")
def pause(
    ctx: Context,
    routine: RoutineArg,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Have it fire no more for now; runs that go on end by themselves."""
    _end(work.one(of(ctx, state_folder, url, json, verbose), lambda client: client.pause_routine(routine)))


@app.command("resume")
def resume(
    ctx: Context,
    routine: RoutineArg,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Have it fire again, from now on; takes a person."""
    _end(work.one(of(ctx, state_folder, url, json, verbose), lambda client: client.resume_routine(routine)))


@app.command("delete")
def delete(
    ctx: Context,
    routine: RoutineArg,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Be done with a routine; its history stays, its runs that go on end by themselves."""
    _end(work.one(of(ctx, state_folder, url, json, verbose), lambda client: client.delete_routine(routine)))


@app.command("run")
def run(
    ctx: Context,
    routine: RoutineArg,
    count: Annotated[int, typer.Option(help="So many runs.", min=1, max=100)] = 1,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Fire an active routine now. Example: cutroom routine run weekly_highlights --reason "the trip"."""
    setup = of(ctx, state_folder, url, json, verbose)
    _end(work.runs(setup, lambda client: client.run_routine(routine, count=count, reason=reason)))


@app.command("history")
def history(
    ctx: Context,
    routine: RoutineArg,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List its runs, the newest first. Example: cutroom routine history weekly_highlights."""
    _end(work.runs(of(ctx, state_folder, url, json, verbose), lambda client: client.routine_history(routine)))


@app.command("next")
def next_(
    ctx: Context,
    routine: RoutineArg,
    count: Annotated[int, typer.Option(help="So many.", min=1, max=1000)] = 10,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say when it comes due next. Example: cutroom routine next weekly_highlights --count 4."""
    _end(work.following(of(ctx, state_folder, url, json, verbose), routine, count))


@app.command("backfill")
def backfill(
    ctx: Context,
    routine: RoutineArg,
    begin: Annotated[str, typer.Option("--from", help="From this time on: 2026-11-01T00:00.")],
    end: Annotated[
        str | None, typer.Option("--to", help="Until this time, not itself; else until now.")
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Fire the ticks of a time that is over and did not fire. Example: cutroom routine backfill digest --from 2026-11-01."""
    setup = of(ctx, state_folder, url, json, verbose)
    from_ms, to_ms = moment_ms(begin, "--from"), now_ms() if end is None else moment_ms(end, "--to")
    _end(work.runs(setup, lambda client: client.backfill_routine(routine, from_ms, to_ms)))


@app.command("load")
def load(
    ctx: Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="TOML files, or names of shipped definitions; else all of those."),
    ] = None,
    arg: Args = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make drafts of definitions, or bring drafts up to them; what is active is left as it is.

    Example: cutroom routine load weekly_highlights --arg 'sources=["/home/me/footage"]'
    """
    _end(work.load(of(ctx, state_folder, url, json, verbose), names or [], arg or []))
