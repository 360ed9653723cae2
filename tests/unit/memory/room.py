"""The memory room behind its routes, with approvals and callers of every sort, asked without a socket."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from engine import wiring
from engine.approvals.reducer import LIFE_MS
from engine.approvals.routes import routes as approval_routes
from engine.features import AGGREGATES
from engine.http.app import build_app
from engine.kernel.clock import Clock, SystemClock
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.memory import effects
from engine.memory.routes import routes as memory_routes
from engine.memory.routes_export import routes as export_routes
from engine.memory.shelf import Contacts, Shelf
from engine.wiring.routes_approvals import routes as deciding_routes
from engine.wiring.routes_memory import routes as promoting_routes

HOST: Final = "127.0.0.1:7717"


def _context(actor: str, *capabilities: str, human: bool = False, partition: str = "local/dev") -> Context:
    return Context(
        actor=actor,
        human=human,
        partition=partition,
        capabilities=frozenset(capabilities),
        token_id=f"of-{actor}",
    )


CALLERS: Final = {
    "ada": _context("ada", "*", human=True),
    "agent": _context("agent", "memory:read", "memory:write", "memory:promote:team"),
    "writer": _context("writer", "memory:write"),
    "reader": _context("reader", "memory:read"),
    "nobody": _context("nobody", "resources:read"),
    "eve": _context("eve", "*", human=True, partition="acme/prod"),
    "stage": _context("stage", "*", human=True, partition="local/stage"),
}
HOLDERS: Final = {one.token_id: one for one in CALLERS.values()}


@dataclass
class Room:
    """A running room. `tokens` are signed capabilities by the name of a caller."""

    kernel: Kernel
    shelf: Shelf
    transport: httpx.ASGITransport
    folder: Path

    async def asks(
        self, name: str, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """What the daemon answers to a caller, or to the bearer of `token`."""
        bearer = token or f"token-of-{name}"
        async with httpx.AsyncClient(
            transport=self.transport, base_url=f"http://{HOST}", trust_env=False, timeout=20
        ) as client:
            return await client.request(
                method, path, json=body, headers={"Authorization": f"Bearer {bearer}", **headers}
            )

    async def put(self, text: str = "cut on the beat", name: str = "ada", **more: Any) -> dict[str, Any]:
        """Put something into memory and return the answer."""
        response = await self.asks(name, "POST", "/v1/memory", {"text": text, **more})
        assert response.status_code in (200, 201), response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def promote(self, memory_id: str, to_tier: str, name: str = "agent", **more: Any) -> httpx.Response:
        return await self.asks(name, "POST", f"/v1/memory/{memory_id}/promote", {"to_tier": to_tier, **more})

    async def found(self, query: str, name: str = "ada", **more: Any) -> list[str]:
        """The ids that a search finds, the best first."""
        response = await self.asks(name, "POST", "/v1/memory/search", {"query": query, **more})
        assert response.status_code == 200, response.text
        return [one["memory_id"] for one in response.json()["items"]]

    async def reviewed(self, memory_id: str, to_tier: str, *, grant: bool = True) -> str:
        """Have an agent ask for a review, and a person decide; return the approval's id."""
        asked = (await self.promote(memory_id, to_tier)).json()
        assert (asked["status"], asked["reason"]) == ("blocked", "review_required")
        approval_id: str = asked["approval_id"]
        word = "approve" if grant else "deny"
        decided = await self.asks("ada", "POST", f"/v1/approvals/{approval_id}/{word}", {})
        assert decided.status_code == 200, decided.text
        return approval_id

    async def audit(self, name: str = "ada") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.asks(name, "GET", "/v1/memory/audit")).json()["items"]
        return items

    def holding(self, *texts: str) -> list[str]:
        """The files of the state directory in which one of the texts lies, as it is."""
        return sorted(
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and any(text.encode() in path.read_bytes() for text in texts)
        )


@contextlib.asynccontextmanager
async def room(
    folder: Path, *, contacts: Contacts = "shared", model: str = "", clock: Clock | None = None
) -> AsyncIterator[Room]:
    """The room on a state directory."""
    folder.mkdir(exist_ok=True)
    kernel = await Kernel.open(folder, AGGREGATES, clock or SystemClock())
    wiring.register(kernel)
    shelf, _ = effects.register(kernel, folder, contacts=contacts, model=model)

    def check(token: str) -> Context | None:
        own = CALLERS.get(token.removeprefix("token-of-"))
        return own or shelf.capabilities.check(token, HOLDERS.get)

    app = build_app(
        kernel,
        features=[*export_routes, *promoting_routes, *memory_routes, *approval_routes, *deciding_routes],
        check_token=check,
        hosts=lambda: frozenset({HOST}),
        health=lambda: {"status": "ok"},
        readiness=lambda: {"features": []},
    )
    app.state.memory = shelf
    app.state.approval_life_ms = LIFE_MS
    async with shelf.opened(), kernel.running(), shelf.running():
        yield Room(kernel, shelf, httpx.ASGITransport(app), folder)
