# Made by `just specs` from cutroom_sdk/calls/status.py; change that one.
"""What the daemon says of itself."""

from typing import Any

from cutroom_sdk.sync.connection import Connection
from cutroom_sdk.wire.status import Health, Ready


class StatusCalls(Connection):
    """Alive, ready, measured, described."""

    def health(self) -> Health:
        """Return that it is alive, and in which versions."""
        return self.get("/health", Health)

    def ready(self) -> Ready:
        """Return what works and what is missing."""
        return self.get("/ready", Ready)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document of the daemon's own version."""
        return self.get("/openapi.json", dict[str, Any])

    def metrics(self) -> str:
        """Return the daemon's figures in the text format of Prometheus."""
        return (self.request("GET", "/metrics")).text
