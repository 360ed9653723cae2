"""`cutroom mission`: what there is to be done, looked at, begun, steered and followed to its end."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from clients.cli import look, making
from clients.cli.options import CommandError, Json, MissionId, StateDir, Url, Verbose, of
from cutroom_sdk.wire.mission_events import PostCanceled, PostPaused, PostResumed, PostStarted
from cutroom_sdk.wire.missions import Priority
from cutroom_sdk.wire.problems import USAGE

app: Final = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Begin missions, look at them and steer them."
)
Context = typer.Context
Reason = Annotated[str, typer.Option(help="Why, for the record.")]


@app.command("create")
def mission_create(
    ctx: Context,
    file: Annotated[
        Path | None, typer.Argument(help="The mission as JSON or TOML, in the form of POST /v1/missions.")
    ] = None,
    template: Annotated[
        str | None, typer.Option(help="Make it of this template; see 'cutroom mission templates'.")
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(help="name=value for the template; a name given several times is a list."),
    ] = None,
    priority: Annotated[
        Priority | None, typer.Option(help="Where runs wait for each other: before or after those of others.")
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Do not start it yet.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what it would do, reach, ask and take; make nothing.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Stay until it is over.")] = False,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make a mission and start it. Example: cutroom mission create --template generic --arg title="Film the intro"."""
    if (file is None) == (template is None):
        raise CommandError("name a file or a --template, and not both", USAGE)
    setup = of(ctx, state_folder, url, json, verbose)
    asked = making.request(file, template, arg or [], start=not draft, priority=priority)
    work = making.show_preview(setup, asked) if preview else making.create(setup, asked, follow=follow)
    raise typer.Exit(asyncio.run(work))


@app.command("templates")
def mission_templates(
    ctx: Context, state_folder: StateDir = None, url: Url = None, json: Json = False, verbose: Verbose = False
) -> None:
    """List the ready-made missions and what each takes."""
    raise typer.Exit(asyncio.run(making.list_templates(of(ctx, state_folder, url, json, verbose))))


@app.command("list")
def mission_list(
    ctx: Context,
    status: Annotated[str | None, typer.Option(help="Only these, such as running,paused.")] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List missions, what needs you first. Example: cutroom mission list --status running."""
    raise typer.Exit(asyncio.run(look.list_missions(of(ctx, state_folder, url, json, verbose), status)))


@app.command("show")
def mission_show(
    ctx: Context,
    mission: MissionId = "last",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show a mission: its items, attempts, plan, checks and file. Example: cutroom mission show last."""
    raise typer.Exit(asyncio.run(look.show(of(ctx, state_folder, url, json, verbose), mission)))


@app.command("follow")
def mission_follow(
    ctx: Context,
    mission: MissionId = "last",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Stay with a mission until it is over; Ctrl-C leaves it running. Example: cutroom mission follow last --json."""
    raise typer.Exit(asyncio.run(making.follow(of(ctx, state_folder, url, json, verbose), mission)))


@app.command("start")
def mission_start(
    ctx: Context,
    mission: MissionId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Start a draft. Example: cutroom mission start last."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(look.tell_mission(setup, mission, PostStarted())))


@app.command("pause")
def mission_pause(
    ctx: Context,
    mission: MissionId,
    reason: Reason = "",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Start nothing new; what runs goes on. Example: cutroom mission pause last."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(look.tell_mission(setup, mission, PostPaused(reason=reason))))


@app.command("resume")
def mission_resume(
    ctx: Context,
    mission: MissionId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Go on after a pause. Example: cutroom mission resume last."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(look.tell_mission(setup, mission, PostResumed())))


@app.command("cancel")
def mission_cancel(
    ctx: Context,
    mission: MissionId,
    reason: Reason = "",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Stop a mission for good. Example: cutroom mission cancel last."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(look.tell_mission(setup, mission, PostCanceled(reason=reason))))


@app.command("report")
def mission_report(
    ctx: Context,
    mission: MissionId,
    item: Annotated[str, typer.Argument(help="The item that somebody has done by hand.")],
    failed: Annotated[str | None, typer.Option(help="It could not be done; say why.")] = None,
    made: Annotated[
        list[str] | None, typer.Option(help="A resource that was made, such as project/film/script.")
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say that work by hand is done. Example: cutroom mission report last task --made project/film/script."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(making.report(setup, mission, item, failed, tuple(made or ()))))
