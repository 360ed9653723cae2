"""The whole daemon, killed at one failpoint after the other while somebody works with it and somebody else watches.

Requests are repeated with their idempotency key until they are answered; the watcher comes back with its last id. After
every death the state directory is checked as the next start would find it.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from cutroom_sdk.discovery import read_token
from cutroom_sdk.sse import SseParser
from engine import daemon
from engine.features import AGGREGATES
from engine.kernel.failpoints import VARIABLE
from engine.kernel.kernel import DATABASE_NAME
from tests.fault import invariants
from tests.fault.births import Child, born

ANSWER_S: Final = 60
T = TypeVar("T")


def serve(folder: str, roots: str) -> int:
    """Be the daemon of a state directory."""
    for name in [name for name in os.environ if name.startswith("CUTROOM_") and name != VARIABLE]:
        del os.environ[name]
    os.environ["CUTROOM_MEDIA_ROOTS"] = roots
    os.environ["CUTROOM_RESERVE_WORKER"] = "0"  # it would load for seconds after each of many deaths
    return daemon.main(["serve", "--state-dir", folder, "--port", "0"])


class Served:
    """A daemon that dies at each of `places` in turn, and is started again; after the last it lives.

    `struck` are the places where it has died, `told` what the watcher has seen: (position, key, rev).
    """

    def __init__(self, folder: Path, places: list[str], roots: Path) -> None:
        self.folder = folder
        self.struck: list[str] = []
        self.told: list[tuple[int, str, int]] = []
        self.values: dict[str, Any] = {}
        self.promised: dict[str, int] = {}
        self._places = list(reversed(places))
        self._roots = roots
        self._armed = ""
        self._url: str | None = None
        self._births = contextlib.ExitStack()
        self._child: Child | None = None
        self._ending = False
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._last_id: str | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it alive, and watch it, for as long as the block lasts; then end it in peace."""
        with self._births:
            self._tasks = [asyncio.create_task(self._keep_alive()), asyncio.create_task(self._watch())]
            try:
                yield
                await self.request("PUT", "/v1/resources/project/end", "the-end", json={"value": 1})
                await self.until(lambda: "project/end" in self.values)
                self._ending = True
                assert self._child is not None
                os.kill(self._child.pid, signal.SIGTERM)
                await self._tasks[0]
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
        assert not self._places, f"it never came by {[self._armed, *self._places]}"
        await self._check(self.folder)
        invariants.check_files(self.folder)
        invariants.check_told(self.told, _history(self.folder), "", 0)

    async def request(self, method: str, path: str, key: str, **more: Any) -> httpx.Response:
        """Ask until there is an answer, with the same idempotency key."""
        headers = {"Idempotency-Key": key, **more.pop("headers", {})}
        while True:
            url = await self.until(lambda: self._url)
            try:
                async with self._http(url) as http:
                    answer = await http.request(method, path, headers=headers, **more)
            except httpx.TransportError:
                await self.until(partial(self._is_elsewhere, url))
                continue
            assert answer.status_code < 500, answer.text
            return answer

    async def put(self, key: str, value: Any) -> None:
        """Write a record that must not be there yet, and hold the daemon to what it says."""
        answer = await self.request(
            "PUT", f"/v1/resources/{key}", f"put-{key}", json={"value": value}, headers={"If-None-Match": "*"}
        )
        assert answer.is_success, answer.text
        self.promised[key] = 1

    async def until(self, holds: Callable[[], T | None]) -> T:
        """Wait for something to become true of this daemon; so long as there are news, it may take its time."""
        while True:
            news = self._news
            if self._tasks[0].done() and not self._ending:
                self._tasks[0].result()
            if found := holds():
                return found
            async with asyncio.timeout(ANSWER_S):
                await news.wait()

    def _is_elsewhere(self, url: str) -> bool:
        return self._url != url

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _http(self, url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {read_token(self.folder)}"},
            timeout=ANSWER_S,
            trust_env=False,
            verify=False,
        )

    async def _keep_alive(self) -> None:
        try:
            while True:
                await self._one_life()
                if self._ending:
                    return
        finally:
            self._tell()

    async def _one_life(self) -> None:
        self._armed = self._places.pop() if self._places else ""
        child = self._births.enter_context(
            born(serve, str(self.folder), str(self._roots), failpoint=self._armed)
        )
        self._child = child
        ready = await asyncio.to_thread(child.line)
        if ready is not None:
            self._url = ready.split()[-1]
            self._tell()
        code = await asyncio.to_thread(child.end)
        self._url = None
        self._tell()
        invariants.check_no_child(child.pid)
        if self._ending and not self._armed:
            assert code == 0
            return
        assert code == -signal.SIGKILL, f"armed at {self._armed!r}, it ended with {code}"
        self.struck.append(self._armed)
        image = self.folder.with_name(f"{self.folder.name}-image")
        await asyncio.to_thread(shutil.copytree, self.folder, image)
        await self._check(image)
        shutil.rmtree(image)

    async def _check(self, folder: Path) -> None:
        if not (folder / DATABASE_NAME).exists():
            return
        await invariants.check_log(folder, AGGREGATES)
        written = [(key, rev) for _, key, rev in _history(folder)]
        for promise in self.promised.items():
            assert written.count(promise) == 1, f"{promise} was acknowledged and is not there once"

    async def _watch(self) -> None:
        while True:
            url = await self.until(lambda: self._url)
            with contextlib.suppress(httpx.TransportError):
                async with self._http(url) as http:
                    await self._read(http)
            await self.until(partial(self._is_elsewhere, url))

    async def _read(self, http: httpx.AsyncClient) -> None:
        """Read on after what was seen last; a group that the line broke in is told again whole."""
        parser, group = SseParser(), list[dict[str, Any]]()
        headers = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
        async with http.stream("GET", "/v1/resources/events?after=0", headers=headers) as answer:
            assert answer.status_code == 200
            async for chunk in answer.aiter_raw():
                for message in parser.feed(chunk):
                    if message.event.startswith("resource."):
                        group.append(json.loads(message.data))
                    if message.id is None:
                        continue
                    self._last_id = message.id
                    self.told += [(int(message.id), one["key"], one["rev"]) for one in group]
                    self.values |= {one["key"]: one.get("value") for one in group}
                    group.clear()
                    self._tell()


def _history(folder: Path) -> list[tuple[int, str, int]]:
    """Every write of the operator's partition, read from a database that nobody has open."""
    with contextlib.closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        query = "SELECT position, key, rev FROM resource_history WHERE partition = 'local/dev' ORDER BY position, ordinal"
        return connection.execute(query).fetchall()
