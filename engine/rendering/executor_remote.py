"""What runs inside a Dask worker: fetch the files, have the locked-down process do the work, lay the outcome into the store.

The worker's own process opens no media: it starts the same processes as the daemon's pool does.
"""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from cutroom_sdk.wire.codec import pack, unpack
from engine import __version__
from engine.kernel.blobs import hash_file
from engine.kernel.errors import StudioError
from engine.media.pool import Pool
from engine.rendering.executor_store import Store, fetch_input, output_key, store_of, trim
from engine.rendering.work import RENDER_VERSION

MODULES: Final = ("engine.rendering.worker", "engine.rendering.smartcopy.tasks")
TOPIC: Final = "cutroom"
CACHE_BYTES: Final = 20 << 30
WATCH_S: Final = 0.2
REPORT_EVERY_S: Final = 0.25
# Where a machine mounts the shared folder elsewhere, or does without locking down, it says so itself.
STORE_HERE: Final = "CUTROOM_CLUSTER_STORE"
SANDBOX_HERE: Final = "CUTROOM_SANDBOX"


class Order(Struct, frozen=True, kw_only=True):
    """A piece of work: `request` is packed, `inputs` are hashes of what lies in the store, `outputs` how many files come."""

    piece: str
    made_by: str
    task: str
    request: bytes
    inputs: tuple[str, ...]
    outputs: int
    limit_s: float
    tenant: str
    needs: tuple[str, ...]
    store: str


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of it: `result` packed and the outputs' hashes, or an error's code with its text and fields."""

    result: bytes = b""
    outputs: tuple[str, ...] = ()
    code: str = ""
    detail: str = ""
    extra: dict[str, Any] = {}


def made_by() -> str:
    """Return what must be equal on all machines so that equal work gives equal bytes."""
    try:
        media = version("av")
    except PackageNotFoundError:
        media = "none"
    return f"cutroom {__version__}, render {RENDER_VERSION}, av {media}"


class _Machine:
    """What a worker process keeps from one piece of work to the next."""

    def __init__(self, threads: int) -> None:
        self.pool = Pool(
            modules=MODULES,
            workers=threads,
            sandbox="none" if os.environ.get(SANDBOX_HERE) == "none" else "required",
        )
        self._folder = tempfile.TemporaryDirectory(prefix="cutroom-cluster-")
        self.cache = Path(self._folder.name) / "in"
        self.cache.mkdir()
        self.scratch = Path(self._folder.name) / "out"
        self.scratch.mkdir()
        self._stores: dict[str, Store] = {}
        self._fetching: dict[str, asyncio.Lock] = {}
        self.in_use: dict[str, int] = {}

    def store(self, place: str) -> Store:
        place = os.environ.get(STORE_HERE, place)
        if place not in self._stores:
            self._stores[place] = store_of(place)
        return self._stores[place]

    @asynccontextmanager
    async def fetched(self, store: Store, hashes: tuple[str, ...]) -> AsyncIterator[list[Path]]:
        """Have the inputs on this machine for as long as the block lasts; each is fetched once."""
        for one in hashes:
            self.in_use[one] = self.in_use.get(one, 0) + 1
        try:
            paths = []
            for one in hashes:
                async with self._fetching.setdefault(one, asyncio.Lock()):
                    paths.append(await asyncio.to_thread(fetch_input, store, one, self.cache))
            yield paths
        finally:
            for one in hashes:
                self.in_use[one] -= 1
            kept = frozenset(one for one, count in self.in_use.items() if count)
            await asyncio.to_thread(trim, self.cache, CACHE_BYTES, kept)


_machine: _Machine | None = None


async def carry_out(packed: bytes) -> bytes:
    """Carry one order out on this worker and return its outcome, packed; a coroutine, so that it can be called off.

    Nobody waiting for it any more ends it: the client called it off, or is gone.
    """
    from distributed import get_worker

    global _machine
    worker = get_worker()
    order = unpack(packed, Order)
    if _machine is None:
        _machine = _Machine(worker.state.nthreads)
    work = asyncio.ensure_future(_done(_machine, order, worker))
    watch = asyncio.ensure_future(_unwanted(worker, order.piece))
    try:
        await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (work, watch):
            one.cancel()
        await asyncio.gather(work, watch, return_exceptions=True)
    if work.cancelled():
        return pack(Outcome(code="canceled", detail="nobody waits for it any more"))
    return pack(work.result())


async def _unwanted(worker: Any, piece: str) -> None:
    """Return when the scheduler no longer wants a piece of work from this worker."""
    while not _is_unwanted(worker, piece):  # noqa: ASYNC110  # Dask tells nobody that a task was called off
        await asyncio.sleep(WATCH_S)


def _is_unwanted(worker: Any, piece: str) -> bool:
    task = worker.state.tasks.get(piece)
    return task is None or task.state == "cancelled"


async def _done(machine: _Machine, order: Order, worker: Any) -> Outcome:
    if order.made_by != made_by():
        detail = f"the worker {worker.address} is {made_by()}, the daemon {order.made_by}; install the same on all machines"
        return Outcome(code="unavailable", detail=detail)
    try:
        return await _made(machine, order, worker)
    except StudioError as error:
        # The wire's codes say more than the classes do; both sides have the same table.
        plain = {
            key: value for key, value in error.extra.items() if isinstance(value, str | int | float | list)
        }
        return Outcome(code=error.code, detail=error.detail, extra=plain)


async def _made(machine: _Machine, order: Order, worker: Any) -> Outcome:
    store = machine.store(order.store)
    worker.log_event(TOPIC, {"piece": order.piece, "begun": order.task})
    told = [0.0]

    def report(done: float, total: float) -> None:
        now = asyncio.get_running_loop().time()
        if now - told[0] >= REPORT_EVERY_S:
            told[0] = now
            worker.log_event(TOPIC, {"piece": order.piece, "done": done, "total": total})

    with tempfile.TemporaryDirectory(dir=machine.scratch) as folder:
        outputs = [Path(folder) / str(number) for number in range(order.outputs)]
        async with machine.fetched(store, order.inputs) as inputs:
            result = await machine.pool.run_packed(
                order.task,
                order.request,
                inputs=inputs,
                outputs=outputs,
                report=report,
                limit_s=order.limit_s,
                tenant=order.tenant,
                needs=order.needs,
            )
        laying = asyncio.ensure_future(asyncio.to_thread(_laid, store, order.piece, outputs))
        try:
            hashes = await asyncio.shield(laying)
            if _is_unwanted(worker, order.piece):
                await asyncio.to_thread(_taken_away, store, order)
        except asyncio.CancelledError:
            # A thread cannot be stopped: what it lays there nobody would fetch.
            await asyncio.wait((laying,))
            await asyncio.to_thread(_taken_away, store, order)
            raise
    return Outcome(result=result, outputs=hashes)


def _laid(store: Store, piece: str, outputs: list[Path]) -> tuple[str, ...]:
    """Lay outputs into the store and return their hashes."""
    hashes = []
    for number, path in enumerate(outputs):
        hashes.append(hash_file(path))
        store.put(output_key(piece, number), path)
    return tuple(hashes)


def _taken_away(store: Store, order: Order) -> None:
    for number in range(order.outputs):
        with contextlib.suppress(StudioError):
            store.remove(output_key(order.piece, number))
