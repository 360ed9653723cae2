"""Notices from the command line: what the engine wants people to know, until somebody has seen to it."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from clients import paint
from clients.cli.daemon import connected
from clients.cli.options import Json, Setup, StateDir, Url, Verbose, of
from clients.clock import now_ms
from clients.view.lists import notice_text
from clients.view.words import ago_text, word
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.problems import DONE

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="What the engine wants you to know and does not ask."
)


@app.command("list")
def notice_list(
    ctx: typer.Context,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List what nobody has dismissed. Example: cutroom notice list."""
    raise typer.Exit(asyncio.run(_list(of(ctx, state_folder, url, json, verbose))))


@app.command("dismiss")
def notice_dismiss(
    ctx: typer.Context,
    notice: Annotated[str, typer.Argument(help="The notice's id, as 'cutroom notice list' shows it.")],
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take a notice off the list; the log keeps it."""
    raise typer.Exit(asyncio.run(_dismiss(of(ctx, state_folder, url, json, verbose), notice)))


async def _list(setup: Setup) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.notices()
    if setup.json:
        setup.document({"items": to_builtins(found)})
        return DONE
    if not found:
        setup.talk().print("there are no notices")
    table = Table.grid(padding=(0, 2))
    for one in reversed(found):
        seen, said = word("notice", one.type), one.properties
        budget = f"{said.get('budget')}: {said.get('used')} of {said.get('allowed')} used"
        about = said.get("detail") or (budget if said.get("allowed") else "")
        table.add_row(
            Text(one.notice_id),
            Text(f"{seen.mark} {notice_text(one)}", paint.STYLES[seen.tone]),
            Text(str(said.get("title") or "")),
            Text(str(about)),
            Text(ago_text(one.told_at_ms, now_ms()), "dim"),
        )
    if found:
        setup.result().print(table)
    return DONE


async def _dismiss(setup: Setup, notice_id: str) -> int:
    async with connected(setup, start=True) as (client, _):
        after = await client.dismiss_notice(notice_id)
    if setup.json:
        setup.document(after)
    else:
        setup.result().print(f"{after.notice_id} is dismissed")
    return DONE
