"""Reports over HTTP: who may report what, and who sees it."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from engine.http.app import build_app
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.runs.reducer import RUN
from engine.runs.types import CallTool, Queue, Work
from engine.sessions.reducer import SESSION_RUN
from engine.sessions.routes import routes
from tests.kernel_kit import ADA, FakeClock, check_invariants, until

HOST: Final = "127.0.0.1:7717"
CALLERS: Final = {
    "ada": ADA,
    "agent": Context(actor="agent", capabilities=frozenset({"missions:report"})),
    "reader": Context(actor="reader", capabilities=frozenset({"missions:read", "resources:write"})),
}
EVENTS: Final = "/v1/sessions/s1/events"
STARTED: Final = {"event": {"type": "session.run.started", "run_id": "r1", "host": "elsewhere"}}


async def _nothing(_command: Any, _effect: Any) -> None:
    """Stand in for the call of a tool."""


@pytest.fixture
async def kernel(tmp_path: Path) -> AsyncIterator[Kernel]:
    opened = await Kernel.open(tmp_path, [SESSION_RUN, RUN], FakeClock())
    async with opened.running():
        yield opened
        await check_invariants(opened)


@contextlib.asynccontextmanager
async def asking(kernel: Kernel, name: str) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(
        kernel,
        features=routes,
        check_token=CALLERS.get,
        hosts=lambda: frozenset({HOST}),
        health=dict,
        readiness=dict,
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=f"http://{HOST}",
        headers={"Authorization": f"Bearer {name}"},
        verify=False,
        trust_env=False,
    ) as client:
        yield client


async def test_a_report_is_seen_as_a_resource(kernel: Kernel) -> None:
    async with asking(kernel, "agent") as agent, asking(kernel, "reader") as reader:
        answer = await agent.post(EVENTS, json=STARTED)
        assert answer.status_code == 200
        read = (await reader.get("/v1/resources/run/r1/status")).json()
        assert read["value"] == answer.json()["status"]
        assert (read["value"]["state"], read["rev"], read["updated_by"]) == ("running", 1, "agent")
        await agent.post(EVENTS, json=STARTED)
        assert (await reader.get("/v1/resources/run/r1/status")).json()["rev"] == 1
        listed = (await reader.get("/v1/resources", params={"prefix": "run"})).json()["items"]
        assert [record["key"] for record in listed] == ["run/r1/status"]


async def test_reporting_takes_its_capability_and_the_index_no_other_writer(kernel: Kernel) -> None:
    async with asking(kernel, "reader") as reader:
        refused = await reader.post(EVENTS, json=STARTED)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        written = await reader.put("/v1/resources/run/r1/status", json={"value": {}})
        assert (written.status_code, written.json()["code"]) == (403, "engine_owned")
        own = await reader.put("/v1/resources/run/r1/notes", json={"value": {}})
        assert own.status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        (EVENTS, {"event": {"type": "session.opened", "run_id": "r1"}}, "invalid_request", "event.type"),
        (EVENTS, {"event": {"type": "session.run.started"}}, "invalid_request", "event.run_id"),
        (EVENTS, {**STARTED, "at": 5}, "invalid_request", "at"),
        (EVENTS, {"event": {"type": "session.run.started", "run_id": "a/b"}}, "invalid_key", None),
        (EVENTS, {"event": {"type": "session.run.started", "run_id": ""}}, "invalid_key", None),
        ("/v1/sessions/a%20b/events", STARTED, "invalid_key", None),
    ],
)
async def test_a_report_that_is_wrong_is_named(
    kernel: Kernel, path: str, body: Any, code: str, field: str | None
) -> None:
    async with asking(kernel, "agent") as agent:
        answer = await agent.post(path, json=body)
        assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (400, code, field)
    assert kernel.dispatch.head == 0


async def test_another_session_is_told_that_the_run_is_not_its_own(kernel: Kernel) -> None:
    async with asking(kernel, "agent") as agent:
        await agent.post(EVENTS, json=STARTED)
        answer = await agent.post("/v1/sessions/s2/events", json=STARTED)
        assert (answer.status_code, answer.json()["reason"]) == (422, "other_session")


@pytest.mark.parametrize(("tool", "status"), [("render", 403), ("manual", 200)])
async def test_what_the_engine_carries_out_is_not_for_others_to_report(
    kernel: Kernel, tool: str, status: int
) -> None:
    work = Work(
        mission_id="m1",
        work_item_id="w1",
        attempt=1,
        tool=tool,
        manual=tool == "manual",
        input={},
        refs=(),
        reasons=(),
        capabilities=(),
    )
    kernel.outbox.handle(CallTool, _nothing)
    await kernel.dispatch.propose("run/r1", Queue(work=work), ADA)
    if tool != "manual":
        await until(kernel, lambda: kernel.dispatch.head == 4)  # queued; enqueued, attempted, completed
    async with asking(kernel, "agent") as agent:
        answer = await agent.post(EVENTS, json=STARTED)
        assert answer.status_code == status
        assert status == 200 or answer.json()["code"] == "engine_owned"
