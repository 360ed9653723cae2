"""Renders followed from the command line: asked for, watched with the time left, canceled by Ctrl-C, delivered."""

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from clients import paint
from clients.cli.daemon import Started, connected
from clients.cli.delivery import deliver
from clients.cli.options import CommandError, Setup
from clients.cli.revival import Revival
from clients.cli.stopping import Interrupted, stopping, unless
from clients.cli.subject import timeline_of
from clients.clock import monotonic_s
from clients.view import rows
from clients.view.words import eta_text, size_text
from cutroom_sdk.client import Client
from cutroom_sdk.errors import SdkError
from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.problems import CANCELED, CODES, CONFLICT, DONE, FAILED
from cutroom_sdk.wire.renders import Render, RenderError, RenderRequest, Sidecar

OVER: Final = ("completed", "failed", "canceled")
SUFFIXES: Final = {"mp4": (".mp4", ".m4v"), "mov": (".mov",), "mkv": (".mkv",), "webm": (".webm",)}
RESUMED: Final = ("paused", "failed", "canceled")
LINE_EVERY_S: Final = 5.0
TICK_S: Final = 0.5  # how often it is seen to that the daemon is there


async def render(
    setup: Setup,
    what: str,
    asked: RenderRequest,
    target: Path | None,
    *,
    executor: str | None = None,
    force: bool = False,
) -> int:
    """Have a timeline, or what a file holds, rendered, and put the file in its place; return the exit code.

    Raises:
        CommandError, SdkError: it cannot be asked for, or not delivered.
    """
    with stopping() as stop:
        async with connected(setup, start=True) as (client, daemon):
            if target is not None:
                await check_suffix(client, asked.profile, target)
            if executor is not None:
                await check_executor(client, executor)
            try:
                name = await timeline_of(setup, client, what)
                begun = await unless(stop, started(client, replace(asked, timeline_id=name)))
            except Interrupted:
                return CANCELED
            done = await followed(setup, client, begun, stop, daemon)
            if done.state == "completed" and target is not None:
                await deliver(client, done, target, force=force)
    return told(setup, done, target)


async def check_executor(client: Client, wanted: str) -> None:
    """See to it that the daemon has its segments made where this render wants it: that is a setting of the daemon's.

    Raises:
        CommandError: it has them made elsewhere.
    """
    features = (await client.ready()).features
    now = next((one.detail for one in features if one.name == "executor"), "local")
    if now != wanted:
        raise CommandError(
            f"the daemon has segments made by {now}, not by {wanted}; "
            "end it with 'cutroom stop', or set executor in cutroom.toml and start it anew",
            CONFLICT,
        )


async def started(client: Client, asked: RenderRequest) -> Render:
    """Ask for a render; one that somebody has paused goes on, for who asks wants it now."""
    job = await client.ask_render(asked)
    return await client.resume_render(job.render_id) if job.state in RESUMED else job


async def followed(
    setup: Setup, client: Client, begun: Render, stop: asyncio.Event, daemon: Started | None = None
) -> Render:
    """Stay with a render until it is over and return it; when `stop` is set it is canceled."""
    key = f"render/{begun.render_id}"
    replica = Replica(partial(client.resource_stream, prefixes=[key]), wants=lambda one: one == key)
    revival = Revival(setup, client, replica, daemon)
    async with replica.following():
        with Bar(setup.talk()) as bar:
            now = begun
            while now.state not in OVER:
                progress = replica.shelf.progress.get(key)
                bar.show(
                    now, progress.done if progress else None, progress.eta_s if progress else now.progress.eta_s,
                    progress.note if progress else now.state,
                )  # fmt: skip
                try:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(TICK_S):
                            await unless(stop, replica.changed())
                except Interrupted:
                    return await _canceled(client, now)
                await revival.trouble()
                now = replica.shelf.value(key, Render) or now
    return now


async def _canceled(client: Client, now: Render) -> Render:
    try:
        return await client.cancel_render(now.render_id)
    except SdkError as error:
        if error.code != "event_rejected":
            raise
        return await client.render(now.render_id)  # it was done just then


