"""Warm worker processes that do what must not be done here: open media that nobody vouches for.

    run(task, request, inputs=paths) -> result
        a free process gets the request and the open files, reports progress, answers
        it crashes, hangs or takes too much memory: the work fails with that reason, the process is replaced
        the caller is cancelled: the job is called off; a process that does not leave it soon is killed

Processes are started when they are needed, kept warm, serve one tenant, and are replaced after a number of jobs or when
they have grown. More may stand by (`engine.media.reserve`), so that urgent work, and work that takes long to load, has one at
once. They die with this process, and their thread's end is that of the event loop: run pools in the main thread.
"""

import asyncio
import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from msgspec import Struct

from cutroom_sdk.wire.codec import pack, unpack
from engine.kernel.errors import Invalid, NotFound, Unavailable, WorkFailed
from engine.kernel.turns import Turns, current_party
from engine.media import sandbox
from engine.media.child import FILES_MAX, Job
from engine.media.process import Report, Worker
from engine.media.reserve import Reserve

R = TypeVar("R", bound=Struct)

GIB = 1 << 30

_tenant: ContextVar[str] = ContextVar("tenant", default="local")


@contextlib.contextmanager
def serving(tenant: str) -> Iterator[None]:
    """Have work that is asked for in this block, and in tasks that it starts, done for `tenant`."""
    before = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(before)


def tenant_served() -> str:
    """Return the tenant for whom work is asked for here: the one of `serving`."""
    return _tenant.get()


