"""Warm worker processes that do what must not be done here: open media that nobody vouches for.

    run(task, request, inputs=paths) -> result
        a free process gets the request and the open files, reports progress, answers
        it crashes, hangs or takes too much memory: the work fails with that reason, the process is replaced
        the caller is cancelled: the process is killed, at once

Processes are started when they are needed, kept warm, serve one tenant, and are replaced after a number of jobs or when
they have grown. They die with this process, and their thread's end is that of the event loop: run pools in the main
thread.
"""

import asyncio
import contextlib
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from msgspec import Struct

from cutroom_sdk.wire.codec import encode, pack, unpack
from engine.kernel import failpoints
from engine.kernel.errors import Invalid, NotFound, StudioError, Unavailable, WorkFailed
from engine.kernel.turns import Turns
from engine.media import sandbox
from engine.media.child import FILES_MAX, HEAD, Done, Failed, Job, Message, Progress, Ready, Setup

R = TypeVar("R", bound=Struct)

GIB = 1 << 30
_START_LIMIT_S = 60.0
_LOG_LIMIT_S = 1.0
_LOG_TAIL = 4000

Report = Callable[[float, float], None]
_tenant: ContextVar[str] = ContextVar("tenant", default="local")

reach = failpoints.points("pool", "worker_ready", "job_given", "job_done")


