"""The contract without an SDK: requests as they go over the wire, and a stream read line by line."""

import asyncio
import contextlib
import json
from typing import Any, Final
from urllib.parse import quote

import httpx

from tests.conformance.drivers import WAIT_S, Driver, Step

# method, path, what goes into the query, what goes as the body (a name, or None: nothing).
PLAIN: Final[dict[str, tuple[str, str, tuple[str, ...], str | None]]] = {
    "delete": ("DELETE", "/v1/resources/{key}", (), None),
    "get": ("GET", "/v1/resources/{key}", ("at",), None),
    "newer": ("GET", "/v1/resources/{key}", (), None),
    "put": ("PUT", "/v1/resources/{key}", (), ""),
    "patch": ("PATCH", "/v1/resources/{key}", (), "change"),
    "amend": ("PATCH", "/v1/resources/{key}", (), "operations"),
    "transact": ("POST", "/v1/resources/transaction", (), ""),
    "log": ("GET", "/v1/log", ("after", "limit", "stream"), None),
    "create_mission": ("POST", "/v1/missions", (), "asked"),
    "mission": ("GET", "/v1/missions/{id}", (), None),
    "tell_mission": ("POST", "/v1/missions/{id}/events", (), ""),
    "report": ("POST", "/v1/sessions/{session}/events", (), ""),
    "issue_token": ("POST", "/v1/tokens", (), "asked"),
    "revoke_token": ("DELETE", "/v1/tokens/{id}", (), None),
    "health": ("GET", "/health", (), None),
    "ready": ("GET", "/ready", (), None),
    "openapi": ("GET", "/openapi.json", (), None),
    "metrics": ("GET", "/metrics", (), None),
}
WHOLE: Final = ("value", "ttl_ms", "operations", "event")  # the fields of a body that is not one of them
TYPES: Final = {"patch": "application/merge-patch+json", "amend": "application/json-patch+json"}
INNER: Final = {"tell_mission": "mission", "report": "status"}  # the part of an answer that is asked for
Query = list[tuple[str, str | int | float | bool | None]]
STANDARD: Final = frozenset({"type", "title", "status", "detail", "code", "instance"})


class RawHttp(Driver):
    """A client written from the contract alone."""

    async def begin(self) -> None:
        self._http = await self.exit.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=WAIT_S))
        self._copy: _Copy | None = None

    async def do(self, step: Step) -> dict[str, Any]:
        match step["do"]:
            case "follow":
                self._copy = _Copy(self, step["prefixes"], step.get("by"))
                return await self._copy.begun()
            case "wait":
                return {"answer": await self._followed.until(step["position"])}
            case "see":
                return {"answer": await self._followed.see(step["key"])}
            case "held":
                return {"answer": dict(self._followed.held)}
            case "leave":
                await self._followed.left()
                return {"answer": self._followed.fresh}
            case "list":
                return await self._list("/v1/resources", [("prefix", one) for one in step["prefixes"]], step)
            case "missions":
                asked: Query = [("status", step["status"])] if "status" in step else []
                return await self._list("/v1/missions", asked, step)
        return await self._plain(step)

    @property
    def _followed(self) -> "_Copy":
        assert self._copy is not None
        return self._copy

    def bearer(self, step: Step) -> tuple[str, dict[str, str]]:
        """Where to, and who asks."""
        address = self.locate(step.get("by"))
        assert address is not None
        return address.url, {"Authorization": f"Bearer {address.token}"}

    async def _plain(self, step: Step) -> dict[str, Any]:
        method, path, query, body = PLAIN[step["do"]]
        url, headers = self.bearer(step)
        headers |= {"Content-Type": TYPES.get(step["do"], "application/json")} if body is not None else {}
        headers |= {"If-Match": f'"{step["if_match"]}"'} if "if_match" in step else {}
        headers |= {"If-None-Match": "*"} if step.get("if_absent") else {}
        headers |= {"If-None-Match": f'"{step["rev"]}"'} if step["do"] == "newer" else {}
        headers |= {"Idempotency-Key": step["idempotency_key"]} if "idempotency_key" in step else {}
        names = {name: _quoted(step[name]) for name in ("key", "id", "session") if name in step}
        asked = {name: step[name] for name in query if name in step}
        sent = _body(step, body)
        content = None if sent is None else json.dumps(sent).encode()
        answer = await self._http.request(
            method, url + path.format(**names), params=asked, headers=headers, content=content
        )
        if answer.status_code >= 400:
            return told(answer)
        if answer.status_code == 304:
            return {"answer": None}
        found: Any = answer.json() if "json" in answer.headers["content-type"] else answer.text
        return {"answer": found[INNER[step["do"]]] if step["do"] in INNER else found}

    async def _list(self, path: str, asked: Query, step: Step) -> dict[str, Any]:
        url, headers = self.bearer(step)
        items: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page: Query = [("limit", "1"), *asked, *([("cursor", cursor)] if cursor else [])]
            answer = await self._http.get(url + path, params=page, headers=headers)
            if answer.status_code >= 400:
                return told(answer)
            items += answer.json()["items"]
            cursor = answer.json()["next"]
        return {"answer": items}


