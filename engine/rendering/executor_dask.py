"""The daemon's side of a Dask cluster: lay the files out, hand the work over, take the outcome back.

run(task, request, inputs) -> hashes of the inputs -> the store has them -> an order to the scheduler
a worker carries it out (executor_remote) -> the outputs come back from the store, checked by their hashes
the worker dies: the scheduler gives the order to another one, and only this piece is done again
the caller is cancelled: the order is called off, and the worker kills its process
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from msgspec import Struct

from cutroom_sdk.wire.codec import pack, unpack
from cutroom_sdk.wire.missions import Priority
from engine.kernel.blobs import hash_file
from engine.kernel.errors import Invalid, NotFound, StudioError, Unavailable, WorkFailed
from engine.kernel.ids import new_key
from engine.kernel.turns import current_party
from engine.media.pool import tenant_served
from engine.rendering.executor import ClusterSettings
from engine.rendering.executor_remote import TOPIC, Order, Outcome, carry_out, made_by
from engine.rendering.executor_store import Store, input_key, output_key, store_of

R = TypeVar("R", bound=Struct)
Report = Callable[[float, float], None]
CONNECT_S: Final = 10.0
# How long work waits for a worker to come up before its render says that there is none.
NO_WORKER_S: Final = 60.0
LOOK_S: Final = 2.0
# Dask gives what is more urgent to the next worker that is free, and else goes by the order of asking.
URGENCY: Final[dict[Priority, int]] = {"high": 1, "normal": 0, "low": -1}


class Cluster:
    """An `Executor` on a Dask cluster; it connects when there is first something to do."""

    def __init__(
        self, settings: ClusterSettings, *, no_worker_s: float = NO_WORKER_S, connect_s: float = CONNECT_S
    ) -> None:
        self._settings = settings
        self._no_worker_s, self._connect_s = no_worker_s, connect_s
        self._client: Any = None
        self._store: Store | None = None
        self._connecting = asyncio.Lock()
        self._reports: dict[str, Report] = {}
        self._hashes: dict[Path, tuple[tuple[int, int, int], str]] = {}
        self._sharing: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave the cluster; orders that are still out are called off."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def run(
        self,
        task: str,
        request: Struct,
        kind: type[R],
        *,
        inputs: Sequence[Path] = (),
        outputs: Sequence[Path] = (),
        report: Report | None = None,
        limit_s: float = 600,
        tenant: str | None = None,
        needs: Sequence[str] = (),
    ) -> R:
        """Have a task done on the cluster and return its result, as `Pool.run` does.

        Raises:
            Unavailable: the scheduler or the store cannot be reached, no worker is there, or workers are of another
                version.
            WorkFailed: `cause` is `crash` when several workers died over it.
        """
        client, store = await self._connected()
        hashes = [await self._shared(store, path) for path in inputs]
        piece = f"cutroom-{task.rpartition(':')[2]}-{new_key(16).hex()}"
        order = Order(
            piece=piece,
            made_by=made_by(),
            task=task,
            request=pack(request),
            inputs=tuple(hashes),
            outputs=len(outputs),
            limit_s=limit_s,
            tenant=tenant or tenant_served(),
            needs=tuple(needs),
            store=self._settings.store,
        )
        if report is not None:
            self._reports[piece] = report
        try:
            outcome = await self._carried_out(client, order)
            if outcome.code:
                raise _error(outcome)
            for number, (path, sha256) in enumerate(zip(outputs, outcome.outputs, strict=True)):
                await asyncio.to_thread(_taken, store, output_key(piece, number), path, sha256)
            return unpack(outcome.result, kind)
        finally:
            self._reports.pop(piece, None)
            for number in range(len(outputs)):
                with contextlib.suppress(StudioError):
                    await asyncio.shield(asyncio.to_thread(store.remove, output_key(piece, number)))

    async def _carried_out(self, client: Any, order: Order) -> Outcome:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        urgency = URGENCY[current_party().priority]
        future = client.submit(carry_out, pack(order), key=order.piece, pure=False, priority=urgency)
        result = asyncio.ensure_future(future.result())
        try:
            await self._waited(client, result)
            return unpack(result.result(), Outcome)
        except KilledWorker as error:
            text = f"several workers died over {order.task}: {error}"
            raise WorkFailed(text[:500], cause="crash", log_tail="") from error
        except (FutureCancelledError, OSError) as error:
            await self._lost(client)
            raise Unavailable(
                f"the cluster at {self._settings.address} is gone: {str(error)[:200]}"
            ) from error
        finally:
            if not result.done():
                result.cancel()
                with contextlib.suppress(Exception):  # the scheduler may be gone; then so is the order
                    await asyncio.shield(client.cancel([future], force=True))
            future.release()

    async def _waited(self, client: Any, result: "asyncio.Future[bytes]") -> None:
        """Wait until a piece of work has come to an end.

        Raises:
            Unavailable: no worker has been there for a while, or the scheduler is gone.
        """
        alone = 0.0
        while not result.done():
            await asyncio.wait((result,), timeout=LOOK_S)
            if result.done():
                return
            if client.status not in ("running", "connecting"):
                raise Unavailable(f"the cluster at {self._settings.address} is gone")
            # What the client keeps itself informed of: how many there are; who they are it would have to ask for.
            there = client.scheduler_info().get("n_workers", 0) > 0
            alone = 0.0 if there else alone + LOOK_S
            if alone >= self._no_worker_s:
                raise Unavailable(
                    f"the cluster at {self._settings.address} has no workers; start one with 'dask worker' there"
                )

    async def _connected(self) -> tuple[Any, Store]:
        async with self._connecting:
            if self._client is not None and self._client.status == "running":
                assert self._store is not None, "made with the client"
                return self._client, self._store
            await self._lost(self._client)
            try:
                from distributed import Client
                from distributed.security import Security
            except ImportError:
                raise Unavailable(
                    f"{self._settings.address} needs dask.distributed: install cutroom[cluster]"
                ) from None
            self._store = await asyncio.to_thread(store_of, self._settings.store)
            security = None
            if self._settings.tls_ca:
                security = Security(  # type: ignore[no-untyped-call]  # Dask gives few types
                    tls_ca_file=self._settings.tls_ca,
                    tls_client_cert=self._settings.tls_cert,
                    tls_client_key=self._settings.tls_key,
                    require_encryption=True,
                )
            try:
                self._client = await Client(  # type: ignore[no-untyped-call]  # as above
                    self._settings.address,
                    asynchronous=True,
                    set_as_default=False,
                    timeout=self._connect_s,
                    security=security,
                    name="cutroom",
                )
            except (OSError, TimeoutError) as error:
                raise Unavailable(
                    f"no Dask scheduler answers at {self._settings.address}: {str(error)[:200]}"
                ) from error
            self._client.subscribe_topic(TOPIC, self._hear)
            return self._client, self._store

    async def _lost(self, client: Any) -> None:
        """Let go of a client that is of no use any more, so that the next work connects anew."""
        if client is not None and client is self._client:
            self._client = None
            with contextlib.suppress(Exception):  # what it says on its way out is of no interest
                await client.close(timeout=1)

    async def _hear(self, event: tuple[float, Any]) -> None:
        """Pass on what a worker says of its progress."""
        said = event[1]
        listener = self._reports.get(said.get("piece", "")) if isinstance(said, dict) else None
        if listener is not None and "done" in said:
            listener(float(said["done"]), float(said["total"]))

    async def _shared(self, store: Store, path: Path) -> str:
        """Return a file's hash, with its content in the store; each content is laid there once at a time.

        Raises:
            NotFound: there is no such file.
            Invalid: it is no regular file.
        """
        sha256 = await asyncio.to_thread(self._hash, path)
        async with self._sharing.setdefault(sha256, asyncio.Lock()):
            key = input_key(sha256)
            if not await asyncio.to_thread(store.has, key):
                await asyncio.to_thread(store.put, key, path)
        return sha256

    def _hash(self, path: Path) -> str:
        try:
            status = path.stat()
        except FileNotFoundError:
            raise NotFound(f"{path} is not there", path=str(path)) from None
        if not path.is_file():
            raise Invalid(f"{path} is not a regular file", path=str(path))
        seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        known = self._hashes.get(path)
        if known is None or known[0] != seen:
            known = self._hashes[path] = (seen, hash_file(path))
        return known[1]


def _taken(store: Store, key: str, path: Path, sha256: str) -> None:
    store.fetch(key, path)
    if hash_file(path) != sha256:
        raise WorkFailed(
            f"{key} came back with other content than it was made with", cause="crash", log_tail=""
        )


def _error(outcome: Outcome) -> StudioError:
    match outcome.code:
        case "work_failed":
            return WorkFailed(outcome.detail, **outcome.extra)
        case "unavailable" | "insufficient_storage" | "canceled":
            return Unavailable(outcome.detail, **outcome.extra)
        case "not_found":
            return NotFound(outcome.detail, **outcome.extra)
        case _:
            return Invalid(outcome.detail, code=outcome.code, **outcome.extra)
