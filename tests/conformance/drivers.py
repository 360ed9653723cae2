"""The ways to a daemon that the contract is tried on: each does the same steps, and tells what came of them as JSON.

A step names what to do, with what; `by` is a token that counts in place of the operator's. What came of it is
`{"answer": ...}`, or `{"problem": {code, status, extra}}`.
"""

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from cutroom_sdk import replica
from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address, find
from cutroom_sdk.errors import SdkError
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.sync import client as waiting
from cutroom_sdk.sync.replica import Replica as WaitingReplica
from cutroom_sdk.wire.codec import convert, encode
from cutroom_sdk.wire.mission_events import PostedEvent
from cutroom_sdk.wire.missions import MissionRequest
from cutroom_sdk.wire.resources import Operation, PatchOperation
from cutroom_sdk.wire.sessions import SessionReport
from cutroom_sdk.wire.tokens import TokenRequest

Step = dict[str, Any]
WAIT_S: Final = 20.0


class Driver(ABC):
    """One way. Used as `async with`; one copy of resources at a time (`follow`, `wait`, `held`, `leave`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> "Driver":
        await self.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.exit.aclose()

    @abstractmethod
    async def begin(self) -> None:
        """Get ready."""

    @abstractmethod
    async def do(self, step: Step) -> dict[str, Any]:
        """Do a step and tell what came of it."""

    def locate(self, by: str | None = None) -> Address | None:
        """Where the daemon is now, with the operator's token or another."""
        found = find(self.folder)
        return found if found is None or by is None else Address(url=found.url, token=by)


def problem(error: SdkError) -> dict[str, Any]:
    return {"problem": {"code": error.code, "status": error.status, "extra": error.extra}}


def plain(answer: Any) -> Any:
    """An answer as another program would print it."""
    return json.loads(encode(answer))


def call(studio: Any, step: Step) -> Any:
    """What the Python clients have in common: the same method for the same step, to be waited for or not."""
    terms = {
        name: step[name] for name in ("if_match", "if_absent", "idempotency_key", "ttl_ms") if name in step
    }
    match step:
        case {"do": "put", "key": key, "value": value}:
            return studio.put(key, value, **terms)
        case {"do": "patch", "key": key, "change": change}:
            return studio.patch(key, change, **terms)
        case {"do": "amend", "key": key, "operations": operations}:
            return studio.amend(key, convert(operations, tuple[PatchOperation, ...]), **terms)
        case {"do": "delete", "key": key}:
            return studio.delete(key, **terms)
        case {"do": "get", "key": key}:
            return studio.record(key, at=step.get("at"))
        case {"do": "newer", "key": key, "rev": rev}:
            return studio.newer_record(key, rev)
        case {"do": "list", "prefixes": prefixes}:
            return studio.records(*prefixes)
        case {"do": "transact", "operations": operations}:
            return studio.transact(convert(operations, tuple[Operation, ...]), **terms)
        case {"do": "log", "after": after, "limit": limit, "stream": stream}:
            return studio.log(after=after, limit=limit, stream=stream)
        case _:
            return _call_engine(studio, step)


def _call_engine(studio: Any, step: Step) -> Any:
    match step:
        case {"do": "create_mission", "asked": asked}:
            return studio.create_mission(convert(asked, MissionRequest))
        case {"do": "mission", "id": mission_id}:
            return studio.mission(mission_id)
        case {"do": "missions"}:
            return studio.missions(status=step.get("status"))
        case {"do": "tell_mission", "id": mission_id, "event": event}:
            posted: Any = convert(event, PostedEvent)  # type: ignore[arg-type]  # a union is a type to msgspec
            return studio.tell_mission(mission_id, posted)
        case {"do": "report", "session": session, "event": event}:
            told: Any = convert(event, SessionReport)  # type: ignore[arg-type]
            return studio.report(session, told)
        case {"do": "issue_token", "asked": asked}:
            return studio.issue_token(convert(asked, TokenRequest))
        case {"do": "revoke_token", "id": token_id}:
            return studio.revoke_token(token_id)
        case {"do": "health" | "ready" | "openapi" | "metrics" as name}:
            return getattr(studio, name)()
    raise AssertionError(f"no client knows how to {step['do']}")


def held(shelf: Shelf) -> dict[str, Any]:
    """A copy as key -> [rev, value]."""
    found = {key: shelf.held(key) for key in shelf.keys()}
    return {key: [one.rev, json.loads(one.raw)] for key, one in found.items() if one is not None}


class AsyncPython(Driver):
    """`cutroom_sdk.client` and `cutroom_sdk.replica`."""

    async def begin(self) -> None:
        self._studio = await self.exit.enter_async_context(Client(self.locate))
        self._fresh: list[str] = []
        self._leave: Callable[[], Awaitable[Any]] | None = None

    async def do(self, step: Step) -> dict[str, Any]:
        try:
            async with asyncio.timeout(WAIT_S):
                return {"answer": plain(await self._done(step))}
        except SdkError as error:
            return problem(error)

    async def _done(self, step: Step) -> Any:
        match step["do"]:
            case "follow":
                return await self._follow(step)
            case "wait":
                await self._replica.wait_until(step["position"])
                return self._replica.connection
            case "see":
                await self._replica.until(lambda: self._replica.shelf.held(step["key"]))
                return held(self._replica.shelf)[step["key"]]
            case "held":
                return held(self._replica.shelf)
            case "leave":
                assert self._leave is not None
                await self._leave()
                return self._fresh
        if "by" not in step:
            return await call(self._studio, step)
        async with Client(lambda: self.locate(step["by"])) as studio:
            return await call(studio, step)

    async def _follow(self, step: Step) -> str:
        studio = await self.exit.enter_async_context(Client(lambda: self.locate(step.get("by"))))
        self._replica = replica.Replica(
            lambda after: studio.resource_stream(after, prefixes=step["prefixes"]),
            on_fresh=self._fresh.append,
        )
        following = self._replica.following()
        await following.__aenter__()
        self._leave = lambda: following.__aexit__(None, None, None)
        return self._replica.connection


class SyncPython(Driver):
    """`cutroom_sdk.sync`, from threads: each step in whichever is free."""

    async def begin(self) -> None:
        self._studio = self.exit.enter_context(waiting.Client(self.locate))
        self._fresh: list[str] = []

    async def do(self, step: Step) -> dict[str, Any]:
        try:
            return {"answer": plain(await asyncio.to_thread(self._done, step))}
        except SdkError as error:
            return problem(error)

    def _done(self, step: Step) -> Any:
        match step["do"]:
            case "follow":
                with waiting.Client(lambda: self.locate(step.get("by"))) as studio:
                    self._replica = WaitingReplica(
                        studio, prefixes=step["prefixes"], on_fresh=self._fresh.append
                    )
                self._replica.__enter__()
                return self._replica.connection
            case "wait":
                self._replica.wait_until(step["position"], timeout_s=WAIT_S)
                return self._replica.connection
            case "see":
                self._replica.until(lambda: self._replica.held(step["key"]), timeout_s=WAIT_S)
                with self._replica.reading() as shelf:
                    return held(shelf)[step["key"]]
            case "held":
                with self._replica.reading() as shelf:
                    return held(shelf)
            case "leave":
                self._replica.__exit__()
                return self._fresh
        if "by" not in step:
            return call(self._studio, step)
        with waiting.Client(lambda: self.locate(step["by"])) as studio:
            return call(studio, step)