def _body(step: Step, body: str | None) -> Any:
    if body is None:
        return None
    return step[body] if body else {name: step[name] for name in WHOLE if name in step}


def _quoted(name: str) -> str:
    # Dots are sent as such by nobody who reads the contract: an address would be another without them.
    return "/".join({".": "%2E", "..": "%2E%2E"}.get(part, quote(part, safe="")) for part in name.split("/"))


def told(answer: httpx.Response) -> dict[str, Any]:
    """A problem as it came."""
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert STANDARD <= said.keys()
    assert said["status"] == answer.status_code
    extra = {name: value for name, value in said.items() if name not in STANDARD}
    return {"problem": {"code": said["code"], "status": answer.status_code, "extra": extra}}


class _Copy:
    """List and watch, and on from the last id after a break."""

    def __init__(self, driver: RawHttp, prefixes: list[str], by: str | None) -> None:
        self._driver = driver
        self._asked: Query = [("prefix", one) for one in prefixes]
        self._step = {} if by is None else {"by": by}
        self._news = asyncio.Condition()
        self._position: int | None = None
        self._log_id = ""
        self._refusal: dict[str, Any] | None = None
        self.held: dict[str, list[Any]] = {}
        self.fresh: list[str] = []
        self._task = asyncio.create_task(self._follow())

    async def begun(self) -> dict[str, Any]:
        """Wait for the snapshot, or the refusal."""
        async with asyncio.timeout(WAIT_S), self._news:
            await self._news.wait_for(lambda: self._position is not None or self._refusal is not None)
        return self._refusal or {"answer": "live"}

    async def until(self, position: int) -> str:
        """Wait until everything up to a position is in the copy."""
        async with asyncio.timeout(WAIT_S), self._news:
            await self._news.wait_for(lambda: (self._position or 0) >= position)
        return "live"

    async def see(self, key: str) -> list[Any]:
        """Wait until there is a resource of this key."""
        async with asyncio.timeout(WAIT_S), self._news:
            await self._news.wait_for(lambda: key in self.held)
            return self.held[key]

    async def left(self) -> None:
        """Stop."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while self._refusal is None:
            with contextlib.suppress(httpx.HTTPError, AssertionError):
                await self._read()
            await asyncio.sleep(0)

    async def _read(self) -> None:
        url, headers = self._driver.bearer(self._step)
        snapshot = self._position is None
        if not snapshot:
            headers["Last-Event-ID"] = str(self._position)
        asked: Query = [*self._asked, *([("snapshot", "1")] if snapshot else [])]
        async with (
            httpx.AsyncClient(trust_env=False, timeout=WAIT_S) as http,
            http.stream("GET", f"{url}/v1/resources/events", params=asked, headers=headers) as stream,
        ):
            if stream.status_code >= 400:
                await stream.aread()
                await self._refused(told(stream))
                return
            await self._frames(stream)

    async def _refused(self, refusal: dict[str, Any]) -> None:
        code = refusal["problem"]["code"]
        async with self._news:
            if self._position is not None and code in ("compacted", "position_ahead"):
                self._position = None
                self.fresh.append(code)
            else:
                self._refusal = refusal
            self._news.notify_all()

    async def _frames(self, stream: httpx.Response) -> None:
        group: list[tuple[str, dict[str, Any]]] = []
        frame: dict[str, str] = {}
        async for line in stream.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                frame[name] = value
                continue
            data = json.loads(frame["data"])
            if frame["event"].startswith("resource."):
                group.append((frame["event"], data))
            if frame["event"] == "ready" and not self._is_same_log(data["log_id"]):
                return
            if "id" in frame:
                async with self._news:
                    if self._position is None:
                        self.held.clear()
                    self._put(group)
                    self._position = int(frame["id"])
                    self._news.notify_all()
                group = []
            frame = {}

    def _is_same_log(self, log_id: str) -> bool:
        """Whether the stream goes on with the log that the copy was made from; if not, the copy is made anew."""
        before, self._log_id = self._log_id, log_id
        if self._position is None or before == log_id:
            return True
        self._position = None
        self.fresh.append("gap")
        return False

    def _put(self, group: list[tuple[str, dict[str, Any]]]) -> None:
        for event, data in group:
            if event == "resource.updated":
                self.held[data["key"]] = [data["rev"], data["value"]]
            else:
                self.held.pop(data["key"], None)
