"""Memory from the command line: what is to be remembered comes from standard input or an argument."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from clients import paint
from clients.cli.daemon import connected
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from cutroom_sdk.client import Client
from cutroom_sdk.wire.codec import Wire, convert, to_builtins
from cutroom_sdk.wire.memory import MemoryMoved, MemoryRequest, SolutionCapsule, Tier
from cutroom_sdk.wire.problems import DONE, REFUSED

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What is remembered: scrubbed of secrets, kept by tier, erasable for good.",
)
Context = typer.Context
MemoryId = Annotated[str, typer.Argument(help="The memory's id.")]
TierOption = Annotated[str, typer.Option(help="session, project, team or curated.")]
Workspace = Annotated[str | None, typer.Option(help="The workspace.")]
Project = Annotated[str | None, typer.Option(help="The project.")]
Reason = Annotated[str, typer.Option(help="Why; erased together with the memory.")]


def _end(setup: Setup, work: Callable[[Setup], Awaitable[int]]) -> None:
    async def carried_out() -> int:
        return await work(setup)

    raise typer.Exit(asyncio.run(carried_out()))


def _tier(text: str) -> Any:
    if text not in get_args(Tier):
        raise CommandError(f"{text!r} is no tier; there are {', '.join(get_args(Tier))}")
    return text


def _text(given: str) -> str:
    if given != "-":
        return given
    try:
        return sys.stdin.buffer.read(1 << 17).decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise CommandError("what comes on standard input is not text in UTF-8") from None


def _capsule(file: Path | None) -> SolutionCapsule | None:
    if file is None:
        return None
    try:
        return convert(msgspec.json.decode(file.read_bytes()), SolutionCapsule)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise CommandError(f"{file} is no solution capsule: {error}") from error


@app.command("put")
def put(
    ctx: Context,
    text: Annotated[
        str, typer.Argument(help="What is to be remembered; - takes it from standard input.")
    ] = "-",
    kind: Annotated[
        str, typer.Option(help="note or fact; with --capsule it is a solution_capsule.")
    ] = "note",
    tier: TierOption = "session",
    workspace: Annotated[str, typer.Option(help="The workspace.")] = "default",
    project: Annotated[str, typer.Option(help="The project.")] = "default",
    restricted: Annotated[bool, typer.Option("--restricted", help="Keep it in its project.")] = False,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be given several times.")] = None,
    source: Annotated[
        str | None, typer.Option(help="The key of what it was learnt from, such as mission/ID.")
    ] = None,
    capsule: Annotated[
        Path | None, typer.Option(help="A JSON file with problem, approach, evidence, outcome.")
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Remember something; secrets are taken out first. Example: cutroom memory put "cut on the beat" --tag rhythm."""
    setup = of(ctx, state_folder, url, json, verbose)
    content = {
        "text": "" if capsule and text == "-" else _text(text),
        "kind": "solution_capsule" if capsule else kind,
        "tier": _tier(tier),
        "workspace": workspace,
        "project": project,
        "classification": "restricted" if restricted else "internal",
        "tags": tag or [],
        "source": source,
    }
    try:
        asked = convert({**content, "capsule": to_builtins(_capsule(capsule))}, MemoryRequest)
    except msgspec.ValidationError as error:
        raise CommandError(str(error)) from error

    async def work(setup: Setup) -> int:
        async with connected(setup, start=True) as (client, _):
            stored = await client.remember(asked)
        _show(setup, stored)
        return REFUSED if stored.status == "blocked" else DONE

    _end(setup, work)


@app.command("get")
def get(
    ctx: Context,
    memory: MemoryId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show a memory and what it says."""

    async def work(setup: Setup) -> int:
        async with connected(setup, start=True) as (client, _):
            entry = await client.memory(memory)
        if setup.json:
            setup.document(entry)
        else:
            said = to_builtins(entry.document)
            facts = to_builtins(entry.memory) | {name: one for name, one in said.items() if one}
            setup.result().print(paint.facts_table([(name, _plain(one)) for name, one in facts.items()]))
        return DONE

    _end(of(ctx, state_folder, url, json, verbose), work)


@app.command("list")
def list_(
    ctx: Context,
    tier: Annotated[str | None, typer.Option(help="Only this tier.")] = None,
    workspace: Workspace = None,
    project: Project = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List what is remembered, without what it says."""

    async def work(setup: Setup) -> int:
        async with connected(setup, start=True) as (client, _):
            found = await client.memories(
                tier=None if tier is None else _tier(tier), workspace=workspace, project=project
            )
        rows = [(one.memory_id, one.tier, one.kind, f"{one.workspace}/{one.project}") for one in found]
        _show_rows(setup, to_builtins(found), rows, "nothing is remembered")
        return DONE

    _end(of(ctx, state_folder, url, json, verbose), work)


@app.command("search")
def search(
    ctx: Context,
    query: Annotated[str, typer.Argument(help='Words, "a phrase", begin*, #tag.')],
    tier: Annotated[list[str] | None, typer.Option(help="Only in these tiers; else in all.")] = None,
    workspace: Workspace = None,
    project: Project = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100)] = 20,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Find what is remembered, the best first. Example: cutroom memory search "the beat" --project film."""

    async def work(setup: Setup) -> int:
        tiers = [_tier(one) for one in tier or []]
        async with connected(setup, start=True) as (client, _):
            hits = await client.search_memory(
                query, tiers=tiers, workspace=workspace, project=project, limit=limit
            )
        if setup.json:
            setup.document(hits)
            return DONE
        rows = [
            (one.memory_id, one.tier, f"{one.score:.2f}", one.text.replace("\n", " ")) for one in hits.items
        ]
        _show_rows(setup, [], rows, "nothing is found")
        if hits.blocked_scopes:
            setup.talk().print(f"not looked at, for the token may not: {', '.join(hits.blocked_scopes)}")
        return DONE

    _end(of(ctx, state_folder, url, json, verbose), work)


@app.command("promote")
def promote(
    ctx: Context,
    memory: MemoryId,
    to: TierOption,
    approval: Annotated[str | None, typer.Option(help="The approval that a person has granted.")] = None,
    reason: Reason = "",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Move a memory up, after its review. Example: cutroom memory promote ID --to team."""
    target = _tier(to)
    setup = of(ctx, state_folder, url, json, verbose)
    _end(
        setup,
        lambda one: _moved(
            one, lambda client: client.promote_memory(memory, target, approval_id=approval, reason=reason)
        ),
    )