@contextlib.contextmanager
def serving(tenant: str) -> Iterator[None]:
    """Have work that is asked for in this block, and in tasks that it starts, done for `tenant`."""
    before = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(before)


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
    ) -> None:
        """Describe the pool; nothing is started yet.

        Args:
            modules: what the processes import; the tasks that these register can be run.
            workers: most processes at once; as many as there are cores unless given.
            memory_bytes: most private memory of a process.
            file_bytes: longest file that a process may write.
            jobs_max: jobs after which a process is replaced.
            resident_max: memory in use after a job beyond which the process is replaced, bytes.
            threads: of OpenMP and BLAS in each process.
            sandbox: `required` refuses to work where the machine cannot lock a process down; `none` works anyway.
        """
        self._workers_max = workers or os.cpu_count() or 1
        self._modules = tuple(modules)
        self._limits = (memory_bytes, file_bytes)
        self._jobs_max, self._resident_max = jobs_max, resident_max
        self._threads = threads
        self._locked = sandbox == "required"
        self._slots = Turns(self._workers_max)
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._closed = False

    @property
    def size(self) -> int:
        """The most jobs that run at once."""
        return self._workers_max

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
    ) -> R:
        """Have a task done and return its result.

        Args:
            task: `module:function`, registered by one of the pool's modules.
            request: what the function takes.
            kind: what it returns.
            inputs: regular files to read, passed as open descriptors.
            outputs: files to write, made when they are not there; they are not removed when the work fails.
            report: told `(done, total)` on the event loop, at most 20 times a second.
            limit_s: seconds after which the process is killed; waiting for a free process does not count.
            tenant: a process that has served another one is not used; None: the one of `serving`.
            needs: modules that the process has to have imported beside the pool's: what only some work takes, and takes
                long to load.

        Cancelling kills the process; nothing of the job goes on.

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
    ) -> bytes:
        """Have a task done whose request is packed already, and return its result so; else as `run`."""
        job = Job(task=task, request=request, inputs=len(inputs))
        if len(inputs) + len(outputs) > FILES_MAX:
            raise Invalid(f"{task} was given more than {FILES_MAX} files at once")
        async with self._slots.turn():
            worker = await self._free_worker(tenant or _tenant.get(), needs)
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
            await self._put_back(await self._free_worker("local"))

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
        for worker in self._idle:
            await self._retire(worker)
        self._idle.clear()
        for _ in range(self._workers_max):
            self._slots.release()

    async def _free_worker(self, tenant: str, needs: Sequence[str] = ()) -> "_Worker":
        if self._closed:
            raise Unavailable("the worker processes are shutting down")
        for place, worker in enumerate(self._idle):
            if worker.tenant == tenant and worker.is_alive and worker.modules.issuperset(needs):
                return self._idle.pop(place)
        # All slots count processes: one that idles for another tenant, lacks a module, or died idle, makes room.
        if self._idle and len(self._all) >= self._workers_max:
            await self._retire(self._idle.pop(0))
        if self._locked and not (walls := sandbox.available()).complete:
            raise Unavailable(
                "untrusted media is opened only in a locked-down process, which this machine does not offer: "
                f'{"; ".join(walls.missing)}; set sandbox = "none" to do without',
            )
        modules = (*self._modules, *needs)
        worker = _Worker(tenant, frozenset(modules))
        self._all.add(worker)
        try:
            await worker.start(modules, self._limits, self._threads, locked=self._locked)
        except BaseException:
            await self._retire(worker)
            raise
        return worker

    async def _put_back(self, worker: "_Worker") -> None:
        worn = worker.jobs >= self._jobs_max or worker.resident_bytes > self._resident_max
        if worker.is_busy or worn or self._closed or not worker.is_alive:
            await self._retire(worker)
        else:
            self._idle.append(worker)

    async def _retire(self, worker: "_Worker") -> None:
        # Shielded: a second cancellation must not leave a process behind.
        await asyncio.shield(worker.kill())
        self._all.discard(worker)


class _Worker:
    """One process and the socket to it."""

    def __init__(self, tenant: str, modules: frozenset[str]) -> None:
        self.tenant, self.modules = tenant, modules
        self.jobs = 0
        self.resident_bytes = 0
        self.is_busy = False
        self.log_tail = ""
        self._process: asyncio.subprocess.Process | None = None
        self._socket: socket.socket | None = None
        self._log: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(
        self, modules: tuple[str, ...], limits: tuple[int, int], threads: int, *, locked: bool
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        self._socket = ours
        setup = Setup(
            socket=theirs.fileno(),
            parent=os.getpid(),
            modules=modules,
            memory_bytes=limits[0],
            file_bytes=limits[1],
            locked=locked,
        )
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-X", "faulthandler", "-m", "engine.media.child", encode(setup).decode()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
                env=_environment(threads),
            )
        self._log = asyncio.create_task(self._read_log())
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                first = await self._message()
        except TimeoutError:
            raise WorkFailed("a worker process does not come up", cause="time_limit") from None
        assert isinstance(first, Ready), "a worker says first that it is ready"
        reach("worker_ready")

    async def do(self, job: Job, descriptors: Sequence[int], report: Report | None) -> bytes:
        assert self._socket is not None, "the worker was started"
        self.is_busy = True
        self.jobs += 1
        payload = pack(job)
        try:
            socket.send_fds(self._socket, [HEAD.pack(len(payload))], descriptors)
            await asyncio.get_running_loop().sock_sendall(self._socket, payload)
        except OSError:
            raise await self._death(job.task) from None
        reach("job_given")
        while True:
            match await self._message(job.task):
                case Progress(done=done, total=total):
                    if report is not None:
                        report(done, total)
                case Done() as done_:
                    self.is_busy, self.resident_bytes = False, done_.resident_bytes
                    reach("job_done")
                    return done_.result
                case Failed() as failed:
                    self.is_busy, self.resident_bytes = False, failed.resident_bytes
                    raise _error(failed)
                case Ready():
                    raise AssertionError("a worker is ready only once")

    def end(self) -> None:
        """Kill the process without waiting; who reads from it finds out."""
        if self._process is not None and self._process.returncode is None:
            # Its whole session: without a sandbox it may have started others.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """Kill the process and wait for its end; harmless when it has ended. Nobody may be reading from it."""
        self.end()
        if self._process is not None:
            await self._process.wait()
        await self._end_log()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _message(self, task: str = "") -> Message:
        (length,) = HEAD.unpack(await self._exactly(HEAD.size, task))
        return unpack(await self._exactly(length, task), Message)  # type: ignore[arg-type]

    async def _exactly(self, count: int, task: str) -> bytes:
        loop = asyncio.get_running_loop()
        assert self._socket is not None, "the worker was started"
        data = bytearray()
        while len(data) < count:
            try:
                block = await loop.sock_recv(self._socket, count - len(data))
            except ConnectionError:
                block = b""
            if not block:
                raise await self._death(task)
            data += block
        return bytes(data)

    async def _death(self, task: str) -> WorkFailed:
        """Return the error that says how the process ended."""
        assert self._process is not None and self._log is not None, "the worker was started"  # noqa: PT018
        code = await self._process.wait()
        await self._end_log()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        what = f"the process that did {task} {how}" if task else f"a worker process {how} while it started"
        last = self.log_tail.strip().splitlines()[-1:] if not task else []
        detail = f"{what}: {last[0]}" if last else what
        return WorkFailed(detail, cause="crash", log_tail=self.log_tail)

    async def _end_log(self) -> None:
        """Wait for the last of the log; not for long, should somebody else hold its pipe open."""
        if self._log is not None:
            done, _ = await asyncio.wait((self._log,), timeout=_LOG_LIMIT_S)
            if not done:
                self._log.cancel()

    async def _read_log(self) -> None:
        assert self._process is not None and self._process.stderr is not None, "stderr is a pipe"  # noqa: PT018
        while block := await self._process.stderr.read(4096):
            self.log_tail = (self.log_tail + block.decode(errors="replace"))[-_LOG_TAIL:]


def _error(failed: Failed) -> StudioError:
    match failed.code:
        case "work_failed":
            return WorkFailed(failed.detail, log_tail=failed.trace, **failed.extra)
        case "unavailable":
            return Unavailable(failed.detail, **failed.extra)
        case _:
            return Invalid(failed.detail, code=failed.code, **failed.extra)


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


def _environment(threads: int) -> dict[str, str]:
    """Nothing of this process's environment but where its modules are; equal for every worker."""
    return {
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
