"""Tokens from the command line: issued with no more than is needed, listed, revoked."""

import asyncio
import re
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from clients import paint
from clients.cli.daemon import connected
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from clients.clock import now_ms
from clients.view.words import ago_text
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.problems import DONE
from cutroom_sdk.wire.tokens import IssuedToken, Token, TokenRequest

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Give people, agents and programs tokens of their own, and take them back.",
)
UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@app.command("create")
def token_create(
    ctx: typer.Context,
    actor: Annotated[str, typer.Option(help="Whom it stands for, as the log will name them.")],
    capabilities: Annotated[str, typer.Option(help="What it may do, such as missions:read,missions:write.")],
    human: Annotated[
        bool, typer.Option("--human", help="A person holds it, and may decide what people decide.")
    ] = False,
    tenant: Annotated[str | None, typer.Option(help="The tenant that it sees; else your own.")] = None,
    env: Annotated[str | None, typer.Option(help="The env that it sees; else your own.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 24h, 7d, 2027-01-31T18:00; else when it is revoked.")
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Issue a token and print it, this once.

    Example: cutroom token create --actor cutter --capabilities missions:read,missions:report --expires 24h
    """
    setup = of(ctx, state_folder, url, json, verbose)
    asked = TokenRequest(
        actor=actor,
        capabilities=tuple(one.strip() for one in capabilities.split(",") if one.strip()),
        human=human,
        tenant=tenant,
        env=env,
        expires_at_ms=None if expires is None else end_ms(expires, now_ms()),
    )
    raise typer.Exit(asyncio.run(_create(setup, asked)))


@app.command("list")
def token_list(
    ctx: typer.Context,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List the tokens that are not revoked, never their secrets. Example: cutroom token list."""
    raise typer.Exit(asyncio.run(_list(of(ctx, state_folder, url, json, verbose))))


@app.command("revoke")
def token_revoke(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="The token's id, as 'cutroom token list' shows it.")],
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """End a token at once, and the streams and windows that it opened."""
    raise typer.Exit(asyncio.run(_revoke(of(ctx, state_folder, url, json, verbose), token)))


def span_ms(text: str) -> int | None:
    """Return how long a span such as `90s`, `30m`, `24h`, `7d` or `2w` lasts, None when it is none.

    >>> span_ms("2w"), span_ms("soon")
    (1209600000, None)
    """
    span = re.fullmatch(r"(\d{1,9})([smhdw])", text.strip())
    return int(span[1]) * UNITS_MS[span[2]] if span else None


def time_ms(text: str) -> int:
    """Return a date and time; without a zone it is this machine's, without a time midnight.

    Raises:
        ValueError: it is none.
        OverflowError: nobody can reckon with it.
    """
    return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1000)


def end_ms(text: str, now: int) -> int:
    """Return when a token is to end: so long after `now` (`90s`, `30m`, `24h`, `7d`, `2w`), or at a date and time.

    A time without a zone is this machine's; a date is its midnight.

    Raises:
        CommandError: neither, or it is over.

    >>> end_ms("24h", 1_000), end_ms("2027-01-31T18:00:00Z", 0)
    (86401000, 1801418400000)
    """
    span = span_ms(text)
    if span is not None:
        ends = now + span
    else:
        try:
            ends = time_ms(text)
        except (ValueError, OverflowError) as error:
            raise CommandError(
                f"--expires is {text!r}; a span such as 24h or 7d, or a time such as 2027-01-31T18:00, is taken"
            ) from error
    if ends <= now:
        raise CommandError(f"--expires is {text!r}, and that is over; a token ends later than now")
    return ends


async def _create(setup: Setup, asked: TokenRequest) -> int:
    async with connected(setup, start=True) as (client, _):
        issued = await client.issue_token(asked)
    if setup.json:
        setup.document(issued)
        return DONE
    # The secret alone goes to standard output, so that it can be put where it belongs without being copied by hand.
    setup.talk().print(paint.facts_table(_facts(issued)))
    setup.result().print(Text(issued.token), soft_wrap=True)
    setup.talk().print("it is shown this once; whoever has it is taken for the actor", style="dim")
    return DONE


async def _list(setup: Setup) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.tokens()
    if setup.json:
        setup.document({"items": to_builtins(found)})
    elif found:
        setup.result().print(_table(found))
    else:
        setup.talk().print("no tokens are out; 'cutroom token create' issues one")
    return DONE


async def _revoke(setup: Setup, token_id: str) -> int:
    async with connected(setup, start=True) as (client, _):
        token = await client.revoke_token(token_id)
    if setup.json:
        setup.document(token)
    else:
        setup.result().print(f"{token.token_id} of {token.actor} opens nothing any more")
    return DONE


def _facts(issued: IssuedToken) -> list[tuple[str, str]]:
    return [
        ("token", issued.token_id),
        ("actor", f"{issued.actor}, {'a person' if issued.human else 'a program'}"),
        ("sees", f"{issued.tenant}/{issued.env}"),
        ("may", ", ".join(issued.capabilities)),
        ("ends", _end_text(issued.expires_at_ms)),
    ]


def _table(found: list[Token]) -> Table:
    table = Table.grid(padding=(0, 2))
    at_ms = now_ms()
    for one in found:
        table.add_row(
            one.token_id,
            Text(one.actor, "bold"),
            "human" if one.human else "",
            f"{one.tenant}/{one.env}",
            Text(", ".join(one.capabilities)),
            Text(_end_text(one.expires_at_ms), "dim"),
            Text(f"by {one.created_by}, {ago_text(one.created_at_ms, at_ms)}", "dim"),
        )
    return table


def _end_text(ends: int | None) -> str:
    if ends is None:
        return "when it is revoked"
    at = datetime.fromtimestamp(ends / 1000).astimezone()
    return at.strftime("%Y-%m-%d %H:%M") + (", over" if ends <= now_ms() else "")
