"""Payloads byte for byte, at one fixed time and with ids that are said: what may only change on purpose (`just snap`)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.problems import CODES
from cutroom_sdk.wire.runs import RunError
from engine.http import sse
from engine.http.app import build_app
from engine.kernel import errors
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.runs.reducer import RUN
from engine.runs.types import Call, CallTool, Fail, Finish, Queue, Work
from engine.sessions.reducer import SESSION_RUN
from engine.sessions.routes import routes
from tests.conftest import FakeClock, Golden
from tests.kernel_kit import put, write

HOST: Final = "127.0.0.1:7717"
ADA: Final = Context(actor="ada", human=True, capabilities=frozenset({"*"}))
NOBODY: Final = Context(actor="nobody")
LIMIT_S: Final = 10
KINDS: Final = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.StudioError) and kind is not errors.StudioError
]
OWN: Final[dict[type[errors.StudioError], dict[str, Any]]] = {
    errors.Conflict: {"expected": 7, "actual": 3},
    errors.Compacted: {"oldest": 40},
}


def _error(code: str) -> errors.StudioError:
    """An error with this code, of its own class where it has one, with that class's own fields."""
    detail = "one sentence: what is wrong, and what would be right"
    for kind in KINDS:
        if kind.default_code == code:
            if kind is errors.Rejected:
                return errors.Rejected("not_running", detail)
            return kind(detail, **OWN.get(kind, {}))
    return errors.StudioError(detail, code=code, key="project/a")


async def _refuse(request: Request) -> Response:
    """Answer `GET /v1/problems/{code}` with that problem."""
    raise _error(request.path_params["code"])


def _app(kernel: Kernel) -> Starlette:
    return build_app(
        kernel,
        features=[*routes, Route("/v1/problems/{code}", _refuse)],
        check_token={"ada": ADA, "nobody": NOBODY}.get,
        hosts=lambda: frozenset({HOST}),
        health=dict,
        readiness=dict,
    )


@pytest.fixture
async def kernel(tmp_path: Path) -> AsyncIterator[Kernel]:
    async def nothing(_command: Any, _effect: Any) -> None:
        """Stand in for the call of a tool."""

    opened = await Kernel.open(tmp_path, [SESSION_RUN, RUN], FakeClock())
    opened.outbox.handle(CallTool, nothing)
    async with opened.running():
        opened.log.id = "0" * 32  # every log has a name of its own
        yield opened


def asking(kernel: Kernel, name: str = "ada") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(_app(kernel)),
        base_url=f"http://{HOST}",
        headers={"Authorization": f"Bearer {name}"},
        trust_env=False,
        verify=False,
    )


class Tape:
    """What a stream sends, without a socket."""

    def __init__(self, kernel: Kernel, path: str) -> None:
        self.bytes = b""
        self._more = asyncio.Condition()
        plain, _, query = path.partition("?")
        self._scope = {
            "type": "http", "method": "GET", "path": plain, "raw_path": plain.encode(), "root_path": "",
            "query_string": query.encode(), "scheme": "http", "http_version": "1.1",
            "headers": [(b"host", HOST.encode()), (b"authorization", b"Bearer ada")],
        }  # fmt: skip
        self._app = _app(kernel)

    async def __aenter__(self) -> "Tape":
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._send))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _receive(self) -> Any:
        await asyncio.Event().wait()

    async def _send(self, message: Any) -> None:
        async with self._more:
            self.bytes += message.get("body", b"")
            self._more.notify_all()

    async def until(self, found: bytes) -> bytes:
        """Wait until this has come, and return all up to the end of its frame."""
        async with asyncio.timeout(LIMIT_S), self._more:
            await self._more.wait_for(lambda: found in self.bytes and self.bytes.endswith(b"\n\n"))
        whole, _, rest = self.bytes.partition(found)
        return whole + found + rest.partition(b"\n\n")[0] + b"\n\n"


WORK: Final = Work(
    mission_id="m1",
    work_item_id="cut",
    attempt=1,
    tool="plan_cut",
    manual=False,
    input={"goal": "short"},
    refs=("asset/a",),
    reasons=(),
    capabilities=("media:write",),
)


