"""The log as a whole, from the command line: proved, copied, written out, brought back.

Each works beside a running daemon, through it, and without one, where `engine.maintenance` has the files to itself.
"""

import asyncio
import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import IO, Annotated, Any, Final, TypeVar

import typer

from clients.cli.daemon import answers
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from clients.cli.tokens import span_ms, time_ms
from clients.clock import now_ms
from clients.view.words import size_text
from cutroom_sdk.client import Client
from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.log import BackedUp, CompactedLog, CompactRequest, LogProof, ReplayProof, Restored
from cutroom_sdk.wire.problems import CONFLICT, DONE, FAILED, NOT_FOUND, UNAVAILABLE, USAGE

T = TypeVar("T")
# -P: a folder called `engine` where the user happens to be must not be taken for ours.
MAINTAIN: Final = (sys.executable, "-P", "-m", "engine.maintenance")
Context = typer.Context


async def _through_daemon(setup: Setup, ask: Callable[[Client], Coroutine[Any, Any, T]]) -> T | None:
    """Return what the daemon answers, None when none runs."""
    async with Client(setup.locate) as client:
        if setup.locate() is not None and await answers(client):
            return await ask(client)
    if setup.remote:
        address = setup.locate()
        raise CommandError(f"no daemon answers at {address.url if address else setup.url}", UNAVAILABLE)
    return None


