"""`cutroom`: the command line. Results on standard output, talk on standard error, one line for an error."""

import asyncio
import os
import sys
import traceback
from collections.abc import Coroutine, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text
from typer.exceptions import TyperException

from clients.cli import (
    cut,
    daemon,
    delegations,
    doctor,
    files,
    interchange,
    look,
    memory,
    missions,
    notices,
    outbox,
    policy,
    proxies,
    renders,
    routines,
    secrets,
    timelines,
    tokens,
    upkeep,
)
from clients.cli.edit import Wanted, edit
from clients.cli.options import CommandError, Json, MissionId, Setup, StateDir, Url, Verbose, of
from clients.cli.post import post_settings
from clients.view.words import next_step
from cutroom_sdk.errors import SdkError
from cutroom_sdk.wire.problems import CANCELED, DONE, FAILED, NOT_FOUND, USAGE

OFTEN: Final = "Often used"
SERVICE: Final = "The daemon"
app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Cutroom: footage in, a finished, checked cut out. Everything stays on this machine.",
)
log = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Read the log.")
app.add_typer(missions.app, name="mission")
app.add_typer(delegations.app, name="approval")
app.add_typer(policy.app, name="policy")
app.add_typer(timelines.app, name="timeline")
app.add_typer(notices.app, name="notice")
app.add_typer(log, name="log")
app.add_typer(tokens.app, name="token")
app.add_typer(routines.app, name="routine")
app.add_typer(memory.app, name="memory")
app.add_typer(outbox.app, name="outbox")
app.add_typer(secrets.app, name="secret")
app.add_typer(secrets.webhooks, name="webhook")
upkeep.add_to(app, log)
renders.add_to(app)
proxies.add_to(app)
timelines.add_to(app)
cut.add_to(app)
interchange.add_to(timelines.app)

OUTPUT_HELP: Final = "The file, or a folder. Default: NAME-PROFILE.mp4 here (NAME-edit.mp4 for source), with a number if that is taken."
Context = typer.Context


class Approve(StrEnum):
    """Who reviews the plan."""

    ASK = "ask"
    AUTO = "auto"


def _end(work: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(work))


