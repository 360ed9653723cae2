"""What the daemon says of itself."""

from typing import Any

from cutroom_sdk.connection import Connection
from cutroom_sdk.wire.status import Health, Ready


class StatusCalls(Connection):
    """Alive, ready, measured, described."""

    async def health(self) -> Health:
        """Return that it is alive, and in which versions."""
        return await self.get("/health", Health)

    async def ready(self) -> Ready:
        """Return what works and what is missing."""
        return await self.get("/ready", Ready)

    async def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document of the daemon's own version."""
        return await self.get("/openapi.json", dict[str, Any])

    async def metrics(self) -> str:
        """Return the daemon's figures in the text format of Prometheus."""
        return (await self.request("GET", "/metrics")).text
