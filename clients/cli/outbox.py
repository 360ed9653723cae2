"""The outbox from the command line: what is stuck, tried again or dropped."""

import asyncio
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from clients.cli.daemon import connected
from clients.cli.options import Json, Setup, StateDir, Url, Verbose, of
from cutroom_sdk.wire.outbox import OutboxCommand
from cutroom_sdk.wire.problems import DONE

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What the engine still has to do outside its log, and what of it is stuck.",
)
CommandId = Annotated[str, typer.Argument(help="The command's id, as 'cutroom outbox list' shows it.")]
STYLES: Final = {"dead": "red", "unknown": "yellow", "attempted": "cyan"}


@app.command("list")
def outbox_list(
    ctx: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="Only these: pending, attempted, dead, unknown; several with commas.")
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List the commands that are not finished. Example: cutroom outbox list --state dead,unknown."""
    raise typer.Exit(asyncio.run(_list(of(ctx, state_folder, url, json, verbose), state)))


@app.command("redeliver")
def outbox_redeliver(
    ctx: typer.Context,
    command: CommandId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Have a dead or unknown command tried again, with the same idempotency key.

    Of an unknown one, look first whether it has happened: nobody else can tell.
    """
    raise typer.Exit(asyncio.run(_redeliver(of(ctx, state_folder, url, json, verbose), command)))


@app.command("cancel")
def outbox_cancel(
    ctx: typer.Context,
    command: CommandId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Drop a command; one that is being attempted is asked to stop. What waits for it hears nothing.

    To end work, cancel its mission; this is for what is stuck.
    """
    raise typer.Exit(asyncio.run(_cancel(of(ctx, state_folder, url, json, verbose), command)))


async def _list(setup: Setup, state: str | None) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.outbox(state=state)
    if setup.json:
        setup.document({"items": found})
    elif found:
        setup.result().print(_table(found))
    else:
        setup.talk().print("nothing is left to be done")
    return DONE


async def _redeliver(setup: Setup, command_id: str) -> int:
    async with connected(setup, start=True) as (client, _):
        told = await client.redeliver_command(command_id)
    return _tell(setup, told, "is tried again")


async def _cancel(setup: Setup, command_id: str) -> int:
    async with connected(setup, start=True) as (client, _):
        told = await client.cancel_command(command_id)
    return _tell(setup, told, "is asked to stop" if told.stopping else "is dropped")


def _tell(setup: Setup, told: OutboxCommand, what: str) -> int:
    if setup.json:
        setup.document(told)
    else:
        setup.result().print(f"{told.command_id} ({told.type}) {what}")
    return DONE


def _table(found: list[OutboxCommand]) -> Table:
    table = Table.grid(padding=(0, 2))
    for one in found:
        state = "stopping" if one.stopping else one.state
        table.add_row(
            one.command_id,
            Text(state, STYLES.get(state, "")),
            Text(one.type, "bold"),
            one.stream,
            f"{one.attempts} attempt{'' if one.attempts == 1 else 's'}",
            Text(one.error, "dim"),
        )
    return table
