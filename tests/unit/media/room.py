"""The media room on a real kernel and a real pool, with detectors that only count how often they are called."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.media import Asset
from engine.http.app import build_app
from engine.kernel.clock import Clock
from engine.kernel.context import DEFAULT_PARTITION, Context
from engine.kernel.kernel import Kernel
from engine.kernel.resources import Reader
from engine.kernel.tools import ToolContext, ToolResult
from engine.media import routes, routes_frames
from engine.media.analysis.requests import Backend
from engine.media.effects import Media, register
from engine.media.pool import Pool
from engine.media.reducer import ARTIFACT, ASSET, UPLOAD
from tests.conftest import FakeClock

OPERATOR = Context(actor="ada", human=True, capabilities=frozenset({"*"}))
READER = Context(actor="bob", capabilities=frozenset({"media:read"}))
BACKENDS = {
    "shots": Backend(kind="shots", stream="picture", name="count", version="1", params={"threshold": 3}),
    "large": Backend(kind="large", stream="picture", name="count", version="1"),
    "speech": Backend(kind="speech", stream="sound", name="count", version="1"),
    "broken": Backend(kind="broken", stream="sound", name="count", version="1"),
    "faces": Backend(
        kind="faces", stream="picture", name="none", version="1", missing="faces is not installed"
    ),
}
TASKS: dict[Any, str] = {
    "picture": "tests.unit.media.detectors:look",
    "sound": "tests.unit.media.detectors:listen",
}


@dataclass
class Room:
    kernel: Kernel
    media: Media
    http: httpx.AsyncClient
    footage: Path
    reports: list[tuple[float, float, str]]

    async def add(self, path: Path) -> Asset:
        answer = await self.http.post("/v1/assets", json={"path": str(path)})
        assert answer.status_code in (200, 201), answer.text
        return decode(answer.content, Asset)

    async def refuse(self, path: Path | str, code: str) -> str:
        answer = await self.http.post("/v1/assets", json={"path": str(path)})
        assert answer.json()["code"] == code, answer.text
        detail: str = answer.json()["detail"]
        return detail

    async def run(self, tool: str, arguments: dict[str, Any], refs: Sequence[str] = ()) -> ToolResult:
        context = OPERATOR

        async def propose(stream: str, proposal: Struct) -> Any:
            return (await self.kernel.dispatch.propose(stream, proposal, context)).state

        return await self.kernel.tools.get(tool).call(
            self.kernel.tools.read_input(tool, arguments),
            ToolContext(
                run_id="r1",
                context=context,
                refs=tuple(refs),
                propose=propose,
                resources=Reader(self.kernel.resources, DEFAULT_PARTITION),
                blobs=self.kernel.blobs,
                report=lambda done, total, note="": self.reports.append((done, total, note)),
                now_ms=self.kernel.clock.now_ms,
            ),
        )


@contextlib.asynccontextmanager
async def room(tmp_path: Path, clock: Clock | None = None) -> AsyncIterator[Room]:
    """A room whose only media root is `tmp_path/footage`."""
    state, footage = tmp_path / "state", tmp_path / "footage"
    state.mkdir(mode=0o700, exist_ok=True)
    footage.mkdir(exist_ok=True)
    kernel = await Kernel.open(state, (ASSET, ARTIFACT, UPLOAD), clock or FakeClock())
    async with Pool(modules=("engine.media.probe", "tests.unit.media.detectors"), workers=1) as pool:
        media = register(kernel, pool, roots=(footage,), folder=state, backends=BACKENDS, tasks=TASKS)
        app = build_app(
            kernel,
            features=[*routes.routes, *routes_frames.routes],
            check_token={"operator": OPERATOR, "reader": READER}.get,
            hosts=lambda: frozenset({"studio"}),
            health=dict,
            readiness=dict,
        )
        app.state.media = media
        headers = {"Authorization": "Bearer operator"}
        transport = httpx.ASGITransport(app)
        async with (
            kernel.running(),
            httpx.AsyncClient(transport=transport, base_url="http://studio", headers=headers) as http,
        ):
            yield Room(kernel, media, http, footage, [])