@app.callback()
def common(
    ctx: Context,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Footage in, a finished, checked cut out. Everything stays on this machine."""
    ctx.obj = {"state_folder": state_folder, "url": url, "json": json, "verbose": verbose}


@app.command("edit")
def edit_command(
    ctx: Context,
    sources: Annotated[list[Path], typer.Argument(help="The footage, in order.", metavar="FILES...")],
    goal: Annotated[str, typer.Option(help="What is wanted, in words.")] = "cut the pauses",
    profile: Annotated[
        str, typer.Option(help="The target: reels, shorts, tiktok, youtube, square, source.")
    ] = "source",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=OUTPUT_HELP),
    ] = None,
    approve: Annotated[
        Approve | None,
        typer.Option(help="Who reviews the plan: you, or the engine's checks. Default: you, at a terminal."),
    ] = None,
    transition: Annotated[
        str | None,
        typer.Option(help="How cuts go over: a transition's name, or NAME:SECONDS (see 'cutroom effects')."),
    ] = None,
    speed: Annotated[str | None, typer.Option(help="How fast it plays, 1 as recorded: 1.5 or 3/2.")] = None,
    captions: Annotated[
        Path | None,
        typer.Option(
            help="Captions, an SRT or WebVTT file in the film's time; the profile says how the film has them."
        ),
    ] = None,
    loudness: Annotated[
        float | None, typer.Option(help="Integrated loudness, LUFS; else as the profile has it.")
    ] = None,
    post: Annotated[
        str | None,
        typer.Option(help="All that is done with the cut, PostSettings: a JSON file, or the JSON itself."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that did not come from here.")
    ] = False,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make a finished, checked cut from footage.

    Example: cutroom edit talk.mp4 --goal "a 30 second highlight" --profile reels -o out.mp4

    The plan is shown with the reason for each cut before anything is rendered. Ctrl-C cancels; the same command again
    goes on with the work that is done.
    """
    setup = of(ctx, state_folder, url, json, verbose)
    footage = files.footage(sources)
    target = files.output_path(output, footage, profile, Path.cwd())
    named = force or (output is not None and output.name == target.name)
    replaces = named and files.check_free(target, force=force)
    if not target.parent.is_dir():
        raise CommandError(f"there is no folder {target.parent}; make it, or name another output", NOT_FOUND)
    if approve is None:
        # Without somebody at a terminal there is nobody to ask.
        approve = Approve.ASK if sys.stdin.isatty() and sys.stderr.isatty() else Approve.AUTO
    wanted = Wanted(
        sources=footage,
        goal=goal,
        profile=profile,
        output=target,
        named=named,
        approve=approve.value,
        replaces=replaces,
        post=post_settings(post, transition=transition, speed=speed, captions=captions, loudness=loudness),
    )
    _end(edit(setup, wanted))


@app.command("show")
def show_command(
    ctx: Context,
    mission: MissionId = "last",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show a mission: its items, attempts, plan, checks and file. Example: cutroom show last."""
    _end(look.show(of(ctx, state_folder, url, json, verbose), mission))


@app.command("tui")
def tui_command(
    ctx: Context, state_folder: StateDir = None, url: Url = None, verbose: Verbose = False
) -> None:
    """Open the terminal screen: missions, what waits for you, the log. Example: cutroom tui."""
    setup = of(ctx, state_folder, url, False, verbose)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("the terminal screen needs a terminal; 'cutroom mission list' does without", USAGE)
    from clients.tui.app import run_screen  # Textual takes a moment to load

    asyncio.run(_with_daemon(setup))
    run_screen(setup.locate)


async def _with_daemon(setup: Setup) -> None:
    async with daemon.connected(setup, start=True):
        return


@app.command("serve")
def serve_command(
    ctx: Context,
    host: Annotated[str | None, typer.Option(help="This machine's own address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 is any free one.", min=0, max=65535)] = None,
    state_folder: StateDir = None,
    verbose: Verbose = False,
) -> None:
    """Run the daemon here until SIGTERM or Ctrl-C. Example: cutroom serve --port 0."""
    daemon.serve(of(ctx, state_folder, None, False, verbose).folder, host, port)


@app.command("stop")
def stop_command(
    ctx: Context, state_folder: StateDir = None, json: Json = False, verbose: Verbose = False
) -> None:
    """End the daemon of this state directory; nothing is lost, unfinished work goes on at the next start."""
    setup = of(ctx, state_folder, None, json, verbose)
    pid = asyncio.run(daemon.stop(setup.folder))
    if setup.json:
        setup.document({"stopped": pid is not None, "pid": pid})
    else:
        setup.result().print(f"process {pid} has ended" if pid else f"no daemon runs for {setup.folder}")


@app.command("status")
def status_command(
    ctx: Context, state_folder: StateDir = None, url: Url = None, json: Json = False, verbose: Verbose = False
) -> None:
    """Say where the daemon is and what it has to do; exit code 6 when none runs."""
    _end(look.status(of(ctx, state_folder, url, json, verbose)))


@app.command("doctor")
def doctor_command(
    ctx: Context, state_folder: StateDir = None, url: Url = None, json: Json = False, verbose: Verbose = False
) -> None:
    """Say what is installed, what is missing, what that would unlock, and how to get it."""
    _end(doctor.doctor(of(ctx, state_folder, url, json, verbose)))


@log.command("follow")
def log_follow(
    ctx: Context,
    after: Annotated[int | None, typer.Option(help="From this position on; else the last 20.", min=0)] = None,
    stream: Annotated[str | None, typer.Option(help="Only this stream, such as mission or run/ID.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="Only this type, such as mission or run.finished.")
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Print events as they happen, until Ctrl-C. Example: cutroom log follow --type approval."""
    _end(look.follow_log(of(ctx, state_folder, url, json, verbose), after, stream, kind))


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry a command line out and return its exit code; whatever goes wrong is one line on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given, standalone_mode=False, prog_name="cutroom")
        return code if isinstance(code, int) else DONE
    except CommandError as error:
        return _failed(str(error), error.exit_code, given)
    except SdkError as error:
        step = next_step(error.code)
        return _failed(
            f"{error.detail}; {step}" if step and step not in error.detail else error.detail,
            error.exit,
            given,
        )
    except TyperException as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort, asyncio.CancelledError):
        return CANCELED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say, not even by the interpreter on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        return _failed(
            f"{type(error).__name__}: {error}; --verbose shows where, please report it", FAILED, given
        )


def _misused(error: TyperException) -> int:
    text = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(text.rstrip() + "\n")
        return USAGE
    return _failed(f"{text.rstrip('.')}; 'cutroom --help' shows how it is used", error.exit_code, [])


def _failed(text: str, code: int, given: Sequence[str]) -> int:
    if "--verbose" in given:
        traceback.print_exc()
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        Text.assemble(("cutroom: ", "bold red"), " ".join(text.split()))
    )
    return code


def main() -> None:
    """Be the program `cutroom`."""
    sys.exit(run())


if __name__ == "__main__":
    main()
