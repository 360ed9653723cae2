"""Timelines from the command line: what there is, what is on it, undo and redo; and the catalogue of effects."""

import asyncio
import difflib
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients import paint
from clients.cli.daemon import connected
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from clients.clock import now_ms
from clients.view.words import ago_text
from cutroom_sdk.client import Client
from cutroom_sdk.wire.catalogue import CatalogueEntry
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.problems import DONE, NOT_FOUND, USAGE
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Gap,
    Generator,
    Nested,
    TimelineReference,
    Transition,
)
from cutroom_sdk.wire.timelines import StoredTimeline, TimelineHead

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Timelines: see, undo, redo, fork.")

TimelineId = Annotated[str, typer.Argument(help="The timeline's id, its beginning, or 'last'.")]
Version = Annotated[int | None, typer.Option("--version", help="As it was at this version.", min=1)]


@app.command("list")
def timeline_list(
    ctx: typer.Context,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List the timelines, the newest first. Example: cutroom timeline list."""
    raise typer.Exit(asyncio.run(_list(of(ctx, state_folder, url, json, verbose))))


@app.command("show")
def timeline_show(
    ctx: typer.Context,
    timeline: TimelineId,
    version: Version = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show what is on a timeline, as it is or was. Example: cutroom timeline show last --version 3."""
    raise typer.Exit(asyncio.run(_show(of(ctx, state_folder, url, json, verbose), timeline, version)))


@app.command("undo")
def timeline_undo(
    ctx: typer.Context,
    timeline: TimelineId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take back your own newest edit that stands. Example: cutroom timeline undo last."""
    raise typer.Exit(asyncio.run(_take_back(of(ctx, state_folder, url, json, verbose), timeline, "undo")))


@app.command("redo")
def timeline_redo(
    ctx: typer.Context,
    timeline: TimelineId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Do again what you undid last. Example: cutroom timeline redo last."""
    raise typer.Exit(asyncio.run(_take_back(of(ctx, state_folder, url, json, verbose), timeline, "redo")))


@app.command("fork")
def timeline_fork(
    ctx: typer.Context,
    timeline: TimelineId,
    version: Version = None,
    name: Annotated[str | None, typer.Option(help="What the new one is called; else as this one.")] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Begin a new timeline as this one is or was. Example: cutroom timeline fork last --version 3."""
    raise typer.Exit(asyncio.run(_fork(of(ctx, state_folder, url, json, verbose), timeline, version, name)))


def add_to(root: typer.Typer) -> None:
    """Add `cutroom effects`."""
    root.command("effects")(effects_command)


def effects_command(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One of them, with its parameters.")] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List effects, transitions, generators and what sound wears, or show one. Example: cutroom effects exposure."""
    raise typer.Exit(asyncio.run(_effects(of(ctx, state_folder, url, json, verbose), name)))


async def find_timeline(client: Client, asked: str) -> str:
    """Return the id that somebody means: the whole of it, its beginning where that is enough, or `last`.

    Raises:
        CommandError: there is none, or several begin so.
    """
    ids = [one.timeline_id for one in await client.timelines()]
    found = ids[-1:] if asked == "last" else [one for one in ids if one.startswith(asked)]
    if asked in ids:
        return asked
    if not found:
        raise CommandError(f"there is no timeline {asked!r}; 'cutroom timeline list' shows them", NOT_FOUND)
    if len(found) > 1:
        raise CommandError(f"{len(found)} timelines begin with {asked!r}; say more of it", USAGE)
    return found[0]


async def _list(setup: Setup) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.timelines()
    if setup.json:
        setup.document({"items": to_builtins(found)})
        return DONE
    if not found:
        setup.talk().print("there are no timelines")
        return DONE
    table = Table.grid(padding=(0, 2))
    for one in reversed(found):
        table.add_row(
            Text(one.timeline_id),
            Text(one.name),
            Text(f"{float(one.duration):.2f} s"),
            Text(f"{len(one.tracks)} track{'' if len(one.tracks) == 1 else 's'}"),
            Text(f"version {one.version} by {one.edited_by}"),
            Text(ago_text(one.edited_at_ms, now_ms()), "dim"),
        )
    setup.result().print(table)
    return DONE


async def _show(setup: Setup, asked: str, version: int | None) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.timeline(await find_timeline(client, asked), version=version)
    if setup.json:
        setup.document(found)
    else:
        _draw(setup.result(), found)
    return DONE


async def _take_back(setup: Setup, asked: str, what: str) -> int:
    async with connected(setup, start=True) as (client, _):
        name = await find_timeline(client, asked)
        head = await (client.undo_timeline(name) if what == "undo" else client.redo_timeline(name))
    return _told(setup, head, "undone" if what == "undo" else "redone")


def _told(setup: Setup, head: TimelineHead, what: str) -> int:
    if setup.json:
        setup.document(head)
    else:
        setup.result().print(f"{what}: {head.timeline_id} is at version {head.version} now")
    return DONE


async def _fork(setup: Setup, asked: str, version: int | None, name: str | None) -> int:
    async with connected(setup, start=True) as (client, _):
        source = await find_timeline(client, asked)
        found = await client.fork_timeline(source, version=version, name=name)
    if setup.json:
        setup.document(found)
    else:
        origin = found.forked_from
        was = f" as it was at version {origin.version}" if origin else ""
        setup.result().print(f"{found.timeline_id} begins as {source}{was}")
    return DONE


def _draw(console: Console, found: StoredTimeline) -> None:
    one = found.timeline
    console.print(Text(f"{one.name}  {found.timeline_id}", "bold"))
    said = f"{one.width}x{one.height}, {_number(one.rate)} frames a second, {float(found.duration):.3f} s"
    console.print(Text(f"{said}, version {found.version} by {found.edited_by}"))
    for number, track in enumerate(one.tracks):
        marks = [word for word, is_so in (("off", not track.enabled), ("locked", track.locked)) if is_so]
        head = f"track {number}  {track.kind}  {track.name}{'  ' if marks else ''}{', '.join(marks)}"
        console.print(Text(head, paint.STYLES["busy"]))
        table, at = Table.grid(padding=(0, 2)), Fraction(0)
        for item in track.items:
            lasts = _lasts(item)
            table.add_row("", f"{float(at):.3f}", f"{float(lasts):.3f} s", *_item(item))
            at += lasts
        console.print(table)


def _lasts(item: Clip | Gap | Transition) -> Fraction:
    if isinstance(item, Transition):
        return item.in_offset + item.out_offset
    return item.source_range.duration if isinstance(item, Clip) else item.duration


def _item(item: Clip | Gap | Transition) -> tuple[Text, Text]:
    if isinstance(item, Gap):
        return Text("gap", "dim"), Text("")
    if isinstance(item, Transition):
        return Text("transition", "dim"), Text(item.kind)
    speed = "" if item.speed == 1 and not item.ramp else f"at {'a ramp' if item.ramp else f'{item.speed}x'}"
    worn = ", ".join(effect.name for effect in item.effects)
    rest = "  ".join(part for part in (speed, worn, "" if item.enabled else "off") if part)
    return Text(item.id), Text(f"{_media(item)}  {rest}".rstrip())


def _media(clip: Clip) -> str:
    start = f"from {float(clip.source_range.start):.3f} s"
    match clip.media:
        case AssetReference(asset_id=asset):
            return f"asset {asset[:12]} {start}"
        case Generator(kind=kind):
            return kind
        case TimelineReference(timeline_id=name, version=version):
            return f"timeline {name}{'' if version is None else f' at version {version}'} {start}"
        case Nested(timeline=inner):
            return f"nested {inner.name} {start}"


async def _effects(setup: Setup, name: str | None) -> int:
    async with connected(setup, start=True) as (client, _):
        found = await client.effects()
    if name is not None:
        near = difflib.get_close_matches(name.lower(), [one.name for one in found], n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "'cutroom effects' lists them"
        found = [one for one in found if one.name == name]
        if not found:
            raise CommandError(f"there is no effect {name!r}; {hint}", NOT_FOUND)
    if setup.json:
        setup.document(found[0] if name is not None else {"items": to_builtins(found)})
    elif name is not None:
        _draw_entry(setup.result(), found[0])
    else:
        _draw_entries(setup.result(), found)
    return DONE


def _draw_entries(console: Console, found: Sequence[CatalogueEntry]) -> None:
    for family in dict.fromkeys(one.family for one in found):
        console.print(Text(family, "bold"))
        table = Table.grid(padding=(0, 2))
        for one in found:
            if one.family == family:
                table.add_row("", Text(one.name), Text(one.summary))
        console.print(table)


def _draw_entry(console: Console, one: CatalogueEntry) -> None:
    console.print(Text(f"{one.name}  {one.title}", "bold"))
    mask = "acts on a region" if one.region else "can be limited to a region" if one.mask else ""
    console.print(Text(one.summary))
    console.print(Text("  ".join(word for word in (one.kind, f"cost {one.cost}", mask) if word), "dim"))
    table = Table.grid(padding=(0, 2))
    for parameter in one.parameters:
        default: Any = parameter.default
        shown = "" if default is None else f"{default:g}" if isinstance(default, float) else default
        table.add_row("", Text(parameter.name), Text(parameter.takes), Text(shown), Text(parameter.summary))
    console.print(table)


def _number(rate: Fraction) -> str:
    return str(rate) if rate.denominator == 1 else f"{float(rate):.3f}"
