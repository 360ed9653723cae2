"""However often a reader loses its connection, what it has seen is the history: all of it, once, in order, groups whole."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from cutroom_sdk.sse import SseMessage, SseParser
from cutroom_sdk.wire.resources import Operation
from engine.kernel import subscriptions
from engine.kernel.changes import covers
from engine.kernel.errors import NotFound
from engine.kernel.kernel import Kernel
from tests.http_kit import HOST, asked
from tests.kernel_kit import ADA, Add, put, write

KEYS = ("project/a", "project/a/b", "project/ab", "team/a")
END = "project/a/end"  # every prefix of the scenes covers it

transactions = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["put", "put", "delete"])), min_size=1, max_size=3
)


@dataclass(frozen=True)
class Scene:
    """A history, and a reader who comes and goes; `stays[n]` is how many messages it reads on its nth connection."""

    history: list[list[tuple[str, str]]]
    prefix: str
    snapshot: bool
    stays: list[int]
    recent: int
    page: int


scenes = st.builds(
    Scene,
    history=st.lists(transactions, min_size=1, max_size=12),
    prefix=st.sampled_from(["", "project", "project/a"]),
    snapshot=st.booleans(),
    stays=st.lists(st.integers(0, 6), max_size=6),
    recent=st.sampled_from([0, 1, 3, 1_000]),
    page=st.sampled_from([1, 2, 500]),
)


@contextlib.asynccontextmanager
async def connected(
    app: Starlette, query: str, last_id: str | None
) -> AsyncIterator[AsyncIterator[SseMessage]]:
    """One connection to the stream, without a socket; it breaks at the end of the block."""
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    gone = asyncio.Event()

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200
        chunks.put_nowait(message.get("body", b""))

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def messages() -> AsyncIterator[SseMessage]:
        parser = SseParser()
        while True:
            for message in parser.feed(await chunks.get()):
                yield message

    headers = {"host": HOST, "authorization": "Bearer token-of-ada"}
    if last_id is not None:
        headers["last-event-id"] = last_id
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/resources/events",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    serving = asyncio.create_task(app(scope, receive, send))
    try:
        yield messages()
    finally:
        gone.set()
        await serving


@dataclass
class Reader:
    """What a client does: apply whole groups, remember the last id, drop what is incomplete when the line breaks."""

    snapshot: bool
    last_id: str | None = None
    groups: list[tuple[int, list[tuple[str, int]]]] = field(default_factory=list)
    replica: dict[str, tuple[int, Any]] = field(default_factory=dict)
    _open: list[dict[str, Any]] = field(default_factory=list)

    def begin(self) -> None:
        self._open = []

    def take(self, message: SseMessage) -> None:
        if message.event.startswith("resource."):
            self._open.append(json.loads(message.data))
        if message.id is None:
            return
        if message.event == "ready" and self.last_id is None and self.snapshot:
            self.replica = {}
        elif self._open:
            self.groups.append((int(message.id), [(one["key"], one["rev"]) for one in self._open]))
        for one in self._open:
            held_rev, _ = self.replica.get(one["key"], (0, None))
            assert one["rev"] > held_rev, "told twice, or told backwards"
            self.replica[one["key"]] = (one["rev"], one.get("value"))
        self._open = []
        self.last_id = message.id


async def _write(kernel: Kernel, scene: Scene, groups: list[tuple[int, list[tuple[str, int]]]]) -> None:
    for transaction in scene.history:
        operations = [
            put(key, len(groups)) if what == "put" else Operation(op="delete", key=key)
            for key, what in transaction
        ]
        with contextlib.suppress(NotFound):
            accepted = await write(kernel, *operations)
            groups.append((accepted.position, list(accepted.revs.items())))
        await kernel.dispatch.propose("counter/a", Add(by=(0,)), ADA)
    accepted = await write(kernel, put(END, "end"))
    groups.append((accepted.position, list(accepted.revs.items())))


async def _read(app: Starlette, scene: Scene, reader: Reader) -> None:
    """Connect, read a little, lose the line, come back; the last connection stays to the end."""
    for stay in [*scene.stays, None]:
        reader.begin()
        start = "snapshot=1" if scene.snapshot else "after=0"
        async with connected(app, f"prefix={scene.prefix}&{start}", reader.last_id) as messages:
            count = 0
            while count != stay and END not in reader.replica:
                reader.take(await anext(messages))
                count += 1


async def _live_through(folder: Path, scene: Scene) -> None:
    written: list[tuple[int, list[tuple[str, int]]]] = []
    reader = Reader(scene.snapshot)
    async with asked(folder) as border:
        async with asyncio.timeout(20):
            reading = asyncio.create_task(_read(border.app, scene, reader))
            await _write(border.kernel, scene, written)
            await reading
        live = {
            record.key: (record.rev, json.loads(record.value))
            for record in (await border.kernel.resources.page(scene.prefix)).items
            if not record.key.startswith("counter/")
        }
    shown = {key: held for key, held in reader.replica.items() if not key.startswith("counter/")}
    assert {key: held for key, held in shown.items() if key in live} == live
    assert all(value is None for key, (_, value) in shown.items() if key not in live)
    if not scene.snapshot:
        assert [group for group in reader.groups if group[1][0][0] != "counter/a"] == [
            (position, seen)
            for position, group in written
            if (seen := [one for one in group if covers(scene.prefix, one[0])])
        ]


@settings(max_examples=settings().max_examples // 2)
@given(scenes)
def test_what_a_reader_has_seen_is_the_history(scene: Scene) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(subscriptions, "RECENT", scene.recent)
        patched.setattr(subscriptions, "PAGE", scene.page)
        asyncio.run(_live_through(Path(folder), scene))
