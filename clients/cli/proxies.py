"""`cutroom proxies`: smaller copies of footage for drafts, made with the time left, listed, removed."""

import asyncio
import contextlib
from functools import partial
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from clients.cli.daemon import Started, connected
from clients.cli.edit import taken_in
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from clients.cli.rendering import TICK_S, Bar, error_text
from clients.cli.revival import Revival
from clients.cli.stopping import Interrupted, stopping, unless
from clients.cli.subject import file_meant
from clients.view.words import size_text
from cutroom_sdk.client import Client
from cutroom_sdk.errors import SdkError
from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.problems import CANCELED, CODES, DONE, FAILED, NOT_FOUND, USAGE
from cutroom_sdk.wire.proxies import SIZES, Proxy, ProxyRequest

OVER: Final = ("ready", "failed", "canceled")
USUAL: Final = 720
KIND: Final = "proxy"


def add_to(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command("proxies")(proxies_command)


def proxies_command(
    ctx: typer.Context,
    what: Annotated[
        list[str] | None, typer.Argument(help="Assets by id, or files of footage.", metavar="[ASSET|FILE...]")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help=f"Lines of the shorter side: {', '.join(map(str, SIZES))}. Default: {USUAL}."),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="List the proxies there are; make none.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Be rid of them and their files.")] = False,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make smaller copies of footage, frame for frame, from which drafts are made; without footage, list them.

    Example: cutroom proxies talk.mp4 --size 360

    Exports never use them. Ctrl-C cancels; the same command again goes on with what is finished.
    """
    setup = of(ctx, state_folder, url, json, verbose)
    if status and remove:
        raise CommandError("--status and --remove: say one of them")
    if remove and not what:
        raise CommandError("say whose proxies are to go: an asset's id, or a file")
    raise typer.Exit(asyncio.run(proxies(setup, what or [], size, status=status or not what, remove=remove)))


async def proxies(setup: Setup, what: list[str], size: int | None, *, status: bool, remove: bool) -> int:
    """List, remove or make proxies; return the exit code.

    Raises:
        CommandError, SdkError: there is no such footage, or it can have no such proxy.
    """
    with stopping() as stop:
        async with connected(setup, start=True) as (client, daemon):
            assets = [await _asset(setup, client, one) for one in what]
            if status or remove:
                wanted = {one.asset_id for one in assets}
                found = [
                    one
                    for one in await client.proxies()
                    if (not what or one.asset_id in wanted) and size in (None, one.size)
                ]
                if remove:
                    found = [await client.remove_proxy(one.proxy_id) for one in found]
                return await _listed(setup, client, found, removed=remove)
            asked = [
                await client.ask_proxy(ProxyRequest(asset_id=one.asset_id, size=size or _usual(one)))
                for one in assets
            ]
            done = await followed(setup, client, asked, stop, daemon)
            await _listed(setup, client, done, removed=False)
    return _code(setup, done)


async def followed(
    setup: Setup, client: Client, asked: list[Proxy], stop: asyncio.Event, daemon: Started | None = None
) -> list[Proxy]:
    """Stay with proxies until all are made, or not; when `stop` is set what is not made is canceled."""
    keys = [f"{KIND}/{one.proxy_id}" for one in asked]
    replica = Replica(partial(client.resource_stream, prefixes=keys))
    revival = Revival(setup, client, replica, daemon)
    now = dict(zip(keys, asked, strict=True))
    async with replica.following():
        with Bar(setup.talk()) as bar:
            while any(one.state not in OVER for one in now.values()):
                _tell(bar, now, replica)
                try:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(TICK_S):
                            await unless(stop, replica.changed())
                except Interrupted:
                    return [
                        one if one.state in OVER else await _canceled(client, one) for one in now.values()
                    ]
                await revival.trouble()
                now = {key: replica.shelf.value(key, Proxy) or one for key, one in now.items()}
    return list(now.values())


def _tell(bar: Bar, now: dict[str, Proxy], replica: Replica) -> None:
    """Show all of them as one work; the time left is that of the one at work."""
    done, eta_s = 0.0, None
    for key, one in now.items():
        progress = replica.shelf.progress.get(key)
        done += one.frames if one.state in OVER else progress.done if progress else 0
        eta_s = progress.eta_s if progress else eta_s
    words = "making proxies" if any(one.state == "running" for one in now.values()) else "queued"
    bar.tell(words, done, max(1, sum(one.frames for one in now.values())), eta_s)


async def _canceled(client: Client, one: Proxy) -> Proxy:
    try:
        return await client.cancel_proxy(one.proxy_id)
    except SdkError as error:
        if error.code != "event_rejected":
            raise
        return await client.proxy(one.proxy_id)  # it was done just then


async def _asset(setup: Setup, client: Client, what: str) -> Asset:
    """Return the asset that is meant: a file's, or the one whose id begins so."""
    file = file_meant(what)
    if file is not None:
        return await taken_in(setup, client, file)
    found = [one for one in await client.assets() if one.asset_id.startswith(what)]
    if not found:
        raise CommandError(f"there is no asset {what!r}, and no such file", NOT_FOUND)
    if len(found) > 1:
        raise CommandError(f"{len(found)} assets begin with {what!r}; say more of it", USAGE)
    return found[0]


def _usual(asset: Asset) -> int:
    """Return the size that is made where none is asked for: the usual one, or what the footage is large enough for."""
    if asset.video is None:
        return USUAL
    side = min(asset.video.width, asset.video.height)
    return next((one for one in SIZES if one <= min(USUAL, side)), USUAL)


async def _listed(setup: Setup, client: Client, found: list[Proxy], *, removed: bool) -> int:
    if setup.json:
        setup.document({"items": to_builtins(found)})
        return DONE
    if not found:
        setup.talk().print("there are no proxies" if not removed else "there was none to remove")
        return DONE
    names = {one.asset_id: one.name for one in await client.assets()}
    table = Table.grid(padding=(0, 2))
    for one in found:
        table.add_row(
            Text(one.proxy_id),
            Text(names.get(one.asset_id, "")),
            Text(f"{one.width}x{one.height}"),
            Text("removed" if removed else one.state),
            Text(f"{one.frames} frames"),
            Text("" if one.bytes is None else size_text(one.bytes)),
        )
    setup.result().print(table)
    return DONE


def _code(setup: Setup, done: list[Proxy]) -> int:
    for one in done:
        if one.error is not None and one.state == "failed":
            setup.talk().print(f"[red]failed[/]: {escape(error_text(one.error))}")
            return CODES[one.error.code].exit if one.error.code in CODES else FAILED
    if any(one.state == "canceled" for one in done):
        setup.talk().print("canceled; the same command reuses what is finished")
        return CANCELED
    return DONE