async def _at_rest(kernel: Kernel) -> None:
    """Wait until all that was to be done has been done: then it is certain at which position the next event comes."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            news = kernel.subscriptions.signal
            if not await kernel.resources.everything("outbox"):
                return
            await news.wait()


async def test_changes_of_resources_and_progress_are_told_in_these_bytes(
    kernel: Kernel, golden: Golden
) -> None:
    await write(kernel, put("project/a", {"n": 1}))
    kernel.progress.report(ADA.partition, "project/a", 1, 4, "cutting")
    async with Tape(kernel, "/v1/resources/events?prefix=project&snapshot=1") as tape:
        await tape.until(b"event: ready")
        async with asking(kernel) as client:
            await client.put("/v1/resources/project/b", json={"value": [1.5, None, "Größe"]})
            await client.delete("/v1/resources/project/a")
        golden("streams/resources.sse", await tape.until(b"id: 3"))


async def test_a_bookmark_is_told_in_these_bytes(
    kernel: Kernel, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "BOOKMARK_S", 0.01)
    await write(kernel, put("team/x", 1))
    async with Tape(kernel, "/v1/resources/events?prefix=project") as tape:
        golden("streams/bookmark.sse", await tape.until(b"event: bookmark"))


async def test_the_status_of_another_programs_run_is_told_in_these_bytes(
    kernel: Kernel, golden: Golden
) -> None:
    part = {"type": "tool_invocation", "tool": "search", "call_id": "c1"}
    reports: list[dict[str, Any]] = [
        {"type": "session.run.started", "run_id": "r1"},
        {"type": "message.part.updated", "run_id": "r1", "part": part},
        {"type": "message.part.updated", "run_id": "r1", "part": part | {"type": "tool_result", "result": 3}},
        {"type": "session.run.finished", "run_id": "r1", "result": {"ok": True}},
    ]
    async with Tape(kernel, "/v1/resources/events?prefix=run&snapshot=1") as tape, asking(kernel) as client:
        await tape.until(b"event: ready")
        for report in reports:
            answer = await client.post("/v1/sessions/s1/events", json={"event": report})
            assert answer.status_code == 200
        golden("streams/run_status.sse", await tape.until(b'"state":"finished"'))


async def test_the_events_of_a_run_are_told_in_these_bytes(kernel: Kernel, golden: Golden) -> None:
    refused = RunError(code="unknown_tool", detail="no such tool")
    for run_id, end in (
        ("r1", Finish(made=("artifact/p",), output={"cuts": 3})),
        ("r2", Fail(error=refused)),
    ):
        for proposal in (Queue(work=WORK), Call(), end):
            await kernel.dispatch.propose(f"run/{run_id}", proposal, ADA)
            await _at_rest(kernel)
    async with Tape(kernel, "/v1/log/events?after=0&type=run") as tape:
        golden("streams/run_log.sse", await tape.until(b'"error":{'))


async def test_problems_of_every_code_have_these_bytes(kernel: Kernel, golden: Golden) -> None:
    lines = []
    async with asking(kernel) as client:
        for code, meaning in CODES.items():
            answer = await client.get(f"/v1/problems/{code}")
            assert answer.status_code == meaning.status
            assert answer.headers["content-type"] == "application/problem+json"
            lines.append(answer.content)
    golden("contract/problems.jsonl", b"\n".join(lines) + b"\n")


async def test_refusals_of_the_border_itself_have_these_bytes(kernel: Kernel, golden: Golden) -> None:
    lines = []
    async with asking(kernel) as ada, asking(kernel, "nobody") as nobody, asking(kernel, "x") as unknown:
        asked = [
            ada.get("/v1/nowhere"),
            ada.patch("/v1/resources"),
            ada.get("/v1/resources/project/none"),
            ada.get("/v1/resources/project/..%2F"),
            ada.put("/v1/resources/project/a", json={"surprise": 1}),
            ada.put("/v1/resources/project/a", content=b"{", headers={"Content-Type": "application/json"}),
            ada.put("/v1/resources/project/a", content=b"{}", headers={"Content-Type": "text/plain"}),
            ada.put("/v1/resources/project/a", json={"value": 1}, headers={"If-Match": '"7"'}),
            ada.put("/v1/resources/mission/m1", json={"value": 1}),
            ada.get("/v1/resources", params={"limit": 0}),
            ada.get("/v1/resources/events", params={"after": 99}),
            ada.get("/v1/log", headers={"Host": "evil.example"}),
            nobody.get("/v1/log"),
            unknown.get("/v1/log"),
        ]
        for one in asked:
            answer = await one
            assert answer.status_code >= 400
            lines.append(answer.content)
    golden("contract/refusals.jsonl", b"\n".join(lines) + b"\n")
