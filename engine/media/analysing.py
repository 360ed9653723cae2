"""Assets become artifacts: what is known is taken from the cache, the rest is one pass over picture or sound."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from msgspec.structs import replace

from cutroom_sdk.wire.media import Artifact, Asset
from engine.kernel.clock import monotonic_s
from engine.kernel.context import Context
from engine.kernel.errors import Invalid, StudioError, WorkFailed
from engine.kernel.kernel import Kernel
from engine.media.analysis.requests import AnalyseRequest, AnalyseResult, Backend
from engine.media.cache import artifact_id, make_artifact
from engine.media.files import source_path
from engine.media.pool import Pool
from engine.media.reducer import Record
from engine.media.registering import Registrar, duration_limit_s, named

TASKS: Final[dict[Literal["picture", "sound"], str]] = {
    "picture": "engine.media.analysis.tasks:analyse_video",
    "sound": "engine.media.analysis.tasks:analyse_audio",
}

Report = Callable[[float, float, str], None]


@dataclass
class Analysed:
    """Artifacts in the order of the assets, then of the kinds. `reused`: nothing had to be worked out."""

    artifacts: list[Artifact] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    reused: bool = True


@dataclass(frozen=True)
class _Job:
    """One pass over one stream of one asset, for the kinds that are missing."""

    asset: Asset
    stream: Literal["picture", "sound"]
    backends: tuple[Backend, ...]  # `params` complete


class Analyst:
    """Has detectors run, and remembers what they found."""

    def __init__(
        self,
        kernel: Kernel,
        pool: Pool,
        registrar: Registrar,
        backends: Mapping[str, Backend],
        tasks: Mapping[Literal["picture", "sound"], str],
    ) -> None:
        self._kernel, self._pool, self._registrar = kernel, pool, registrar
        self._backends, self._tasks = backends, tasks

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds there are, sorted."""
        return tuple(sorted(self._backends))

    async def analyse(
        self,
        assets: Sequence[Asset],
        kinds: Sequence[str],
        params: Mapping[str, Mapping[str, Any]],
        context: Context,
        report: Report,
        if_possible: Sequence[str] = (),
    ) -> Analysed:
        """Return the artifacts of `kinds` of each asset, working out those that are not recorded yet.

        A kind that an asset has no stream for is left out with a notice. What is finished is recorded even when
        something else fails or the caller is cancelled.

        Args:
            assets: checked ones (`Registrar.check`).
            kinds: names of backends; none: all of them.
            params: by kind, what differs from the defaults.
            context: who asks.
            report: told passes done of passes to do.
            if_possible: further kinds, left out with a notice where what they need is not installed.

        Raises:
            Invalid: an unknown kind or parameter.
            WorkFailed: a backend is not installed, or a pass failed.
        """
        done = Analysed()
        possible = self._possible(if_possible, done)
        backends = self._chosen((*kinds, *possible) if kinds else self.kinds, params)
        jobs: list[_Job] = []
        for asset in assets:
            wanted = self._fitting(asset, backends, done)
            missing = [one for one in wanted if await self._recorded(asset, one, context) is None]
            for stream in ("picture", "sound"):
                group = tuple(one for one in missing if one.stream == stream)
                if group:
                    jobs.append(_Job(asset=asset, stream=stream, backends=group))
        if jobs:
            done.reused = False
            await self._run_all(jobs, context, report)
        for asset in assets:
            for backend in self._fitting(asset, backends, Analysed()):
                artifact = await self._recorded(asset, backend, context)
                assert artifact is not None, "it was there, or was recorded just now"
                done.artifacts.append(artifact)
                done.notices += [f"{asset.name}: {notice}" for notice in artifact.notices]
        return done

    def _chosen(self, kinds: Sequence[str], params: Mapping[str, Mapping[str, Any]]) -> list[Backend]:
        for kind in (*kinds, *params):
            if kind not in self._backends:
                raise Invalid(
                    f"no analysis is called {kind!r}; there are {', '.join(self.kinds)}", field="kind"
                )
        chosen = []
        for kind in dict.fromkeys(kinds):
            backend, given = self._backends[kind], params.get(kind, {})
            for name in given:
                if name not in backend.params:
                    known = ", ".join(sorted(backend.params)) or "none"
                    raise Invalid(f"{kind} has no parameter {name!r}; it has {known}", field="params")
            if backend.missing is not None:
                raise WorkFailed(f"{kind} cannot be analysed here: {backend.missing}", cause="dependency")
            chosen.append(replace(backend, params={**backend.params, **given}))
        return chosen

    def _possible(self, kinds: Sequence[str], told: Analysed) -> list[str]:
        """The kinds whose backends are installed, and unknown ones; the others are told as notices."""
        possible = []
        for kind in kinds:
            missing = self._backends[kind].missing if kind in self._backends else None
            if missing is None:
                possible.append(kind)
            else:
                told.notices.append(f"no {kind}: {missing}")
        return possible

    def _fitting(self, asset: Asset, backends: Sequence[Backend], told: Analysed) -> list[Backend]:
        """The backends that find their stream in the asset; the others are told as notices."""
        streams = {"picture": asset.video is not None, "sound": asset.audio is not None}
        for stream, there in streams.items():
            left_out = [backend.kind for backend in backends if backend.stream == stream]
            if left_out and not there:
                told.notices.append(f"{asset.name} has no {stream}: {', '.join(left_out)} left out")
        return [backend for backend in backends if streams[backend.stream]]

    async def _recorded(self, asset: Asset, backend: Backend, context: Context) -> Artifact | None:
        key = f"artifact/{artifact_id(asset, backend, backend.params)}"
        artifact = await self._kernel.resources.value(key, Artifact, context.partition)
        if artifact is None or artifact.data_blob is None or self._kernel.blobs.has(artifact.data_blob):
            return artifact
        raise WorkFailed(f"the data of {key} is not among the blobs any more; restore the backup that has it")

    async def _run_all(self, jobs: Sequence[_Job], context: Context, report: Report) -> None:
        """Run jobs side by side, as the pool has room.

        One that fails lets the others finish: what they find is kept, and the next attempt need not look again.
        """
        parts = [0.0] * len(jobs)

        def told(number: int, done: float, total: float) -> None:
            parts[number] = done / total if total > 0 else 0.0
            job = jobs[number]
            report(sum(parts), len(jobs), f"{job.asset.name}: {', '.join(one.kind for one in job.backends)}")

        async def run(number: int) -> StudioError | None:
            try:
                await self._run(jobs[number], context, lambda done, total: told(number, done, total))
            except StudioError as failure:
                return failure
            told(number, 1, 1)
            return None

        async with asyncio.TaskGroup() as group:
            running = [group.create_task(run(number)) for number in range(len(jobs))]
        for task in running:
            failure = task.result()
            if failure is not None:
                raise failure

    async def _run(self, job: _Job, context: Context, report: Callable[[float, float], None]) -> None:
        asset, began_s = job.asset, monotonic_s()
        request = AnalyseRequest(
            kinds=tuple(backend.kind for backend in job.backends),
            params={backend.kind: backend.params for backend in job.backends},
            index=await self._registrar.index_bytes(asset, context),
            origin=asset.video.start if asset.video is not None else None,
        )
        try:
            result = await self._pool.run(
                self._tasks[job.stream],
                request,
                AnalyseResult,
                inputs=(source_path(asset, self._kernel.blobs),),
                report=report,
                limit_s=duration_limit_s(asset.duration),
                tenant=context.partition,
            )
        except StudioError as error:
            raise named(error, asset.name) from None
        elapsed_ms = int((monotonic_s() - began_s) * 1000)
        # Changed while it was read: what was found belongs to no version of the file.
        source_path(asset, self._kernel.blobs)
        recording = asyncio.create_task(self._record(job, result, elapsed_ms, context))
        try:
            await asyncio.shield(recording)
        except asyncio.CancelledError:
            await recording
            raise

    async def _record(self, job: _Job, result: AnalyseResult, elapsed_ms: int, context: Context) -> None:
        for backend in job.backends:
            artifact = await asyncio.to_thread(
                make_artifact,
                job.asset,
                backend,
                backend.params,
                result.data[backend.kind],
                self._kernel.blobs,
                notices=result.notices.get(backend.kind, ()),
                elapsed_ms=elapsed_ms,
            )
            record = Record(artifact=artifact)
            await self._kernel.dispatch.propose(f"artifact/{artifact.artifact_id}", record, context)
