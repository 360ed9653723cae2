"""What tests of access share: the room on a kernel of its own, asked without a socket."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from engine.access.audit import Auditor
from engine.access.reducer import TOKEN
from engine.access.reducer_audit import AUDIT
from engine.access.routes import routes
from engine.access.tokens import OPERATOR_FILE, Tokens
from engine.http.app import build_app
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from tests.kernel_kit import FakeClock, events_of

HOST: Final = "127.0.0.1:7717"
NOW_MS: Final = 1_700_000_000_000


@dataclass(frozen=True)
class Room:
    """The room; `asks(token)` is a client with that token, the operator's unless one is given, "" for none."""

    kernel: Kernel
    tokens: Tokens
    auditor: Auditor
    clock: FakeClock
    operator: str
    transport: httpx.AsyncBaseTransport

    def asks(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        shown = self.operator if token is None else token
        sent = {"Authorization": f"Bearer {shown}"} if shown else {}
        return httpx.AsyncClient(
            transport=self.transport,
            base_url=f"http://{HOST}",
            headers=sent | headers,
            verify=False,
            trust_env=False,
        )

    async def issue(self, token: str | None = None, **asked: Any) -> httpx.Response:
        """Ask for a token for `ada`, who may read records, unless something else is asked."""
        body = {"actor": "ada", "capabilities": ["resources:read"]} | asked
        async with self.asks(token) as client:
            return await client.post("/v1/tokens", json=body)

    async def token(self, issuer: str | None = None, **asked: Any) -> str:
        """Return the secret of a token that was issued."""
        issued = await self.issue(issuer, **asked)
        assert issued.status_code == 201, issued.text
        return str(issued.json()["token"])

    async def get(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        async with self.asks(token, **headers) as client:
            return await client.get(path)

    async def audit(self) -> list[Mapping[str, Any]]:
        """Return all that the operator reads in the audit."""
        items: list[Mapping[str, Any]] = (await self.get("/v1/audit?limit=1000")).json()["items"]
        return items

    async def log(self) -> list[Event]:
        return await events_of(self.kernel)


@contextlib.asynccontextmanager
async def opened(folder: Path, clock: FakeClock | None = None) -> AsyncIterator[Room]:
    """The room on `folder`, which may have been opened before."""
    clock = clock or FakeClock(NOW_MS)
    kernel = await Kernel.open(folder, [TOKEN, AUDIT], clock)
    tokens, auditor = Tokens.open(folder, clock), Auditor(kernel.dispatch, clock)
    await tokens.load(kernel.resources)
    kernel.dispatch.listen(tokens.heard)
    app = build_app(
        kernel,
        features=routes,
        check_token=tokens.check,
        hosts=lambda: frozenset({HOST}),
        health=lambda: {"status": "ok"},
        readiness=lambda: {"features": []},
        note=auditor.note,
        still_valid=tokens.valid,
    )
    app.state.tokens = tokens
    operator = (folder / OPERATOR_FILE).read_text().strip()
    async with kernel.running():
        yield Room(kernel, tokens, auditor, clock, operator, httpx.ASGITransport(app))


def code(response: httpx.Response) -> tuple[int, str]:
    """The status and code of a refusal."""
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]
