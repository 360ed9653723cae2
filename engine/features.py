"""The list of features, and how they are put onto the kernel."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from cutroom_sdk.wire.status import Feature
from engine.config import Settings
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Aggregate

AGGREGATES: Final[tuple[Aggregate[Any, Any, Any], ...]] = ()
ROUTES: Final[list[BaseRoute]] = []


class Features:
    """The features of one daemon."""

    def __init__(self, kernel: Kernel, settings: Settings, folder: Path) -> None:
        self._kernel = kernel
        self._settings = settings
        self._folder = folder

    def attach(self, app: Starlette) -> None:
        """Give the routes what they need beside the kernel."""
        app.state.settings = self._settings

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep what the features run alive for as long as the block lasts."""
        yield

    def busy(self) -> bool:
        """Tell whether work is going on that nobody may be watching."""
        return False

    def readiness(self) -> tuple[Feature, ...]:
        """Return what works, what is missing, and what it would unlock."""
        return ()
