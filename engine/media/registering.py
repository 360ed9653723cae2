"""Files become assets: checked, hashed, read by a worker process, recorded with their frame index in one commit."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.media import Artifact, Asset, FileGuard
from engine.kernel.blobs import hash_file
from engine.kernel.clock import monotonic_s
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Forbidden, NotFound, Rejected, StudioError
from engine.kernel.kernel import Kernel
from engine.media.analysis.requests import Backend
from engine.media.cache import FRAME_INDEX, artifact_id, make_artifact
from engine.media.files import OpenFile, check_beneath, opened, source_path
from engine.media.pool import Pool
from engine.media.probe import Probe, ProbeRequest
from engine.media.reducer import Record, Register, Stale

NAME_MAX: Final = 200
PROBE_LIMIT_S: Final = 1800.0
_PROBE: Final = "engine.media.probe:probe"

Report = Callable[[float, float], None]


@dataclass(frozen=True)
class Taken:
    """An asset that came in; `reused`: it was known already and nothing was read."""

    asset: Asset
    reused: bool


@dataclass(frozen=True)
class Place:
    """Where an asset's content lies: a path with its guard, or the blob of an upload."""

    path: str | None = None
    guard: FileGuard | None = None
    blob: str | None = None


class Registrar:
    """Takes files in and keeps assets true to their files."""

    def __init__(self, kernel: Kernel, pool: Pool, roots: Sequence[Path]) -> None:
        self._kernel, self._pool = kernel, pool
        self._roots = tuple(root.expanduser().resolve() for root in roots)

    def check_place(self, path: str) -> None:
        """Check that a path leads beneath the media roots, before anything there is looked at.

        Raises:
            Forbidden: `path_outside_roots`.
        """
        check_beneath(Path(path).resolve(), path, self._roots)

    async def take_path(
        self, path: str, name: str | None, context: Context, report: Report | None = None
    ) -> Taken:
        """Register the file at `path`; the same file again is the same asset and is not read again.

        Raises:
            Forbidden: `path_outside_roots`: the caller is of another tenant than the operator's.
            StudioError: as `engine.media.files.opened`.
            Invalid: `media_unreadable`, with the file's name and what is wrong.
            Rejected: `asset_changed`: somebody wrote to it meanwhile.
        """
        if not context.has_files:
            raise Forbidden(
                "files of this machine are its operator's; upload the footage",
                code="path_outside_roots",
                path=path,
            )
        with opened(path, self._roots) as file:
            known = await self._known(file, context)
            if known is not None:
                return Taken(asset=known, reused=True)
            sha256 = await asyncio.to_thread(hash_file, file.held)
            asset, index = await self.read(
                file.held, sha256, clean_name(name or file.path.name), context, report
            )
            if not file.is_unchanged():
                raise Rejected("asset_changed", f"{path} was written to while it was read; register it again")
            place = Place(path=str(file.path), guard=file.guard)
        return Taken(asset=await self.record(asset, place, index, context), reused=index is None)

    async def read(
        self, path: Path, sha256: str, name: str, context: Context, report: Report | None = None
    ) -> tuple[Asset, Artifact | None]:
        """Return what is known of this content, or read the file; its index comes along when it was read.

        Raises:
            Invalid: `media_unreadable`.
        """
        known = await self._asset(sha256[:32], context)
        if known is not None and await self.index_of(known, context) is not None:
            return known, None
        began_s = monotonic_s()
        try:
            found = await self._pool.run(
                _PROBE,
                ProbeRequest(),
                Probe,
                inputs=(path,),
                report=report,
                limit_s=PROBE_LIMIT_S,
                tenant=context.partition,
            )
        except StudioError as error:
            raise named(error, name) from None
        size = (await asyncio.to_thread(path.stat)).st_size
        asset = Asset(
            asset_id=sha256[:32],
            name=name,
            sha256=sha256,
            bytes=size,
            container=found.container,
            duration=found.duration,
            video=found.video,
            audio=found.audio,
            notices=found.notices,
        )
        # Sound alone has an index too, an empty one: that it is there says that the file was read by this version.
        elapsed_ms = int((monotonic_s() - began_s) * 1000)
        index = make_artifact(
            asset, FRAME_INDEX, {}, found.index or b"", self._kernel.blobs, elapsed_ms=elapsed_ms
        )
        return asset, index

    async def record(
        self, asset: Asset, place: Place, index: Artifact | None, context: Context, *more: Asked
    ) -> Asset:
        """Have an asset, its index and `more` recorded together; return the asset as it is then."""
        placed = replace(
            asset,
            path=place.path or asset.path,
            guard=place.guard or asset.guard,
            blob=place.blob or asset.blob,
        )
        asked = [Asked(f"asset/{asset.asset_id}", Register(asset=placed)), *more]
        if index is not None:
            asked.append(Asked(f"artifact/{index.artifact_id}", Record(artifact=index)))
        accepted = await self._kernel.dispatch.propose_many(asked, context)
        recorded: Asset = accepted[0].state.asset
        return recorded

    async def check(self, asset_id: str, context: Context) -> Taken:
        """Return an asset whose file is certain to be the one that was registered, with its index recorded.

        A file that was touched or copied back keeps its asset when its content is the same.

        Raises:
            NotFound: there is no such asset, or its file is gone.
            Rejected: `asset_stale`: the file's content changed. The asset is marked so.
        """
        asset = await self._asset(asset_id, context)
        if asset is None:
            raise NotFound(f"there is no asset {asset_id}", asset_id=asset_id)
        reused = True
        try:
            path = source_path(asset, self._kernel.blobs)
        except (Rejected, NotFound) as error:
            asset = await self._found_again(asset, error, context)
            path, reused = source_path(asset, self._kernel.blobs), False
        if asset.state == "stale":
            asset = await self.record(asset, Place(), None, context)
        if await self.index_of(asset, context) is None:
            read, index = await self.read(path, asset.sha256, asset.name, context)
            asset = await self.record(read, Place(asset.path, asset.guard, asset.blob), index, context)
            reused = False
        return Taken(asset=asset, reused=reused)

    async def index_of(self, asset: Asset, context: Context) -> Artifact | None:
        """Return the artifact of an asset's frame index; None: it has to be made, or its blob is gone."""
        index = await self.artifact_of(asset, FRAME_INDEX, context)
        return None if index is None or index.data_blob is None else index

    async def artifact_of(self, asset: Asset, backend: Backend, context: Context) -> Artifact | None:
        """Return what a backend has found in an asset by its own parameters; None: nothing yet, or its blob is gone."""
        key = f"artifact/{artifact_id(asset, backend, backend.params)}"
        found: Artifact | None = await self._kernel.resources.value(key, Artifact, context.partition)
        if found is None or (found.data_blob is not None and not self._kernel.blobs.has(found.data_blob)):
            return None
        return found

    async def index_bytes(self, asset: Asset, context: Context) -> bytes | None:
        """Return an asset's frame index as bytes, None for sound alone."""
        index = await self.index_of(asset, context)
        assert index is not None and index.data_blob is not None, "checked assets have one"  # noqa: PT018
        return await asyncio.to_thread(self._kernel.blobs.read, index.data_blob) or None

    async def _found_again(self, asset: Asset, error: StudioError, context: Context) -> Asset:
        """Return the asset with a new guard if its content is what it was; else mark it stale.

        Raises:
            StudioError: `error`.
        """
        if isinstance(error, Rejected) and asset.path is not None:
            with opened(asset.path, self._roots) as file:
                if await asyncio.to_thread(hash_file, file.held) == asset.sha256 and file.is_unchanged():
                    return await self.record(asset, Place(path=asset.path, guard=file.guard), None, context)
        await self._kernel.dispatch.propose(f"asset/{asset.asset_id}", Stale(reason=error.detail), context)
        raise error

    async def _known(self, file: OpenFile, context: Context) -> Asset | None:
        """Return the asset that was registered from this very file, if the file is as it was."""
        for asset in await self._kernel.resources.values("asset", Asset, context.partition):
            if asset.path == str(file.path) and asset.guard == file.guard and asset.state == "ready":
                return asset if await self.index_of(asset, context) is not None else None
        return None

    async def _asset(self, asset_id: str, context: Context) -> Asset | None:
        if not asset_id.isalnum():
            return None
        return await self._kernel.resources.value(f"asset/{asset_id}", Asset, context.partition)


def clean_name(name: str) -> str:
    """Return a name that is safe to show: one line, nothing that moves a cursor, at most 200 characters."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return shown[:NAME_MAX] or "unnamed"


def duration_limit_s(duration: Fraction) -> float:
    """Return how long work on a file of this duration may take: slow machines included, hangs not, seconds."""
    return 300.0 + 6 * float(duration)


def named(error: StudioError, name: str) -> StudioError:
    """Return an error with the file's name put before what is wrong."""
    error.detail = f"{name}: {error.detail}"
    error.args = (error.detail,)
    return error