@app.command("demote")
def demote(
    ctx: Context,
    memory: MemoryId,
    to: TierOption,
    reason: Reason = "",
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Move a memory down. Example: cutroom memory demote ID --to project."""
    target = _tier(to)
    setup = of(ctx, state_folder, url, json, verbose)
    _end(setup, lambda one: _moved(one, lambda client: client.demote_memory(memory, target, reason=reason)))


@app.command("delete")
def delete(
    ctx: Context,
    memory: MemoryId,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Erase a memory for good: its key is destroyed."""

    async def work(setup: Setup) -> int:
        async with connected(setup, start=True) as (client, _):
            deleted = await client.forget(memory)
        if setup.json:
            setup.document(deleted)
        else:
            setup.result().print(
                f"{memory} is {'erased' if deleted.erased else 'being erased'}", highlight=False
            )
        return DONE

    _end(of(ctx, state_folder, url, json, verbose), work)


@app.command("audit")
def audit(
    ctx: Context,
    after: Annotated[int | None, typer.Option(help="After this position.", min=0)] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List every attempt on memory, allowed or not, oldest first."""

    async def work(setup: Setup) -> int:
        async with connected(setup, start=True) as (client, _):
            found = await client.memory_audit(after=after)
        rows = [
            (str(one.position), one.actor, one.action, one.status, one.memory_id or "", one.reason)
            for one in found
        ]
        _show_rows(setup, to_builtins(found), rows, "nobody has tried anything")
        return DONE

    _end(of(ctx, state_folder, url, json, verbose), work)


@app.command("export")
def export(
    ctx: Context,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file for the ciphertext.")],
    keys: Annotated[
        Path | None, typer.Option(help="A file for the keys, to be kept elsewhere; else none are given.")
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write memory to a file, encrypted, and its keys to another. Example: cutroom memory export -o m.jsonl --keys k.jsonl."""

    async def work(setup: Setup) -> int:
        async with connected(setup, start=True) as (client, _):
            await _written(client.export_memory(), output)
            if keys is not None:
                await _written(client.export_memory_keys(), keys)
        told = {"file": str(output), "keys": None if keys is None else str(keys)}
        if setup.json:
            setup.document(told)
        else:
            setup.result().print(" and ".join(one for one in told.values() if one), highlight=False)
        return DONE

    _end(of(ctx, state_folder, url, json, verbose), work)


async def _written(opened: AbstractAsyncContextManager[Any], path: Path) -> None:
    """Write an answer to a new file that its owner alone can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"{path} is there already; name another file") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        async with opened as response:
            async for part in response.aiter_bytes():
                file.write(part)


async def _moved(setup: Setup, ask: Callable[[Client], Awaitable[MemoryMoved]]) -> int:
    async with connected(setup, start=True) as (client, _):
        moved = await ask(client)
    _show(setup, moved)
    if moved.reason == "review_required":
        setup.talk().print(
            f"a person has to approve it first: '{setup.command(f'approval approve {moved.approval_id}')}'"
        )
    return REFUSED if moved.status == "blocked" else DONE


def _show(setup: Setup, told: Wire) -> None:
    if setup.json:
        setup.document(told)
        return
    facts = [(name, _plain(one)) for name, one in to_builtins(told).items() if one]
    setup.result().print(paint.facts_table(facts))


def _show_rows(setup: Setup, items: Any, rows: Sequence[tuple[str, ...]], none: str) -> None:
    if setup.json:
        setup.document({"items": items})
    elif rows:
        table = Table.grid(padding=(0, 2))
        for row in rows:
            table.add_row(*(Text(one) for one in row))
        setup.result().print(table)
    else:
        setup.talk().print(none)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
