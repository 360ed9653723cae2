"""The list of features, and how they are put onto the kernel."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from cutroom_sdk.wire.status import Feature
from engine import wiring
from engine.access.reducer import TOKEN
from engine.access.reducer_audit import AUDIT
from engine.access.reducer_secrets import SECRET
from engine.access.routes import routes as access_routes
from engine.access.routes_secrets import routes as secret_routes
from engine.approvals.reducer import APPROVAL
from engine.approvals.reducer_delegation import DELEGATION
from engine.approvals.routes import routes as approval_routes
from engine.approvals.routes_delegation import routes as delegation_routes
from engine.config import Settings
from engine.editing import effects as editing
from engine.editing.reducer import TIMELINE
from engine.editing.routes import routes as editing_routes
from engine.editing.routes_interchange import routes as interchange_routes
from engine.editing.routes_timelines import routes as timeline_routes
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Aggregate
from engine.media import effects as media
from engine.media.analysis.backends import backends
from engine.media.pool import Pool
from engine.media.reducer import ARTIFACT, ASSET, UPLOAD
from engine.media.routes import routes as media_routes
from engine.media.routes_frames import routes as frame_routes
from engine.memory import effects as memory
from engine.memory.reducer import MEMORY
from engine.memory.reducer_audit import MEMORY_AUDIT
from engine.memory.routes import routes as memory_routes
from engine.memory.routes_export import routes as memory_export_routes
from engine.missions.reducer import MISSION
from engine.missions.routes import routes as mission_routes
from engine.notices.reducer import NOTICE
from engine.notices.routes import routes as notice_routes
from engine.outbound import effects as outbound
from engine.outbound.guard import read_allowed
from engine.programs import effects as programs
from engine.rendering import effects as rendering
from engine.rendering.executor import cluster_settings
from engine.rendering.executor_dask import Cluster
from engine.rendering.reducer import RENDER
from engine.rendering.reducer_proxy import PROXY
from engine.rendering.reducer_segment import SEGMENT
from engine.rendering.routes import routes as rendering_routes
from engine.rendering.routes_previews import routes as preview_routes
from engine.rendering.routes_proxies import routes as proxy_routes
from engine.rendering.routes_streams import routes as stream_routes
from engine.routines import effects as routines
from engine.routines.reducer import ROUTINE
from engine.routines.reducer_chain import CHAIN
from engine.routines.reducer_run import ROUTINE_RUN
from engine.routines.reducer_watch import WATCH
from engine.routines.routes import routes as routine_routes
from engine.routines.routes_runs import routes as routine_run_routes
from engine.runs.reducer import RUN
from engine.runs.routes import routes as run_routes
from engine.sessions.reducer import SESSION_RUN
from engine.sessions.routes import routes as session_routes
from engine.webhooks.reducer import WEBHOOK
from engine.webhooks.routes import routes as webhook_routes
from engine.wiring.routes import routes as wiring_routes
from engine.wiring.routes_approvals import routes as decision_routes
from engine.wiring.routes_memory import routes as memory_wiring_routes
from engine.wiring.routes_policy import routes as policy_routes

AGGREGATES: Final[tuple[Aggregate[Any, Any, Any], ...]] = (
    MISSION,
    RUN,
    APPROVAL,
    DELEGATION,
    NOTICE,
    ASSET,
    ARTIFACT,
    UPLOAD,
    TIMELINE,
    RENDER,
    SEGMENT,
    PROXY,
    SESSION_RUN,
    ROUTINE,
    ROUTINE_RUN,
    CHAIN,
    WATCH,
    TOKEN,
    AUDIT,
    SECRET,
    WEBHOOK,
    MEMORY,
    MEMORY_AUDIT,
)
ROUTES: Final[list[BaseRoute]] = [
    *mission_routes,
    *run_routes,
    *session_routes,
    *routine_routes,
    *routine_run_routes,
    *approval_routes,
    *notice_routes,
    *wiring_routes,
    *decision_routes,
    *delegation_routes,
    *policy_routes,
    *media_routes,
    *frame_routes,
    *editing_routes,
    *timeline_routes,
    *interchange_routes,
    *rendering_routes,
    *preview_routes,
    *stream_routes,
    *proxy_routes,
    *access_routes,
    *secret_routes,
    *webhook_routes,
    *memory_export_routes,
    *memory_wiring_routes,
    *memory_routes,
]
# What nearly all work takes: a process has the rest where its work needs it, or loads it in this order while it stands by.
WORKER_MODULES: Final = ("engine.media.probe", "engine.rendering.worker")
ALL_MODULES: Final = (
    "engine.rendering.streaming.tasks",
    "engine.rendering.compositor.warm",
    "engine.rendering.smartcopy.tasks",
    "engine.media.analysis.tasks",
    "engine.rendering.proxies.tasks",
)
WORKERS_MAX: Final = 4


class Features:
    """The features of one daemon."""

    def __init__(self, kernel: Kernel, settings: Settings, folder: Path) -> None:
        self._kernel = kernel
        self._pool = Pool(
            modules=WORKER_MODULES,
            workers=settings.workers or min(os.cpu_count() or 1, WORKERS_MAX),
            sandbox="none" if settings.sandbox == "none" else "required",
            reserve=((), ALL_MODULES),
        )
        self._reserve = settings.reserve_worker
        self._approval_life_ms = settings.approval_s * 1000
        self._runs = wiring.register(kernel, approval_life_ms=self._approval_life_ms)
        roots = [Path(root).expanduser() for root in settings.media_roots]
        self._routines = routines.register(
            kernel, roots=roots, check=partial(wiring.check_entrypoint, kernel)
        )
        self._media = media.register(
            kernel,
            self._pool,
            roots=roots,
            folder=folder,
            backends=backends(),
        )
        editing.register(kernel)
        outbound.register(kernel, [read_allowed(one) for one in settings.outbound_allow])
        wanted = cluster_settings(
            settings.executor,
            settings.cluster_store,
            tls_ca=settings.cluster_tls_ca,
            tls_cert=settings.cluster_tls_cert,
            tls_key=settings.cluster_tls_key,
        )
        self._cluster = None if wanted is None else Cluster(wanted)
        self._executor = (
            None if wanted is None else Feature(name="executor", ok=True, detail=settings.executor)
        )
        self._renders = rendering.register(kernel, self._pool, self._media.registrar, executor=self._cluster)
        self._renders.jobs.encoders.named = settings.render_encoder
        self._renders.jobs.queue_most = settings.render_queue
        self._renders.jobs.cache.limit_bytes = settings.render_cache_bytes
        self._programs = programs.register(
            kernel, folder, settings.commands, fenced=settings.sandbox != "none"
        )
        self.memory, self._memory_feature = memory.register(
            kernel, folder, contacts=settings.memory_contacts, model=settings.memory_model
        )

    def attach(self, app: Starlette) -> None:
        """Give the routes what they need beside the kernel."""
        app.state.media = self._media
        app.state.render_jobs = self._renders.jobs
        app.state.previews = self._renders.previews
        app.state.routines = self._routines
        app.state.memory = self.memory
        app.state.approval_life_ms = self._approval_life_ms

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep what the features run alive for as long as the block lasts."""
        async with self._pool, self._cluster or nullcontext(), self.memory.opened():
            if self._reserve:
                self._pool.keep_reserve()
            await self._programs.load()
            yield

    @asynccontextmanager
    async def firing(self) -> AsyncIterator[None]:
        """Have routines fire for as long as the block lasts; the kernel runs."""
        await wiring.recover(self._kernel)
        await self._renders.jobs.recover()
        async with self.memory.running(), self._routines.running():
            yield

    async def clear(self) -> None:
        """Throw away what was begun and left; to be called when the kernel runs, before anybody is served."""
        await self._media.uploads.clear()

    def busy(self) -> bool:
        """Tell whether work is going on, or will by itself, that nobody may be watching."""
        return self._runs.busy() or self._routines.busy() or self._renders.jobs.busy()

    def readiness(self) -> tuple[Feature, ...]:
        """Return what works, what is missing, and what it would unlock."""
        far = () if self._executor is None else (self._executor,)
        return (
            *self._media.readiness(),
            *self._programs.readiness(),
            self._memory_feature,
            self._renders.jobs.cache.feature(),
            *far,
        )
