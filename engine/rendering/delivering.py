"""The tool `deliver_folder`: the finished file where it was asked for, its receipt and captions beside it, each whole or not at all."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from msgspec import MsgspecError
from msgspec.structs import replace

from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import decode, encode, to_builtins
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact, Asset
from cutroom_sdk.wire.renders import Container, DeliverInput, Receipt, Render, Sidecar
from engine import __version__
from engine.kernel import failpoints
from engine.kernel.blobs import CHUNK, hash_file
from engine.kernel.errors import Forbidden, Invalid, Rejected, StudioError, Unavailable, WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.rendering.capabilities import capabilities
from engine.rendering.reducer import KIND
from engine.rendering.sources import read_plan

SUFFIXES: Final[dict[str, tuple[str, ...]]] = {
    "mp4": (".mp4", ".m4v"),
    "mov": (".mov",),
    "mkv": (".mkv",),
    "webm": (".webm",),
}
RECEIPT_SUFFIX: Final = ".receipt.json"
LIMIT_S: Final = 3600.0
FULL: Final = (errno.ENOSPC, errno.EDQUOT)
reach = failpoints.points(
    "delivering",
    "film_copied",
    "receipt_synced",
    "receipt_in_place",
    "captions_in_place",
    "film_in_place",
    "delivered",
)


@dataclass(frozen=True)
class Delivery:
    """Delivers; `head` tells where the log stands."""

    head: Callable[[], int]

    async def deliver(self, asked: DeliverInput, context: ToolContext) -> ToolResult:
        """Write the render's file to `asked.output`, or into it where it is a folder, and its files of captions beside it.

        Called again after a crash it comes to the same end. A file with the same content is left as it is.

        Raises:
            Forbidden: `path_outside_roots`: the mission is of another tenant than the operator's.
            Invalid: the path is not absolute, not an MP4's, or cannot be written.
            Rejected: `output_exists`: another file is there and must not be replaced; captions that did not come from
                here never are.
            WorkFailed: the rendered file is gone or damaged.
            Unavailable: `insufficient_storage`.
        """
        render = await _render(context)
        assert render.output is not None
        if not context.context.has_files:
            raise Forbidden(
                f"folders of this machine are its operator's; read /v1/renders/{render.render_id}/content instead",
                code="path_outside_roots",
            )
        cut_plan = await _cut_plan(render, context)
        assets = await _assets(cut_plan, context)
        target = _target(asked, cut_plan, render.profile, render.output.container)
        there = await asyncio.to_thread(_hash_of, target)
        if there is not None and there != render.output.sha256 and not asked.overwrite:
            raise Rejected(
                "output_exists", f"{target} is there already and is another file", path=str(target)
            )
        sidecars = tuple(
            replace(one, path=str(target.with_name(one.beside(target.name)))) for one in render.sidecars
        )
        await asyncio.to_thread(_check_free, sidecars, target)
        output = replace(render.output, path=str(target))
        receipt = Receipt(
            output=output,
            mission_id=context.mission_id,
            plan_hash=render.plan_hash,
            inputs=tuple(input_of(asset) for asset in assets),
            versions={"cutroom": __version__, **capabilities().libraries},
            checks=render.checks,
            approvals=await _approvals(context),
            log_position=self.head(),
            cuts=tuple(to_builtins(cut) for cut in cut_plan.cuts) if cut_plan else (),
            post=cut_plan.post if cut_plan else {},
            sidecars=sidecars,
        )
        source = context.blobs.path(render.output.sha256)
        reused = there == render.output.sha256
        captions = {Path(one.path): context.blobs.path(one.sha256) for one in sidecars}
        try:
            await asyncio.to_thread(
                _write, None if reused else source, receipt, target, captions, context.run_id
            )
        except OSError as error:
            raise _refusal(error, target) from error
        context.report(1, 1, f"delivered {target}")
        written = [(output.path, output.sha256, output.bytes)]
        written += [(one.path, one.sha256, one.bytes) for one in sidecars]
        return ToolResult(
            refs=context.refs,
            reused=reused,
            output={
                "files": [{"path": path, "sha256": sha256, "bytes": size} for path, sha256, size in written],
                "path": output.path,
                "sha256": output.sha256,
                "bytes": output.bytes,
                "receipt": f"{target}{RECEIPT_SUFFIX}",
            },
        )


async def _render(context: ToolContext) -> Render:
    keys = [ref for ref in context.refs if ref.startswith(f"{KIND}/")]
    if not keys:
        raise Invalid("there is no render to deliver: render first")
    render: Render | None = await context.resources.value(keys[0], Render)
    if render is None or render.state != "completed" or render.output is None:
        raise Invalid(f"{keys[0]} has no finished file to deliver")
    return render


async def _cut_plan(render: Render, context: ToolContext) -> CutPlan | None:
    if render.cut_plan is None:
        return None
    artifact: Artifact | None = await context.resources.value(render.cut_plan, Artifact)
    return None if artifact is None else read_plan(artifact, context.blobs)


async def _assets(cut_plan: CutPlan | None, context: ToolContext) -> list[Asset]:
    named = dict.fromkeys(cut.asset_id for cut in cut_plan.cuts) if cut_plan else {}
    found = [await context.resources.value(f"asset/{asset_id}", Asset) for asset_id in named]
    return [asset for asset in found if asset is not None]


async def _approvals(context: ToolContext) -> tuple[dict[str, Any], ...]:
    approvals: list[Approval] = await context.resources.values("approval", Approval)
    mine = [one for one in approvals if one.subject.id.startswith(f"{context.mission_id}/")]
    mine.sort(key=lambda one: (one.requested_at_ms, one.approval_id))
    return tuple(
        {
            "approval_id": one.approval_id,
            "item": one.subject.id.partition("/")[2],
            "gate": one.subject.gate,
            "state": one.state,
            "decider": one.decider,
            "decided_by": one.decided_by,
            "decided_at_ms": one.decided_at_ms,
            "subject_hash": one.subject_hash,
            "reason": one.reason,
        }
        for one in mine
    )


def input_of(asset: Asset) -> dict[str, Any]:
    """Return what a receipt says of an asset that went in."""
    return {
        "asset_id": asset.asset_id,
        "name": asset.name,
        "sha256": asset.sha256,
        "bytes": asset.bytes,
        "path": asset.path,
    }


def _target(asked: DeliverInput, cut_plan: CutPlan | None, profile: str, container: Container) -> Path:
    suffixes = SUFFIXES[container]
    output = asked.output
    path = Path(output)
    if not path.is_absolute() or "\0" in output:
        raise Invalid(f"output is {output[:200]!r}; an absolute path is taken", field="output")
    if output.endswith("/") or path.is_dir():
        stem = Path(cut_plan.cuts[0].asset).stem if cut_plan and cut_plan.cuts else "film"
        return path / f"{asked.prefix}{stem}-{profile}{suffixes[0]}"
    if path.suffix.lower() not in suffixes:
        raise Invalid(
            f"the file is {container.upper()}: name {path.name!r} with {suffixes[0]}", field="output"
        )
    return path


def _hash_of(path: Path) -> str | None:
    return hash_file(path) if path.is_file() else None


def _check_free(sidecars: Sequence[Sidecar], target: Path) -> None:
    """See to it that captions replace nothing but what an earlier delivery has put there: a source's own, say.

    Raises:
        Rejected: `output_exists`.
    """
    ours = _delivered(target)
    for one in sidecars:
        there = _hash_of(Path(one.path))
        if there is not None and there not in (one.sha256, ours.get(one.path)):
            raise Rejected(
                "output_exists",
                f"{one.path} is there and did not come from here; move it, or name another output",
                path=one.path,
            )


def _delivered(target: Path) -> dict[str, str]:
    """Return the files of captions that the receipt beside a film names, with their hashes; none where there is no receipt."""
    try:
        receipt = decode(target.with_name(target.name + RECEIPT_SUFFIX).read_bytes(), Receipt)
    except (OSError, MsgspecError):
        return {}
    return {one.path: one.sha256 for one in receipt.sidecars}


def _write(
    source: Path | None, receipt: Receipt, target: Path, captions: Mapping[Path, Path], run_id: str
) -> None:
    """Write film, captions and receipt beside their places, then put all in place, the receipt first and the film last.

    `source` None: the film is there already. `captions`: their places, and where they are.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    receipt_target = target.with_name(target.name + RECEIPT_SUFFIX)
    # Named by the run: what a crash left half written is written over by the same run.
    film_part = target.with_name(f".{target.name}.{run_id}.part")
    receipt_part = target.with_name(f".{receipt_target.name}.{run_id}.part")
    hashes = {Path(one.path): one.sha256 for one in receipt.sidecars}
    captions_parts = {place: place.with_name(f".{place.name}.{run_id}.part") for place in captions}
    try:
        if source is not None:
            _copy(source, film_part, receipt.output.sha256)
        reach("film_copied")
        for place, part in captions_parts.items():
            _copy(captions[place], part, hashes[place])
        with receipt_part.open("wb") as file:
            file.write(encode(receipt))
            file.flush()
            os.fsync(file.fileno())
        reach("receipt_synced")
        receipt_part.replace(receipt_target)
        reach("receipt_in_place")
        for place, part in captions_parts.items():
            part.replace(place)
        reach("captions_in_place")
        if source is not None:
            film_part.replace(target)
        reach("film_in_place")
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        reach("delivered")
    finally:
        film_part.unlink(missing_ok=True)
        receipt_part.unlink(missing_ok=True)
        for part in captions_parts.values():
            part.unlink(missing_ok=True)


