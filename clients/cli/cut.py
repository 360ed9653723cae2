"""`cutroom cut`: spans of one file as a new file, exact to the frame, encoded only where it has to be."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from clients.cli import files, rendering
from clients.cli import spans as spans_of
from clients.cli.daemon import connected
from clients.cli.delivery import deliver
from clients.cli.edit import taken_in
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from clients.cli.spans import Moment, Span
from clients.cli.stopping import Interrupted, stopping, unless
from clients.view.words import size_text
from cutroom_sdk.client import Client
from cutroom_sdk.wire.media import Asset, VideoStream
from cutroom_sdk.wire.problems import CANCELED, CODES, DONE, FAILED
from cutroom_sdk.wire.renders import Render, RenderRequest
from cutroom_sdk.wire.timeline import AssetReference, Clip, Timeline, TimeRange, Track

# Where the timeline says which frames its clips are: times alone name them less exactly where frames come unevenly.
FRAMES: Final = "cut_frames"
TIMES_MOST: Final = 1000
Frames = tuple[int, int]

KEEP_HELP: Final = "What to keep: A-B,C-D; a time is 1.5, HH:MM:SS.mmm, HH:MM:SS:FF or 45f."
FAST_HELP: Final = "Exact to the frame, or widened to where nothing has to be encoded."


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line, checked."""

    source: Path
    keep: list[Span]
    output: Path
    fast: bool


