"""Secrets and webhooks from the command line: a value comes from standard input and is never shown again."""

import asyncio
import sys
from getpass import getpass
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from clients.cli.daemon import connected
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from clients.clock import now_ms
from clients.view.words import ago_text
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.problems import DONE
from cutroom_sdk.wire.secrets import Secret
from cutroom_sdk.wire.webhooks import Webhook, WebhookRequest

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Keep secrets that tools use by name; their values are in no log.",
)
webhooks = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Say which programs may tell the engine something."
)
SecretName = Annotated[str, typer.Argument(help="The name that tools use: letters, digits, - and _.")]
WebhookName = Annotated[
    str, typer.Argument(help="The last part of the address that deliveries are posted to.")
]


@app.command("set")
def secret_set(
    ctx: typer.Context,
    name: SecretName,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Keep what comes on standard input; a line's end after it is left out. Example: cutroom secret set HOOK < key."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(_set(setup, name, _value())))


@app.command("list")
def secret_list(
    ctx: typer.Context,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List names and times, never values. Example: cutroom secret list."""
    raise typer.Exit(asyncio.run(_list(of(ctx, state_folder, url, json, verbose))))


@app.command("remove")
def secret_remove(
    ctx: typer.Context,
    name: SecretName,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Forget a secret. What uses it fails from then on."""
    raise typer.Exit(asyncio.run(_remove(of(ctx, state_folder, url, json, verbose), name)))


@webhooks.command("set")
def webhook_set(
    ctx: typer.Context,
    name: WebhookName,
    secret: Annotated[
        list[str], typer.Option(help="The secret's name that deliveries are signed with; up to four times.")
    ],
    off: Annotated[
        bool, typer.Option("--off", help="Take nothing until it is set again without this.")
    ] = False,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take deliveries that are signed with a secret. Example: cutroom webhook set builds --secret HOOK."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(
        asyncio.run(_set_webhook(setup, name, WebhookRequest(secrets=tuple(secret), enabled=not off)))
    )


@webhooks.command("list")
def webhook_list(
    ctx: typer.Context,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List webhooks and what they have brought. Example: cutroom webhook list."""
    raise typer.Exit(asyncio.run(_list_webhooks(of(ctx, state_folder, url, json, verbose))))


@webhooks.command("remove")
def webhook_remove(
    ctx: typer.Context,
    name: WebhookName,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take nothing under this name any more."""
    raise typer.Exit(asyncio.run(_remove_webhook(of(ctx, state_folder, url, json, verbose), name)))


def _value() -> str:
    """Return the secret: typed without an echo at a terminal, else all of standard input but a last line's end."""
    if sys.stdin.isatty():
        return getpass("value: ")
    try:
        text = sys.stdin.buffer.read(1 << 16).decode()
    except UnicodeDecodeError:
        raise CommandError("the secret on standard input is not text in UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")


async def _set(setup: Setup, name: str, value: str) -> int:
    async with connected(setup, start=True) as (client, _):
        secret = await client.set_secret(name, value)
    if setup.json:
        setup.document(secret)
    else:
        setup.result().print(f"{secret.name} is kept", highlight=False)
    return DONE


async def _list(setup: Setup) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.secrets()
    if setup.json:
        setup.document({"items": to_builtins(found)})
    elif found:
        setup.result().print(_secret_table(found))
    else:
        setup.talk().print("no secrets are kept; 'cutroom secret set NAME' keeps one")
    return DONE


async def _remove(setup: Setup, name: str) -> int:
    async with connected(setup, start=True) as (client, _):
        secret = await client.remove_secret(name)
    if setup.json:
        setup.document(secret)
    else:
        setup.result().print(f"{secret.name} is forgotten", highlight=False)
    return DONE


async def _set_webhook(setup: Setup, name: str, asked: WebhookRequest) -> int:
    async with connected(setup, start=True) as (client, _):
        webhook = await client.set_webhook(name, asked)
    if setup.json:
        setup.document(webhook)
    else:
        takes = (
            "takes deliveries signed with" if webhook.enabled else "takes nothing for now; its secrets are"
        )
        setup.result().print(f"{webhook.name} {takes} {', '.join(webhook.secrets)}", highlight=False)
    return DONE


async def _list_webhooks(setup: Setup) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.webhooks()
    if setup.json:
        setup.document({"items": to_builtins(found)})
    elif found:
        setup.result().print(_webhook_table(found))
    else:
        setup.talk().print("there are no webhooks; 'cutroom webhook set NAME --secret SECRET' makes one")
    return DONE


async def _remove_webhook(setup: Setup, name: str) -> int:
    async with connected(setup, start=True) as (client, _):
        webhook = await client.remove_webhook(name)
    if setup.json:
        setup.document(webhook)
    else:
        setup.result().print(f"{webhook.name} takes nothing any more", highlight=False)
    return DONE


def _secret_table(found: list[Secret]) -> Table:
    table, at_ms = Table.grid(padding=(0, 2)), now_ms()
    for one in found:
        table.add_row(
            Text(one.name, "bold"), Text(f"by {one.set_by}, {ago_text(one.set_at_ms, at_ms)}", "dim")
        )
    return table


def _webhook_table(found: list[Webhook]) -> Table:
    table, at_ms = Table.grid(padding=(0, 2)), now_ms()
    for one in found:
        last = "" if one.last_at_ms is None else f", the last {ago_text(one.last_at_ms, at_ms)}"
        table.add_row(
            Text(one.name, "bold"),
            "" if one.enabled else "off",
            Text(", ".join(one.secrets)),
            Text(f"{one.received} received{last}", "dim"),
        )
    return table