async def _maintain(setup: Setup, *arguments: str | Path, out: IO[bytes] | None = None) -> bytes:
    """Have the work done on the files themselves; return what was printed, unless it goes to `out`.

    Raises:
        CommandError: what the work ended with. That a proof failed is no error: its answer is there.
    """
    process = await asyncio.create_subprocess_exec(
        *MAINTAIN,
        "--state-dir",
        str(setup.folder),
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE if out is None else out,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await process.communicate()
    assert process.returncode is not None
    if process.returncode != DONE and not said:
        lines = complaint.decode(errors="replace").strip().splitlines() or ["the work on the log failed"]
        raise CommandError(lines[-1].removeprefix("cutroom: "), process.returncode)
    return said or b""


async def _verify(setup: Setup) -> int:
    proof = await _through_daemon(setup, Client.prove_log)
    if proof is None:
        proof = decode(await _maintain(setup, "verify"), LogProof)
    if setup.json:
        setup.document(proof)
    elif proof.sound:
        beside = f", the anchor at {proof.anchor.position}" if proof.anchor else ", and no anchor beside it"
        setup.result().print(f"the log is sound: {proof.events} events{beside}; head {proof.hash}")
    else:
        for finding in proof.findings:
            setup.result().print(finding.detail, markup=False)
    return DONE if proof.sound else FAILED


async def _replay(setup: Setup) -> int:
    proof = await _through_daemon(setup, Client.check_replay)
    if proof is None:
        proof = decode(await _maintain(setup, "replay"), ReplayProof)
    if setup.json:
        setup.document(proof)
    elif proof.difference is None:
        setup.result().print(
            f"{proof.events} events of {proof.streams} streams come to the {proof.resources} resources that are published"
        )
    else:
        setup.result().print(f"at {proof.difference.position}: {proof.difference.detail}", markup=False)
    return DONE if proof.equal else FAILED


async def _back_up(setup: Setup, target: Path) -> int:
    told = await _through_daemon(setup, lambda client: _fetch(client, target))
    if told is None:
        told = decode(await _maintain(setup, "backup", target), BackedUp)
    if setup.json:
        setup.document(told)
    else:
        setup.result().print(
            f"{told.file}: the log up to {told.position}, sha256 {told.sha256}", markup=False
        )
    return DONE


async def _fetch(client: Client, target: Path) -> BackedUp:
    digest = hashlib.sha256()
    with _new(target) as file:
        async with client.backup() as answer:
            async for part in answer.aiter_raw():
                digest.update(part)
                file.write(part)
        if digest.hexdigest() != answer.headers.get("Cutroom-SHA256"):
            raise CommandError("the backup arrived damaged; try again", FAILED)
    return BackedUp(
        file=str(target), position=int(answer.headers["Cutroom-Position"]), sha256=digest.hexdigest()
    )


async def _export(setup: Setup, after: int, target: Path | None) -> int:
    with contextlib.nullcontext(sys.stdout.buffer) if target is None else _new(target) as file:
        if await _through_daemon(setup, lambda client: _write_lines(client, after, file)) is None:
            await _maintain(setup, "export", "--after", str(after), out=file)
    if target is not None:
        setup.talk().print(f"the events after {after} are in {target}", markup=False)
    return DONE


async def _write_lines(client: Client, after: int, file: IO[bytes]) -> bool:
    async with client.export_log(after) as answer:
        async for part in answer.aiter_raw():
            file.write(part)
    return True


async def _compact(setup: Setup, asked: CompactRequest) -> int:
    told = await _through_daemon(
        setup, lambda client: client.compact_log(before=asked.before, before_at_ms=asked.before_at_ms)
    )
    if told is None:
        where = (
            ("--before", asked.before) if asked.before is not None else ("--before-ms", asked.before_at_ms)
        )
        told = decode(await _maintain(setup, "compact", *map(str, where)), CompactedLog)
    if setup.json:
        setup.document(told)
        return DONE
    if told.events:
        said = f"{told.events} events went; the log begins after {told.position}, with {told.streams} streams and "
        said += f"{told.resources} resources; its file has {size_text(told.bytes_after)}, after {size_text(told.bytes_before)}"
    else:
        said = f"there was nothing to do: the log begins after {told.position}"
    setup.result().print(said)
    if told.held_by:
        setup.talk().print(f"[yellow]no further for now: the {told.held_by} have not seen what comes next[/]")
    return DONE


def _wanted(before: str, now: int) -> CompactRequest:
    """Return what is to go: before a position, a time, or a time so long before `now`.

    Raises:
        CommandError: it is none of these.
    """
    text = before.strip()
    if text.isascii() and text.isdigit() and 1 <= int(text) < 1 << 63:
        return CompactRequest(before=int(text))
    span = span_ms(text)
    try:
        at_ms = time_ms(text) if span is None else now - span
    except (ValueError, OverflowError):
        at_ms = -1
    if at_ms < 0:
        raise CommandError(
            f"--before is {before!r}; a position such as 120000, an age such as 30d, or a time such as "
            "2027-01-31T18:00, is taken",
            USAGE,
        )
    return CompactRequest(before_at_ms=at_ms)


def _check_source(setup: Setup, how: str, source: Path) -> None:
    if setup.remote:
        raise CommandError(
            f"'cutroom {'log import' if how == 'import' else how}' works on the files of a state directory that no "
            "daemon holds; name it with --state-dir, without --url",
            USAGE,
        )
    if not source.is_file():
        raise CommandError(f"there is no file {source}", NOT_FOUND)


async def _bring_back(setup: Setup, how: str, source: Path) -> int:
    _check_source(setup, how, source)
    told = decode(await _maintain(setup, how, source), Restored)
    if setup.json:
        setup.document(told)
    else:
        setup.result().print(
            f"{setup.folder} holds the log up to {told.position}, head {told.hash}", markup=False
        )
    if told.rebuilt:
        setup.talk().print("what the backup published was damaged: it was written anew from its log")
    return DONE


@contextlib.contextmanager
def _new(target: Path) -> Iterator[IO[bytes]]:
    """Open a file that is not there yet; it is whole and on disk afterwards, or not there."""
    if target.exists():
        raise CommandError(f"{target} is there already; name another file", CONFLICT)
    if not target.parent.is_dir():
        raise CommandError(f"there is no folder {target.parent}; make it, or name another file", NOT_FOUND)
    coming = target.with_name(f".{target.name}.part")
    try:
        with os.fdopen(os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        coming.rename(target)
    finally:
        coming.unlink(missing_ok=True)


def verify_command(
    ctx: Context, state_folder: StateDir = None, url: Url = None, json: Json = False, verbose: Verbose = False
) -> None:
    """Prove that the log is what was written: hashes, gaps, its end, the file. Exit code 1 when it is not.

    Example: cutroom log verify
    """
    raise typer.Exit(asyncio.run(_verify(of(ctx, state_folder, url, json, verbose))))


def export_command(
    ctx: Context,
    after: Annotated[int, typer.Option(help="Begin after this position.", min=0)] = 0,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file; else here.")] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write the events with their hashes, one JSON object a line. Example: cutroom log export -o log.jsonl."""
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(_export(setup, after, output.absolute() if output else None)))


def compact_command(
    ctx: Context,
    before: Annotated[
        str, typer.Option(help="A position, an age such as 30d, or a time such as 2027-01-31T18:00.")
    ],
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Replace old events by what they came to; nothing of today's state changes. Export or back up first to keep them.

    Example: cutroom log compact --before 90d
    """
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(_compact(setup, _wanted(before, now_ms()))))


def import_command(
    ctx: Context,
    source: Annotated[Path, typer.Argument(help="What 'cutroom log export' wrote, from the beginning on.")],
    state_folder: StateDir = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take an exported log into an empty state directory, its hashes checked.

    Example: cutroom log import log.jsonl --state-dir elsewhere
    """
    setup = of(ctx, state_folder, None, json, verbose)
    raise typer.Exit(asyncio.run(_bring_back(setup, "import", source.absolute())))


def backup_command(
    ctx: Context,
    target: Annotated[Path, typer.Argument(help="The new file.", metavar="FILE")],
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Copy the log and all state into one file; what runs goes on. Media are not in it.

    Example: cutroom backup monday.cutroom
    """
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(_back_up(setup, target.absolute())))


def restore_command(
    ctx: Context,
    source: Annotated[Path, typer.Argument(help="What 'cutroom backup' wrote.", metavar="FILE")],
    state_folder: StateDir = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Go back to a backup, which is proved first; what was there is moved aside. The daemon must be stopped.

    Example: cutroom restore monday.cutroom
    """
    setup = of(ctx, state_folder, None, json, verbose)
    raise typer.Exit(asyncio.run(_bring_back(setup, "restore", source.absolute())))


def replay_command(
    ctx: Context,
    check: Annotated[bool, typer.Option("--check", help="Compare, and change nothing.")] = False,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Fold the log from where it begins and compare with what is published. Exit code 1 when they differ.

    Example: cutroom replay --check
    """
    if not check:
        raise CommandError("replay compares and changes nothing; say so with --check", USAGE)
    raise typer.Exit(asyncio.run(_replay(of(ctx, state_folder, url, json, verbose))))


def add_to(app: typer.Typer, log: typer.Typer) -> None:
    """Add the commands to `cutroom` and to `cutroom log`."""
    log.command("verify")(verify_command)
    log.command("export")(export_command)
    log.command("compact")(compact_command)
    log.command("import")(import_command)
    app.command("backup")(backup_command)
    app.command("restore")(restore_command)
    app.command("replay")(replay_command)