def add_to(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command("cut")(cut_command)


def cut_command(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(help="The footage.", metavar="FILE")],
    keep: Annotated[str, typer.Option("--keep", help=KEEP_HELP)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file. Default: NAME-cut.mp4 here.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast/--exact", help=FAST_HELP)] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that did not come from here.")
    ] = False,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Keep spans of a file, exact to the frame.

    Example: cutroom cut talk.mp4 --keep 1.5-4,10-12.25 -o out.mp4

    H.264 and H.265 are copied where they lie untouched, and only the frames around the cuts are encoded. Spans are half open; 0 is the
    first frame shown; a time between two frames goes to the nearer one's start.
    """
    setup = of(ctx, state_folder, url, json, verbose)
    asked = spans_of.spans(keep)
    (footage,) = files.footage([source])
    target = files.output_path(output, [footage], "cut", Path.cwd())
    rendering.check_target(target)
    files.check_free(target, force=force)
    raise typer.Exit(asyncio.run(cut(setup, Wanted(source=footage, keep=asked, output=target, fast=fast))))


async def cut(setup: Setup, wanted: Wanted) -> int:
    """Carry the command out; return its exit code.

    Raises:
        CommandError, SdkError: it cannot be asked for, or not delivered.
    """
    with stopping() as stop:
        async with connected(setup, start=True) as (client, daemon):
            try:
                asset, kept, begun = await unless(stop, _begun(setup, client, wanted))
            except Interrupted:
                return CANCELED
            done = await rendering.followed(setup, client, begun, stop, daemon)
            if done.state != "completed":
                return _failed(setup, done)
            await deliver(client, done, wanted.output)
            report = await _report(client, asset, kept, done, wanted.output)
    _tell(setup, done, report)
    return DONE


async def _begun(setup: Setup, client: Client, wanted: Wanted) -> tuple[Asset, list[Frames], Render]:
    asset = await taken_in(setup, client, wanted.source)
    if asset.video is None:
        raise CommandError(f"{wanted.source.name} has no picture to cut")
    kept, timeline = await _timeline(client, asset, asset.video, wanted)
    asked = RenderRequest(profile="copy" if wanted.fast else "cut", timeline=timeline)
    return asset, kept, await rendering.started(client, asked)


async def _timeline(
    client: Client, asset: Asset, video: VideoStream, wanted: Wanted
) -> tuple[list[Frames], Timeline]:
    moments = [moment for span in wanted.keep for moment in (span.start, span.end)]
    found = await _frames(client, asset, video, moments)
    kept = spans_of.frames(wanted.keep, list(zip(found[::2], found[1::2], strict=True)))
    starts = await _starts(client, asset, kept)
    clips = []
    for number, (start, end) in enumerate(starts):
        # A timeline's clips last whole frames of its rate; which frames they are is said beside them.
        lasts = max(1, round((end - start) * video.rate)) / video.rate
        clips.append(
            Clip(
                id=f"span-{number}",
                media=AssetReference(asset_id=asset.asset_id),
                source_range=TimeRange(start=start, duration=lasts),
            )
        )
    tracks = [Track(kind="video", name="picture", items=tuple(clips))]
    if asset.audio is not None:
        heard = tuple(_heard(clip) for clip in clips)
        tracks.append(Track(kind="audio", name="sound", items=heard))
    return kept, Timeline(
        name=wanted.output.stem,
        rate=video.rate,
        width=max(16, video.width // 2 * 2),
        height=max(16, video.height // 2 * 2),
        sample_rate=asset.audio.sample_rate if asset.audio is not None else 48_000,
        tracks=tuple(tracks),
        metadata={FRAMES: [list(one) for one in kept]},
    )


def _heard(clip: Clip) -> Clip:
    return Clip(id=f"{clip.id}-sound", media=clip.media, source_range=clip.source_range)


async def _frames(client: Client, asset: Asset, video: VideoStream, moments: Sequence[Moment]) -> list[int]:
    """Return the frames that begin nearest to moments.

    Raises:
        CommandError: one lies beyond the end.
    """
    end = await client.frame_times(asset.asset_id, [])
    grace = 1 / (2 * video.rate)
    for moment in moments:
        named = moment.named(video.rate)
        frame = int(named[:-1]) if named.endswith("f") else None
        beyond = frame > end.frame_count if frame is not None else Fraction(named) > end.duration + grace
        if beyond:
            raise CommandError(
                f"{moment.text} lies beyond the end: {asset.name} has {end.frame_count} frames,"
                f" {float(end.duration):.3f} s"
            )
    names = [moment.named(video.rate) for moment in moments]
    return [frame for part in _parts(names) for frame in await _numbers(client, asset, part)]


async def _numbers(client: Client, asset: Asset, names: Sequence[str]) -> list[int]:
    return [one.frame for one in (await client.frame_times(asset.asset_id, names)).items]


async def _starts(client: Client, asset: Asset, kept: Sequence[Frames]) -> list[tuple[Fraction, Fraction]]:
    names = [f"{frame}f" for span in kept for frame in span]
    found = [
        one.start for part in _parts(names) for one in (await client.frame_times(asset.asset_id, part)).items
    ]
    return list(zip(found[::2], found[1::2], strict=True))


def _parts(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[at : at + TIMES_MOST] for at in range(0, len(names), TIMES_MOST)]


async def _report(
    client: Client, asset: Asset, kept: Sequence[Frames], done: Render, output: Path
) -> dict[str, Any]:
    assert asset.video is not None, "checked before"
    assert done.output is not None, "completed renders have one"
    made, rendered = done.cut, done.segments
    if made is not None:
        kept = [(one.start_frame, one.end_frame) for one in made.spans]
    counts = (made.copy, made.edge, made.render) if made else (0, 0, rendered.rendered + rendered.cached)
    frames = done.progress.total_frames
    seconds = frames / asset.video.rate
    if asset.video.variable_rate and made is not None:
        seconds = sum((end - start for start, end in await _starts(client, asset, kept)), Fraction(0))
    return {
        "output": str(output),
        "sha256": done.output.sha256,
        "frames": frames,
        "duration_s": round(float(seconds), 6),
        "spans": [{"start_frame": start, "end_frame": end} for start, end in kept],
        "segments": dict(zip(("copy", "edge", "render"), counts, strict=True)),
        "plan_hash": done.plan_hash,
    }


def _tell(setup: Setup, done: Render, report: dict[str, Any]) -> None:
    for notice in done.notices:
        setup.talk().print(escape(notice), style="dim")
    failed = [check.name for check in done.checks if check.status == "fail"]
    if failed:
        setup.talk().print(f"[yellow]checks failed[/]: {', '.join(failed)}")
    if setup.json:
        setup.document(report)
        return
    console = setup.result()
    assert done.output is not None, "completed renders have one"
    spans = ", ".join(f"{one['start_frame']}f-{one['end_frame']}f" for one in report["spans"])
    console.print(f"{escape(report['output'])}: {report['duration_s']:.3f} s, {size_text(done.output.bytes)}")
    console.print(f"kept {spans}: {report['frames']} frames", style="dim")
    if done.cut is not None:
        copied = done.cut.copied_frames
        console.print(f"{copied} frames copied, {report['frames'] - copied} encoded", style="dim")


def _failed(setup: Setup, done: Render) -> int:
    if done.state == "canceled":
        setup.talk().print("canceled; the same command reuses what is finished")
        return CANCELED
    assert done.error is not None, "what failed says why"
    setup.talk().print(f"[red]failed[/]: {escape(rendering.error_text(done.error))}")
    return CODES[done.error.code].exit if done.error.code in CODES else FAILED
