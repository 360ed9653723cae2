"""`cutroom render`, `plan`, `frame` and `profiles`: what they take."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final, get_args

import typer
from rich.table import Table
from rich.text import Text

from clients import paint
from clients.cli import files, rendering
from clients.cli.daemon import connected
from clients.cli.delivery import put_bytes
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from clients.cli.subject import timeline_of
from clients.view.words import length_text
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.plans import Dependency, Plan, PlanSound
from cutroom_sdk.wire.problems import CONFLICT, DONE, USAGE
from cutroom_sdk.wire.renders import CaptionsAs, Profile, RenderRequest

SUBJECT_HELP: Final = "A timeline's id, or a file: .otio, .fcpxml, .edl, .json, or footage."
CAPTIONS: Final[tuple[CaptionsAs, ...]] = get_args(CaptionsAs)
OUTPUT_HELP: Final = "The file to write. Without it the film stays with the daemon."


def add_to(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    app.command("render")(render_command)
    app.command("profiles")(profiles_command)
    app.command("plan")(plan_command)
    app.command("frame")(frame_command)


def render_command(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(help=SUBJECT_HELP, metavar="TIMELINE|FILE")],
    profile: Annotated[str, typer.Option(help="The target: 'cutroom profiles' lists them.")] = "source",
    output: Annotated[Path | None, typer.Option("-o", "--output", help=OUTPUT_HELP)] = None,
    job_id: Annotated[
        str | None, typer.Option("--job-id", help="A name for the job: the same one goes on with it.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="The timeline as it was at this version.", min=1)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that did not come from here.")
    ] = False,
    captions: Annotated[
        str | None,
        typer.Option(
            help=f"How it has its captions: {', '.join(CAPTIONS)}. Default: as the profile has them."
        ),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(help="Where segments are made: local, or dask://HOST:PORT (docs/scale-out.md)."),
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Render a timeline to a file.

    Example: cutroom render 01k8 --profile youtube -o out.mp4

    Ctrl-C cancels; the same command again reuses what is finished. The receipt lies beside the file.
    """
    setup = of(ctx, state_folder, url, json, verbose)
    target = None if output is None else _target(output, force=force)
    asked = RenderRequest(profile=profile, job_id=job_id, version=version, captions=captions_as(captions))
    if executor is not None:
        # A daemon that this command starts takes it from its environment; one that runs is asked.
        os.environ["CUTROOM_EXECUTOR"] = executor
    raise typer.Exit(
        asyncio.run(rendering.render(setup, what, asked, target, executor=executor, force=force))
    )


def captions_as(said: str | None) -> CaptionsAs | None:
    """Return how captions are wanted, None: as the profile has them.

    Raises:
        CommandError: there is no such way.
    """
    found = next((one for one in CAPTIONS if one == said), None)
    if said is not None and found is None:
        raise CommandError(f"--captions is {said!r}; there are {', '.join(CAPTIONS)}", USAGE)
    return found


def _target(output: Path, *, force: bool) -> Path:
    target = (Path.cwd() / output.expanduser()).absolute()
    if target.is_dir():
        raise CommandError(f"{target} is a folder; name the file", CONFLICT)
    rendering.check_target(target)
    files.check_free(target, force=force)
    return target


