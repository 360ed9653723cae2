"""What tests of policy share: a studio over HTTP with tools that leave the machine, write, and call each other."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import Request
from cutroom_sdk.wire.outbox import OutboxCommand
from cutroom_sdk.wire.runs import Run
from engine.approvals.reducer import LIFE_MS
from engine.features import ROUTES
from engine.http.app import build_app
from engine.kernel.context import Context
from engine.kernel.errors import StudioError
from engine.kernel.kernel import Kernel
from engine.kernel.tools import ToolContext, ToolResult
from engine.routines.effects import Routines, register
from engine.wiring import check_entrypoint
from tests.kernel_kit import FakeClock
from tests.missions_kit import ADA, FakeTool, studio, until
from tests.routines_kit import NOON

PROGRAM: Final = frozenset(
    {"missions:*", "media:*", "approvals:read", "approvals:decide", "routines:read", "routines:write"}
)
TOKENS: Final = {
    "ada": ADA,
    "bob": Context(actor="bob", human=True, capabilities=frozenset({"*"})),
    "bot": Context(actor="bot", capabilities=PROGRAM),
    "robot": Context(actor="robot", capabilities=frozenset({"*"})),
    "eye": Context(actor="eye", human=True, capabilities=frozenset({"missions:*", "approvals:read"})),
    "eve": Context(actor="eve", human=True, partition="umbra/dev", capabilities=frozenset({"*"})),
    "del": Context(
        actor="del", human=True, capabilities=frozenset({"approvals:read", "approvals:delegated"})
    ),
    "drone": Context(actor="drone", capabilities=frozenset({"approvals:read", "approvals:delegated"})),
}
URL: Final = "https://hooks.example/cut"


class Sent(Request, frozen=True, kw_only=True):
    """Input of the tools that leave the machine, or write."""

    url: str = URL
    text: str = ""


class Script(Request, frozen=True, kw_only=True):
    """Input of the tool that calls others: these, one after the other."""

    calls: tuple[tuple[str, dict[str, Any]], ...]
    brave: bool = False  # it goes on whatever happens


def where(asked: Any) -> tuple[str, ...]:
    """Where a tool with the input `Sent` says that it goes."""
    return (asked.url,)


@dataclass
class Tools:
    """The tools; `sent` holds what has left the machine, as `(tool, text)`."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def all(self) -> list[FakeTool]:
        """Return them as the registry takes them."""
        return [
            self._sender("publish", idempotent=False),
            self._sender("fetch", idempotent=True),
            FakeTool("write", effect="local", input=Sent, targets=where),
            FakeTool("vague", effect="local", input=Sent),
            FakeTool("script", call=self._script, input=Script),
            FakeTool("once", call=self._script, input=Script, idempotent=False),
        ]

    def _sender(self, name: str, *, idempotent: bool) -> FakeTool:
        async def send(asked: Any, _context: ToolContext) -> ToolResult:
            self.before()
            self.sent.append((name, asked.text))
            return ToolResult(output={"sent": len(self.sent)})

        return FakeTool(name, call=send, effect="external", input=Sent, targets=where, idempotent=idempotent)

    async def _script(self, asked: Any, context: ToolContext) -> ToolResult:
        outputs = []
        for name, given in asked.calls:
            try:
                outputs.append((await context.call_tool(name, given)).output)
            except StudioError as error:
                if not asked.brave:
                    raise
                outputs.append({"refused": error.code})
            except Exception:
                if not asked.brave:
                    raise
        return ToolResult(output={"got": outputs})