def _copy(source: Path, target: Path, sha256: str) -> None:
    """Copy a file, synced, making sure that what is written is what was checked."""
    found = hashlib.sha256()
    try:
        reading = source.open("rb")
    except FileNotFoundError:
        raise WorkFailed("the rendered file is gone: render anew", stage="publish") from None
    with reading, target.open("wb") as writing:
        while block := reading.read(CHUNK):
            found.update(block)
            writing.write(block)
        writing.flush()
        os.fsync(writing.fileno())
    if found.hexdigest() != sha256:
        raise WorkFailed("the rendered file is damaged: render anew", stage="publish")


def _refusal(error: OSError, target: Path) -> StudioError:
    if error.errno in FULL:
        return Unavailable(f"the disk is full: {target} was not written", code="insufficient_storage")
    return Invalid(f"{target} cannot be written: {error.strerror}", field="output")


def add_to(kernel: Kernel) -> None:
    """Put the tool on the registry."""
    kernel.tools.add(
        Tool(
            name="deliver_folder",
            title="Deliver the file into a folder",
            input=DeliverInput,
            call=Delivery(head=lambda: kernel.dispatch.head).deliver,
            effect="local",
            capability="renders:write",
            limit_s=LIMIT_S,
            touches=lambda asked: (f"writes {asked.output}, and its receipt and captions beside it",),
            targets=lambda asked: (asked.output,),
        )
    )
