"""What the media room does in the world, and the tools that it offers to runs: `ingest`, `collect` and `analyse`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from cutroom_sdk.wire.media import AnalyseInput, Artifact, CollectInput, IngestInput
from cutroom_sdk.wire.status import Feature
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, Invalid
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.media import sandbox
from engine.media.analysing import TASKS, Analyst
from engine.media.analysis.requests import Backend
from engine.media.collecting import ASSET, collected, listed
from engine.media.pool import Pool
from engine.media.registering import Registrar, Report, Taken
from engine.media.uploads import Uploads

INGEST_LIMIT_S = 3600.0
ANALYSE_LIMIT_S = 6 * 3600.0


@dataclass(frozen=True)
class Media:
    """The media room of one daemon: what routes and tools use."""

    kernel: Kernel
    registrar: Registrar
    analyst: Analyst
    uploads: Uploads
    backends: Mapping[str, Backend]

    async def take_path(self, path: str, name: str | None, context: Context) -> Taken:
        """Register a file; how far its reading is, is told as the progress of `import/{actor}`."""
        key = f"import/{context.actor}"
        try:
            return await self.registrar.take_path(path, name, context, self._reporter(context, key, path))
        finally:
            self.kernel.progress.clear(context.partition, key)

    async def analyse_one(
        self, asset_id: str, kind: str, params: dict[str, Any], context: Context
    ) -> Artifact:
        """Return one artifact of one asset, worked out unless it is recorded.

        Raises:
            Invalid: unknown kind or parameter, or the asset has no stream for the kind.
            StudioError: as `Registrar.check` and `Analyst.analyse`.
        """
        asset = (await self.registrar.check(asset_id, context)).asset
        key = f"asset/{asset_id}"

        def report(done: float, total: float, note: str) -> None:
            self.kernel.progress.report(context.partition, key, done, total, note)

        try:
            found = await self.analyst.analyse((asset,), (kind,), {kind: params}, context, report)
        finally:
            self.kernel.progress.clear(context.partition, key)
        if not found.artifacts:
            raise Invalid("; ".join(found.notices), field="kind")
        return found.artifacts[0]

    async def ingest(self, asked: IngestInput, context: ToolContext) -> ToolResult:
        """Make sure of footage: each asset's file is there, is what it was, and its frames are indexed.

        It looks anew each time, so it never says that earlier work answered.
        """
        if not asked.asset_ids:
            raise Invalid("asset_ids is empty; name at least one asset", field="asset_ids")
        refs: list[str] = []
        notices: list[str] = []
        summary: list[dict[str, Any]] = []
        ids = tuple(dict.fromkeys(asked.asset_ids))
        for number, asset_id in enumerate(ids):
            asset = (await self.registrar.check(asset_id, context.context)).asset
            context.report(number + 1, len(ids), asset.name)
            refs.append(f"asset/{asset_id}")
            if asset.video is not None:
                index = await self.registrar.index_of(asset, context.context)
                assert index is not None, "checked assets have one"
                refs.append(f"artifact/{index.artifact_id}")
            notices += [f"{asset.name}: {notice}" for notice in asset.notices]
            summary.append({"asset_id": asset_id, "name": asset.name, "duration_s": float(asset.duration)})
        return ToolResult(refs=tuple(refs), notices=tuple(notices), output={"assets": summary[:100]})

    async def collect(self, asked: CollectInput, context: ToolContext) -> ToolResult:
        """Take in files, and the footage of folders, then make sure of it as `ingest` does; the order is that of names.

        What a folder has that cannot be used is left out with a notice; a file that was named must be usable.

        Raises:
            Invalid: nothing was named, or there is no footage.
            StudioError: as `Registrar.take_path`, of a file that was named.
        """
        taken, notices = await collected(
            asked.sources, self.registrar, context.context, lambda n, of, name: context.report(n, of, name)
        )
        result = await self.ingest(IngestInput(asset_ids=tuple(taken)), context)
        return replace(result, notices=(*notices, *result.notices))

    async def list_footage(self, sources: Sequence[str], context: Context) -> list[str]:
        """Return the files, and `asset/{id}`, that files and folders come to; see `engine.media.collecting`.

        Raises:
            Forbidden: `path_outside_roots`, a tenant without files here included.
        """
        if not context.has_files and any(not source.startswith(ASSET) for source in sources):
            raise Forbidden(
                "folders of this machine are its operator's; upload footage and name it asset/{id}",
                code="path_outside_roots",
            )
        return await listed(sources, self.registrar)

    async def analyse(self, asked: AnalyseInput, context: ToolContext) -> ToolResult:
        """Analyse every asset among the refs; pass them on with what was found."""
        ids = [ref.removeprefix("asset/") for ref in context.refs if ref.startswith("asset/")]
        if not ids:
            raise Invalid(
                "there is no asset to analyse: the item depends on none that gives one", field="refs"
            )
        assets = [(await self.registrar.check(asset_id, context.context)).asset for asset_id in ids]
        found = await self.analyst.analyse(
            assets, asked.kinds, asked.params, context.context, context.report, asked.if_possible
        )
        refs = (*context.refs, *(f"artifact/{artifact.artifact_id}" for artifact in found.artifacts))
        kinds: dict[str, list[str]] = {}
        for artifact in found.artifacts:
            kinds.setdefault(artifact.asset_id, []).append(artifact.kind)
        return ToolResult(
            refs=tuple(dict.fromkeys(refs)),
            reused=found.reused,
            notices=tuple(found.notices),
            output={"kinds": dict(list(kinds.items())[:100])},
        )

    def readiness(self) -> tuple[Feature, ...]:
        """Say what works here: the sandbox, and each analysis."""
        walls = sandbox.available()
        features = [
            Feature(
                name="sandbox",
                ok=walls.complete,
                detail=f"Landlock ABI {walls.landlock_abi}, seccomp"
                if walls.complete
                else "; ".join(walls.missing),
                unlocks="opening media that nobody vouches for",
                how="" if walls.complete else 'run on Linux 5.13 or newer, or set sandbox = "none" knowingly',
            )
        ]
        features += [
            Feature(
                name=f"analysis.{kind}",
                ok=backend.missing is None,
                detail=backend.missing or f"{backend.name} {backend.version}",
                unlocks=f"the analysis {kind}",
                how="" if backend.missing is None else backend.missing,
            )
            for kind, backend in sorted(self.backends.items())
        ]
        return tuple(features)

    def _reporter(self, context: Context, key: str, note: str) -> Report:
        def report(done: float, total: float) -> None:
            self.kernel.progress.report(context.partition, key, done, total, note)

        return report


def register(
    kernel: Kernel,
    pool: Pool,
    *,
    roots: Sequence[Path],
    folder: Path,
    backends: Mapping[str, Backend],
    tasks: Mapping[Literal["picture", "sound"], str] = TASKS,
) -> Media:
    """Put the media room onto the kernel.

    Args:
        kernel: gets the tools `ingest`, `collect` and `analyse`.
        pool: its modules must hold `engine.media.probe` and those of `tasks`.
        roots: folders beneath which footage may be given by path.
        folder: the state directory; uploads lie in it, on the file system of the blobs.
        backends: the kinds of analysis by name.
        tasks: what does an analysis of picture and of sound.
    """
    registrar = Registrar(kernel, pool, roots)
    media = Media(
        kernel=kernel,
        registrar=registrar,
        analyst=Analyst(kernel, pool, registrar, backends, tasks),
        uploads=Uploads(kernel, registrar, folder / "uploads"),
        backends=backends,
    )
    kernel.tools.add(
        Tool(
            name="ingest",
            title="Take footage in",
            input=IngestInput,
            call=media.ingest,
            effect="none",
            capability="media:write",
            limit_s=INGEST_LIMIT_S,
        )
    )
    kernel.tools.list_with("footage", media.list_footage)
    kernel.tools.add(
        Tool(
            name="collect",
            title="Take the footage of folders in",
            input=CollectInput,
            call=media.collect,
            effect="none",
            capability="media:write",
            limit_s=INGEST_LIMIT_S,
        )
    )
    kernel.tools.add(
        Tool(
            name="analyse",
            title="Look at footage and listen to it",
            input=AnalyseInput,
            call=media.analyse,
            effect="none",
            capability="media:write",
            limit_s=ANALYSE_LIMIT_S,
        )
    )
    return media