@dataclass
class Desk:
    """A studio asked over HTTP; answers are `(status, JSON)`."""

    kernel: Kernel
    tools: Tools
    clock: FakeClock
    http: httpx.AsyncClient

    async def asks(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask for something with somebody's token."""
        headers = {"Authorization": f"Bearer {who}"}
        response = await self.http.request(method, path, json=body, headers=headers)
        return response.status_code, response.json()

    async def has(self, who: str, path: str, body: Any) -> Any:
        """Post something that is taken; return the answer."""
        status, answer = await self.asks(who, "POST", path, body)
        assert status < 300, answer
        return answer

    async def mission(self, tool: str, given: dict[str, Any], who: str = "ada", **more: Any) -> str:
        """Start a mission of one call of a tool; return its id."""
        gates = {"review": "none", "test": "none"}
        item = {"work_item_id": "call", "title": "Call", "kind": tool, "input": given, "gates": gates}
        asked = {"title": "Tell them", "goal": "told", "work_items": [item], "start": True}
        made = await self.has(who, "/v1/missions", asked | {"budgets": {"max_attempts": 1}} | more)
        return str(made["mission_id"])

    async def routine(self, tool: str, given: dict[str, Any], name: str = "r1", **more: Any) -> str:
        """Make a routine of one call of a tool, have a person activate it and run it; return the run's id."""
        asked = {
            "name": name,
            "routine_id": name,
            "entrypoint": {"tool": tool},
            "args": given,
            "schedule": {"every_ms": 86_400_000},
        }
        await self.has("ada", "/v1/routines", asked | more)
        await self.has("ada", f"/v1/routines/{name}/activate", {})
        return await self.fire(name)

    async def fire(self, name: str = "r1") -> str:
        """Run a routine now; return the run's id."""
        fired = await self.has("ada", f"/v1/routines/{name}/run-now", {})
        return str(fired["runs"][0]["run_id"])

    async def run(self, mission_id: str, *statuses: str, held: bool = False) -> Run:
        """Wait until the mission's run has one of these statuses, or waits for leave; return it."""
        found: list[Run] = []

        async def there() -> bool:
            every = await self.kernel.resources.values("run", Run)
            found[:] = [one for one in every if one.mission_id == mission_id]
            return any(one.status in statuses or (held and one.approval_id is not None) for one in found)

        await until(self.kernel, there)
        return found[-1]

    async def asked(self, mission_id: str) -> Approval:
        """Wait until a call of the mission waits for leave; return the question."""
        run = await self.run(mission_id, held=True)
        return await self.approval(str(run.approval_id))

    async def quiet(self) -> None:
        """Wait until nothing is left to be done but timers."""

        async def done() -> bool:
            left = await self.kernel.resources.values("outbox", OutboxCommand)
            return all(one.type == "schedule_expiry" for one in left)

        await until(self.kernel, done)

    async def approval(self, approval_id: str, *states: str) -> Approval:
        """Return an approval, when it has one of these states."""
        found: list[Approval] = []

        async def there() -> bool:
            every = await self.kernel.resources.values("approval", Approval)
            found[:] = [one for one in every if one.approval_id == approval_id]
            return bool(found) and (not states or found[0].state in states)

        await until(self.kernel, there)
        return found[0]

    async def approves(self, approval: Approval, who: str = "ada", **body: Any) -> tuple[int, Any]:
        """Approve something; the hash that was seen is sent along."""
        seen = {"subject_hash": approval.subject_hash}
        return await self.asks(who, "POST", f"/v1/approvals/{approval.approval_id}/approve", seen | body)

    async def denies(self, approval: Approval, who: str = "ada", **body: Any) -> tuple[int, Any]:
        """Deny something."""
        return await self.asks(who, "POST", f"/v1/approvals/{approval.approval_id}/deny", body)

    async def refused(self, who: str, method: str, path: str, body: Any = None) -> str:
        """Ask for something that is refused; return the code, with the reason where there is one."""
        status, answer = await self.asks(who, method, path, body)
        assert status >= 400, answer
        return ":".join(filter(None, (answer["code"], answer.get("reason"))))


@contextlib.asynccontextmanager
async def desk(
    folder: Path, *, at_ms: int = NOON, more: tuple[FakeTool, ...] = (), approval_life_ms: int = LIFE_MS
) -> AsyncIterator[Desk]:
    """A studio with everybody's tokens."""
    folder.mkdir(exist_ok=True)
    tools, clock, kept = Tools(), FakeClock(at_ms), list[Routines]()

    def prepare(kernel: Kernel) -> None:
        kept.append(register(kernel, roots=(), check=partial(check_entrypoint, kernel)))

    async with studio(
        folder, *tools.all(), *more, clock=clock, prepare=prepare, approval_life_ms=approval_life_ms
    ) as kernel:
        await kept[0].scheduler.load()
        app = build_app(
            kernel,
            features=ROUTES,
            check_token=TOKENS.get,
            hosts=lambda: frozenset({"studio"}),
            health=dict,
            readiness=dict,
        )
        app.state.routines = kept[0]
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://studio") as http:
            yield Desk(kernel, tools, clock, http)