def told(setup: Setup, done: Render, target: Path | None) -> int:
    """Print how a render ended and return the exit code: what was asked for wrongly is told from work that failed."""
    if setup.json:
        setup.document(done)
    else:
        _print(setup, done, target)
    if done.state == "completed":
        failed = [check.name for check in done.checks if check.status == "fail"]
        if failed:
            setup.talk().print(f"[yellow]checks failed[/]: {', '.join(failed)}")
        return DONE
    if done.state == "canceled":
        setup.talk().print("canceled; the same command reuses what is finished")
        return CANCELED
    assert done.error is not None, "what failed says why"
    setup.talk().print(f"[red]failed[/]: {escape(error_text(done.error))}")
    return CODES[done.error.code].exit if done.error.code in CODES else FAILED


def error_text(error: RenderError) -> str:
    """Return where and why a render failed, in one line.

    >>> error_text(RenderError(stage="decode", cause="the frame is damaged", segment=3, clip="c7", frame=40))
    'the frame is damaged (decode, segment 3, clip c7, frame 40)'
    """
    where: list[str] = [error.stage]
    for name, value in (("segment", error.segment), ("clip", error.clip), ("frame", error.frame)):
        if value is not None:
            where.append(f"{name} {value or 'black'}")
    return f"{error.cause} ({', '.join(where)})"


def _print(setup: Setup, done: Render, target: Path | None) -> None:
    if done.output is None:
        return
    console = setup.result()
    counts = done.segments
    facts = [
        ("render", done.render_id),
        ("file", str(target or done.output.path)),
        ("size", size_text(done.output.bytes)),
        ("frames", str(done.progress.total_frames)),
        ("segments", f"{counts.rendered} made, {counts.cached} from earlier work"),
    ]
    facts += [("captions", _sidecar_text(one, target)) for one in done.sidecars]
    console.print(paint.facts_table(facts))
    console.print(paint.checks_table(rows.check_rows(done.checks)))
    for notice in done.notices:
        setup.talk().print(escape(notice), style="dim")
    for one in done.sidecars:
        for loss in one.losses:
            where = f"{loss.where}: " if loss.where else ""
            setup.talk().print(
                escape(f"not in the {one.format}: {where}{loss.what} ({loss.why})"), style="dim"
            )


def _sidecar_text(one: Sidecar, target: Path | None) -> str:
    place = f"{one.format}, not fetched" if target is None else str(target.with_name(one.beside(target.name)))
    return f"{place}: {one.captions} of the track {one.track}"


class Bar:
    """How far a render is: a bar on a terminal, a line now and then elsewhere. Use as a context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[eta]}"),
            console=console, transient=True,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._told_s = 0.0
        self._told = ""

    def __enter__(self) -> "Bar":
        if self._console.is_terminal:
            self._task = self._bar.add_task("", total=1, eta="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, render: Render, done: float | None, eta_s: float | None, note: str) -> None:
        """Show how many frames are done, None: as the render says."""
        frames = render.progress.done_frames if done is None else done
        self.tell(note.partition(":")[0], frames, max(1, render.progress.total_frames), eta_s)

    def tell(self, words: str, frames: float, total: int, eta_s: float | None) -> None:
        """Show how many frames of `total` are done; `eta_s` None: it cannot be told yet."""
        eta = eta_text(eta_s) if eta_s is not None else ""
        if self._task is not None:
            self._bar.update(self._task, completed=frames, total=total, description=words, eta=eta)
            return
        now_s = monotonic_s()
        if words != self._told or now_s - self._told_s >= LINE_EVERY_S:
            self._told, self._told_s = words, now_s
            self._console.print(f"{words}: {frames / total:.0%} {eta}".rstrip())


async def check_suffix(client: Client, profile: str, target: Path) -> None:
    """Check that a file is called what the profile makes; a profile that is not known is the daemon's to refuse.

    Raises:
        CommandError: it is not.
    """
    for one in await client.profiles():
        if one.name == profile and target.suffix.lower() not in SUFFIXES[one.container]:
            wanted = SUFFIXES[one.container][0]
            raise CommandError(f"{profile} makes a {wanted} file; name {target.name} so")


def check_target(target: Path) -> None:
    """Check that a file can be put where it is wanted, before anything is begun.

    Raises:
        CommandError: there is no such folder.
    """
    if not target.parent.is_dir():
        raise CommandError(f"there is no folder {target.parent}; make it, or name another output")
