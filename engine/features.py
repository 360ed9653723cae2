"""The list of features, and how they are put onto the kernel."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from cutroom_sdk.wire.status import Feature
from engine import wiring
from engine.approvals.reducer import APPROVAL
from engine.approvals.routes import routes as approval_routes
from engine.config import Settings
from engine.editing.routes import routes as editing_routes
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Aggregate
from engine.media.pool import Pool
from engine.missions.reducer import MISSION
from engine.missions.routes import routes as mission_routes
from engine.runs.reducer import RUN
from engine.runs.routes import routes as run_routes
from engine.wiring.routes import routes as wiring_routes

AGGREGATES: Final[tuple[Aggregate[Any, Any, Any], ...]] = (MISSION, RUN, APPROVAL)
ROUTES: Final[list[BaseRoute]] = [
    *mission_routes,
    *run_routes,
    *approval_routes,
    *wiring_routes,
    *editing_routes,
]
WORKER_MODULES: Final = ("engine.media.probe",)
WORKERS_MAX: Final = 4


class Features:
    """The features of one daemon."""

    def __init__(self, kernel: Kernel, settings: Settings, folder: Path) -> None:
        self._kernel = kernel
        self._settings = settings
        self._pool = Pool(
            modules=WORKER_MODULES,
            workers=settings.workers or min(os.cpu_count() or 1, WORKERS_MAX),
            sandbox="none" if settings.sandbox == "none" else "required",
        )
        wiring.register(kernel)

    def attach(self, app: Starlette) -> None:
        """Give the routes what they need beside the kernel."""
        app.state.settings = self._settings
        app.state.pool = self._pool

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep what the features run alive for as long as the block lasts."""
        async with self._pool:
            yield

    def busy(self) -> bool:
        """Tell whether work is going on that nobody may be watching."""
        return self._kernel.progress.any_running()

    def readiness(self) -> tuple[Feature, ...]:
        """Return what works, what is missing, and what it would unlock."""
        return ()