class Pool:
    """A bounded number of worker processes. Use as `async with Pool(...) as pool`, or `close` it.

    Jobs wait for a free process by turns (`engine.kernel.turns`), each as work of the mission that it is done for.
    """

    def __init__(
        self,
        *,
        modules: Sequence[str],
        workers: int | None = None,
        memory_bytes: int = 3 * GIB,
        file_bytes: int = 256 * GIB,
        jobs_max: int = 200,
        resident_max: int = GIB,
        threads: int = 1,
        sandbox: Literal["required", "none"] = "required",
        reserve: Sequence[Sequence[str]] = (),
    ) -> None:
        """Describe the pool; nothing is started yet.

        Args:
            modules: what every process imports.
            workers: most processes at once; as many as there are cores unless given. What is watched may have one more.
            memory_bytes: most private memory of a process.
            file_bytes: longest file that a process may write.
            jobs_max: jobs after which a process is replaced.
            resident_max: memory in use after a job beyond which the process is replaced, bytes.
            threads: of OpenMP and BLAS in each process.
            sandbox: `required` refuses to work where the machine cannot lock a process down; `none` works anyway.
            reserve: for each process that stands by, what it loads beside `modules`, the quickest first.
        """
        self._workers_max = workers or os.cpu_count() or 1
        self._modules = tuple(modules)
        self._limits = (memory_bytes, file_bytes)
        self._jobs_max, self._resident_max = jobs_max, resident_max
        self._threads = threads
        self._locked = sandbox == "required"
        self._slots = Turns(self._workers_max)
        self._beside = Turns(1)
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._reserve = Reserve([(*modules, *more) for more in reserve], self._spawn)
        self._keeps_reserve = False
        self._closed = False

    @property
    def size(self) -> int:
        """The most jobs that run at once."""
        return self._workers_max

    async def standing_by(self) -> tuple[int, ...]:
        """Return the ids of the processes that stand by, once those that are being started do."""
        return await self._reserve.standing()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

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
        watched: bool = False,
    ) -> R:
        """Have a task done and return its result.

        Args:
            task: `module:function`; the process has to have the module.
            request: what the function takes.
            kind: what it returns.
            inputs: regular files to read, passed as open descriptors.
            outputs: files to write, made when they are not there; they are not removed when the work fails.
            report: told `(done, total)` on the event loop, at most 20 times a second.
            limit_s: seconds after which the process is killed; waiting for a free process does not count.
            tenant: a process that has served another one is not used; None: the one of `serving`.
            needs: modules that the process has to have imported beside that of the task and the pool's: what only some work
                takes, and takes long to load.
            watched: somebody looks on: one such job goes on beside the rest, should that have all processes.

        Cancelling ends the job where it next reports, and kills the process if that is not soon; nothing of the job goes on.

        Raises:
            NotFound: an input is not there.
            Invalid: an input is no regular file; or what the task raises, `media_unreadable` above all.
            WorkFailed: the process crashed, hung, ran out of memory, or the task failed; `cause` is `crash`,
                `time_limit`, `memory` or `error`, `log_tail` what it wrote last.
            Unavailable: this machine cannot lock processes down, or the pool is closed.
        """
        result = await self.run_packed(
            task,
            pack(request),
            inputs=inputs,
            outputs=outputs,
            report=report,
            limit_s=limit_s,
            tenant=tenant,
            needs=needs,
            watched=watched,
        )
        return unpack(result, kind)

    async def run_packed(
        self,
        task: str,
        request: bytes,
        *,
        inputs: Sequence[Path] = (),
        outputs: Sequence[Path] = (),
        report: Report | None = None,
        limit_s: float = 600,
        tenant: str | None = None,
        needs: Sequence[str] = (),
        watched: bool = False,
    ) -> bytes:
        """Have a task done whose request is packed already, and return its result so; else as `run`."""
        job = Job(task=task, request=request, inputs=len(inputs))
        if len(inputs) + len(outputs) > FILES_MAX:
            raise Invalid(f"{task} was given more than {FILES_MAX} files at once")
        async with self._lane(watched=watched).turn():
            wanted = frozenset((task.partition(":")[0], *self._modules, *needs))
            worker = await self._free_worker(tenant or tenant_served(), wanted)
            try:
                with contextlib.ExitStack() as stack:
                    descriptors = _open_files(stack, inputs, outputs)
                    async with asyncio.timeout(limit_s):
                        result = await worker.do(job, descriptors, report)
            except TimeoutError:
                text = f"{task} took longer than {limit_s:g} s"
                raise WorkFailed(text, cause="time_limit", log_tail=worker.log_tail) from None
            finally:
                await self._put_back(worker)
            return result

    async def start(self) -> None:
        """Start one process, so that the first job finds it warm.

        Raises:
            Unavailable: this machine cannot lock processes down.
            WorkFailed: a process does not come up.
        """
        async with self._slots.turn():
            await self._put_back(await self._free_worker("local", frozenset(self._modules)))

    def keep_reserve(self) -> None:
        """Have processes stand by from now on, and others whenever they were taken.

        There are none where memory is short, and while every core has work none is replaced.
        """
        self._keeps_reserve = True
        self._fill_reserve()

    async def close(self) -> None:
        """Kill all processes, with whatever they are doing, and wait until they are gone.

        Work that is under way ends with `WorkFailed`, work that waits with `Unavailable`.
        """
        self._closed = True
        for worker in self._all:
            worker.end()
        # Who holds a slot cleans up after itself; with all of them in hand, nobody is left.
        for _ in range(self._workers_max):
            await self._slots.acquire()
        await self._beside.acquire()
        for worker in self._idle:
            await self._retire(worker)
        self._idle.clear()
        await self._reserve.close()
        for _ in range(self._workers_max):
            self._slots.release()
        self._beside.release()

    def _lane(self, *, watched: bool) -> Turns:
        return self._beside if watched and not self._slots.free and self._beside.free else self._slots

    async def _free_worker(self, tenant: str, wanted: frozenset[str]) -> Worker:
        if self._closed:
            raise Unavailable("the worker processes are shutting down")
        # Who worked last still has at hand what the next work of its kind wants.
        for worker in reversed(self._idle):
            if worker.tenant == tenant and worker.is_alive and worker.modules >= wanted:
                self._idle.remove(worker)
                return worker
        # What stands by is for urgent work, and for work that would have to wait for what it needs.
        at_once = current_party().priority == "high" or not wanted.issubset(self._modules)
        # All slots count processes: one that idles for another tenant, lacks a module, or died idle, makes room.
        if self._idle and len(self._all) >= self._workers_max:
            leaving = self._idle.pop(0)
            # What this work lacked there, the next one will not lack here.
            wanted |= leaving.modules
            await self._retire(leaving)
        self._check_walls()
        ready = await self._reserve.take(wanted) if at_once else None
        if ready is not None:
            # One that was ended while it stood by is no failure of the work.
            with contextlib.suppress(WorkFailed):
                return await self._begun(ready, tenant, wanted)
        return await self._begun(Worker(), tenant, wanted)

    async def _begun(self, worker: Worker, tenant: str, wanted: frozenset[str]) -> Worker:
        worker.tenant = tenant
        self._all.add(worker)
        try:
            if not worker.is_alive:
                await self._spawn(worker, self._modules)
            await worker.begin(wanted)
        except BaseException:
            await self._retire(worker)
            raise
        self._fill_reserve()
        return worker

    def _check_walls(self) -> None:
        if self._locked and not (walls := sandbox.available()).complete:
            raise Unavailable(
                "untrusted media is opened only in a locked-down process, which this machine does not offer: "
                f'{"; ".join(walls.missing)}; set sandbox = "none" to do without',
            )

    def _fill_reserve(self) -> None:
        if self._keeps_reserve and self._is_free():
            self._reserve.fill(self._is_free)

    def _is_free(self) -> bool:
        """Whether a core has no work, and a process could be started."""
        busy = len(self._all) - len(self._idle)
        walls = not self._locked or sandbox.available().complete
        return not self._closed and busy < self._workers_max and walls

    async def _spawn(self, worker: Worker, modules: Sequence[str]) -> None:
        await worker.spawn(modules, self._limits, self._threads, locked=self._locked)

    async def _put_back(self, worker: Worker) -> None:
        worn = worker.jobs >= self._jobs_max or worker.resident_bytes > self._resident_max
        if worker.is_busy or worn or self._closed or not worker.is_alive:
            await self._retire(worker)
        else:
            self._idle.append(worker)
        self._fill_reserve()

    async def _retire(self, worker: Worker) -> None:
        # Shielded: a second cancellation must not leave a process behind.
        await asyncio.shield(worker.kill())
        self._all.discard(worker)


def _open_files(stack: contextlib.ExitStack, inputs: Sequence[Path], outputs: Sequence[Path]) -> list[int]:
    descriptors = []
    for path in inputs:
        # Non-blocking: a FIFO must be refused, not waited for.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            raise NotFound(f"{path} is not there", path=str(path)) from None
        except OSError as error:
            raise Invalid(f"{path} cannot be read: {error.strerror}", path=str(path)) from error
        stack.callback(os.close, descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Invalid(f"{path} is not a regular file", path=str(path))
        descriptors.append(descriptor)
    for path in outputs:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        stack.callback(os.close, descriptor)
        descriptors.append(descriptor)
    return descriptors