def profiles_command(
    ctx: typer.Context,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List the target profiles: size, rate, codecs, loudness, length, and where the figures come from."""
    raise typer.Exit(asyncio.run(profiles(of(ctx, state_folder, url, json, verbose))))


async def profiles(setup: Setup) -> int:
    """Print what there is."""
    async with connected(setup, start=True) as (client, _):
        found = await client.profiles()
    if setup.json:
        setup.document({"items": to_builtins(found)})
        return DONE
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("profile", "size", "rate", "picture", "sound", "loudness", "length", "captions", "for"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(*(Text(text) for text in profile_row(one)))
    setup.result().print(table)
    return DONE


def profile_row(one: Profile) -> tuple[str, ...]:
    """Return a profile as a row of words."""
    size = f"{one.width}x{one.height}" if one.width and one.height else "as the source"
    rate = str(one.rate) if one.rate else f"{one.rate_min} to {one.rate_max}"
    loudness = "left alone" if one.loudness_lufs is None else f"{one.loudness_lufs:g} LUFS"
    length = "any" if one.max_duration is None else f"up to {length_text(one.max_duration)}"
    if one.min_duration is not None:
        length = (
            f"{length_text(one.min_duration)} and more"
            if one.max_duration is None
            else f"{length_text(one.min_duration)}, {length}"
        )
    return (one.name, size, rate, one.codec, one.audio_codec, loudness, length, one.captions, one.title)


def plan_command(
    ctx: typer.Context,
    timeline: Annotated[str, typer.Argument(help=SUBJECT_HELP, metavar="TIMELINE|FILE")],
    profile: Annotated[str, typer.Option(help="The target: 'cutroom profiles' lists them.")] = "source",
    version: Annotated[
        int | None, typer.Option(help="The timeline as it was at this version.", min=1)
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say what a render would do, and do nothing: segments, what is kept already, choices, warnings.

    Example: cutroom plan 01k8 --profile reels
    """
    setup = of(ctx, state_folder, url, json, verbose)
    raise typer.Exit(asyncio.run(plan(setup, timeline, profile, version)))


async def plan(setup: Setup, timeline: str, profile: str, version: int | None) -> int:
    """Print the plan."""
    async with connected(setup, start=True) as (client, _):
        name = await timeline_of(setup, client, timeline)
        found = await client.timeline_plan(name, profile=profile, version=version)
    if setup.json:
        setup.document(found)
        return DONE
    setup.result().print(paint.facts_table(plan_facts(found)))
    return DONE


def plan_facts(found: Plan) -> Iterator[tuple[str, str]]:
    """Yield what a plan says: what there is to do, in which order, how and why, and what is missing."""
    yield "timeline", f"{found.timeline_id}, version {found.version}"
    yield "plan", found.plan_hash[:16]
    yield "length", f"{found.frames} frames, {length_text(found.duration)}"
    kinds = Counter(one.kind for one in found.segments)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    yield "segments", f"{told or 'none'}; {found.to_render} frames are not made yet"
    encoder = found.encoder
    yield "picture", f"{encoder.codec}, {encoder.width}x{encoder.height} at {encoder.rate}: {encoder.why}"
    yield "", ", ".join(f"{name} {value}" for name, value in encoder.settings.items() if value)
    yield "sound", "none" if found.sound is None else _sound_text(found.sound, kept=bool(found.sound_kept))
    yield from (("ducking", text) for text in (found.sound.ducking if found.sound else ()))
    yield (
        "captions",
        found.captions + (f", beside the film: {', '.join(found.sidecars)}" if found.sidecars else ""),
    )
    yield from (("order", text) for text in found.ordering)
    yield from (("proxies", text) for text in found.proxies)
    yield from (("preview", text) for text in found.preview_warnings)
    yield from (("chosen", text) for text in found.defaults)
    yield from (("made up", text) for text in found.methods)
    yield from (("needs", _dependency_text(one)) for one in found.dependency_notices)
    yield from (("notice", text) for text in found.notices)
    yield from (("warning", text) for text in found.warnings)


def _sound_text(sound: PlanSound, *, kept: bool) -> str:
    loudness = "as loud as it is" if sound.loudness_lufs is None else f"to {sound.loudness_lufs:g} LUFS"
    ceiling = "" if sound.ceiling_dbtp is None else f" below {sound.ceiling_dbtp:g} dBTP"
    gain = "measured when it is mixed" if sound.gain_db is None else f"{sound.gain_db:+.1f} dB"
    there = ", made already" if kept else ""
    return f"{sound.codec}, {sound.bitrate // 1000} kbit/s at {sound.sample_rate} Hz, {loudness}{ceiling}; gain {gain}{there}"


def _dependency_text(one: Dependency) -> str:
    what = f"{one.kind} of {one.asset_id[:8]}, for {one.use or 'its pictures'}"
    if not one.found:
        return f"{what}: not there"
    return f"{what}: {one.backend} {one.backend_version}, {one.cache_key[:12]}"


def frame_command(
    ctx: typer.Context,
    timeline: Annotated[str, typer.Argument(help=SUBJECT_HELP, metavar="TIMELINE|FILE")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A .png or .jpg file to write.")],
    at: Annotated[
        str | None, typer.Option(help="Seconds from the beginning, exact: 3, 12.5 or 45045/30000.")
    ] = None,
    frame: Annotated[int | None, typer.Option(help="The number of a frame; the first is 0.", min=0)] = None,
    profile: Annotated[str, typer.Option(help="The target: 'cutroom profiles' lists them.")] = "source",
    draft: Annotated[
        bool, typer.Option("--draft", help="The same frame no larger than a draft, from proxies.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file.")] = False,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write one exact frame of a timeline: the very picture that an export has there.

    Example: cutroom frame 01k8 --at 12.5 -o still.png
    """
    setup = of(ctx, state_folder, url, json, verbose)
    if (at is None) == (frame is None):
        raise CommandError("say where: --at SECONDS or --frame NUMBER")
    kind = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}.get(output.suffix.lower())
    if kind is None:
        raise CommandError(f"{output.name} is no picture's name; .png and .jpg are written")
    target = (Path.cwd() / output.expanduser()).absolute()
    rendering.check_target(target)
    if target.exists() and not force:
        raise CommandError(f"{target} is there; --force overwrites it", CONFLICT)
    quality = "draft" if draft else "exact"
    raise typer.Exit(asyncio.run(still(setup, timeline, _exact(at), frame, profile, kind, quality, target)))


def _exact(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise CommandError(f"--at is {text!r}; seconds such as 3, 12.5 or 45045/30000 are taken") from None


async def still(
    setup: Setup,
    timeline: str,
    at: Fraction | None,
    frame: int | None,
    profile: str,
    kind: str,
    quality: str,
    target: Path,
) -> int:
    """Fetch the picture and put it in place, whole or not at all."""
    async with connected(setup, start=True) as (client, _):
        name = await timeline_of(setup, client, timeline)
        async with client.timeline_frame(
            name, at=at, frame=frame, profile=profile, format=kind, quality=quality
        ) as response:
            number, data = int(response.headers["Cutroom-Frame"]), await response.aread()
    await asyncio.to_thread(put_bytes, target, data)
    if setup.json:
        setup.document({"output": str(target), "frame": number, "bytes": len(data)})
    else:
        setup.result().print(f"frame {number} of {timeline}: {target}")
    return DONE
