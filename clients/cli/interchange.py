"""`cutroom timeline import FILE` and `export TIMELINE -o FILE`: timelines as files of other programs."""

import asyncio
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer
from msgspec.structs import replace
from rich.text import Text

from clients.cli.daemon import connected
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from clients.cli.timelines import TimelineId, Version, find_timeline
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.interchange import Format, Loss, TimelineExport, TimelineImportRequest
from cutroom_sdk.wire.problems import CONFLICT, DONE, NOT_FOUND

FILE_MOST: Final = 11 << 20
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
_ENDS: Final[dict[str, str]] = {".xml": "fcpxml", ".ssa": "ass"}


def add_to(timelines: typer.Typer) -> None:
    """Add `import` and `export` to `cutroom timeline`."""
    timelines.command("import")(import_command)
    timelines.command("export")(export_command)


def import_command(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="An .otio, .edl, .fcpxml, .srt, .vtt or .ass file.")],
    format_name: Annotated[
        str | None, typer.Option("--format", help="The file's format; else told by its name.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the timeline is called; else as in the file.")
    ] = None,
    asset: Annotated[
        list[str] | None,
        typer.Option(help="Which asset a name in the file means: NAME=ASSET_ID. May be repeated."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Frames a second where the file does not say: 25 or 30000/1001.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Pixels where the file does not say: 1920x1080.")] = None,
    into: Annotated[
        str | None, typer.Option(help="Put captions (.srt, .vtt, .ass) on this timeline instead, on top.")
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Make a timeline of another program's file, and say what was not understood. Example: cutroom timeline import cut.edl --rate 25."""
    setup = of(ctx, state_folder, url, json, verbose)
    width, height = _size(size)
    asked = TimelineImportRequest(
        text=file_text(file),
        file_name=file.name,
        format=None if format_name is None else _format(format_name),
        name=name,
        assets=_assets(asset or ()),
        rate=None if rate is None else _rate(rate),
        width=width,
        height=height,
    )
    raise typer.Exit(asyncio.run(_import(setup, asked, into)))


def export_command(
    ctx: typer.Context,
    timeline: TimelineId,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file; its end says the format.")],
    format_name: Annotated[
        str | None, typer.Option("--format", help="The format; else told by the file's name.")
    ] = None,
    version: Version = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write a timeline as a file of another program, and say what the file cannot carry. Example: cutroom timeline export last -o cut.fcpxml."""
    setup = of(ctx, state_folder, url, json, verbose)
    form = _format(format_name or _ENDS.get(output.suffix.lower(), output.suffix.lower().lstrip(".")))
    if output.exists() and not force:
        raise CommandError(f"{output} is there already; name another file, or give --force", CONFLICT)
    if not output.absolute().parent.is_dir():
        raise CommandError(f"there is no folder {output.absolute().parent}", NOT_FOUND)
    raise typer.Exit(asyncio.run(_export(setup, timeline, form, version, output)))


async def _import(setup: Setup, asked: TimelineImportRequest, into: str | None) -> int:
    async with connected(setup, start=True) as (client, _):
        if into is not None:
            asked = replace(asked, into=await find_timeline(client, into))
        made = await client.import_timeline(asked)
    if setup.json:
        setup.document(made)
        return DONE
    setup.result().print(f"{made.timeline_id} holds what {asked.file_name} says ({made.format})")
    told_losses(setup, made.losses, "not understood")
    return DONE


async def _export(setup: Setup, asked: str, form: Format, version: int | None, output: Path) -> int:
    async with connected(setup, start=True) as (client, _):
        name = await find_timeline(client, asked)
        made = await client.export_timeline(name, form, version=version)
    place = _written(output, made)
    if setup.json:
        told: dict[str, Any] = {"timeline_id": name, "format": made.format, "output": place}
        setup.document({**told, "bytes": len(made.text.encode()), "losses": to_builtins(made.losses)})
        return DONE
    setup.result().print(f"{output} holds {name} ({made.format})")
    told_losses(setup, made.losses, "not carried")
    return DONE


def told_losses(setup: Setup, losses: Sequence[Loss], what: str) -> None:
    """Say on standard error what did not come along."""
    talk = setup.talk()
    if not losses:
        return
    talk.print(Text(f"{len(losses)} {what}:"))
    for loss in losses:
        where = f"{loss.where}: " if loss.where else ""
        talk.print(Text(f"  {where}{loss.what} ({loss.why})"))


def _written(output: Path, made: TimelineExport) -> str:
    """Write the file whole or not at all; return its absolute path."""
    staged = output.with_name(f".{output.name}.part")
    try:
        staged.write_bytes(made.text.encode())
        staged.replace(output)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise CommandError(f"{output} cannot be written: {error.strerror}") from error
    return str(output.absolute())


def file_text(file: Path) -> str:
    """Return a file's text, whatever usual encoding it has.

    Raises:
        CommandError: it is not there, too large, or no text.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise CommandError(f"there is no file {file}", NOT_FOUND) from error
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > FILE_MOST:
        raise CommandError(f"{file} has {len(data)} bytes; at most {FILE_MOST} are taken")
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CommandError(f"{file} is no text; cutroom reads {', '.join(FORMATS)}")


def _format(name: str) -> Format:
    for one in FORMATS:
        if one == name.lower():
            return one
    instead = "; AAF is not written: use fcpxml, otio or edl" if name.lower() == "aaf" else ""
    raise CommandError(f"no format is called {name!r}; there are {', '.join(FORMATS)}{instead}")


def _assets(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, equals, asset_id = one.rpartition("=")
        if not (equals and name and asset_id):
            raise CommandError(f"--asset {one!r} is not NAME=ASSET_ID")
        found[name] = asset_id
    return found


def _rate(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise CommandError(f"--rate {text!r} is no rate; 25 or 30000/1001 is") from error


def _size(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise CommandError(f"--size {text!r} is no size; 1920x1080 is")
    return int(width), int(height)
