"""One worker process, seen from the daemon: started, told what to load, given jobs, killed.

It loads on its own until it is told to begin. Then it has at once what it was told that work needs, locks itself down, and
says that it is ready.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final

from cutroom_sdk.wire.codec import encode, pack, unpack
from engine.kernel import failpoints
from engine.kernel.errors import Invalid, StudioError, Unavailable, WorkFailed
from engine.media.child import (
    HEAD,
    Begin,
    CallOff,
    Done,
    Failed,
    Job,
    Message,
    Order,
    Progress,
    Ready,
    Setup,
)

_START_LIMIT_S: Final = 60.0
_LOG_LIMIT_S: Final = 1.0
_CALL_OFF_S: Final = 0.5
_BLOCK: Final = 1 << 18
_LOG_TAIL: Final = 4000

Report = Callable[[float, float], None]

reach = failpoints.points("pool", "worker_ready", "job_given", "job_done")


class Worker:
    """One process and the socket to it."""

    def __init__(self) -> None:
        """Describe a process that has served nobody; `tenant` is set by who takes it."""
        self.tenant = ""
        self.modules: frozenset[str] = frozenset()
        self.jobs = 0
        self.resident_bytes = 0
        self.is_busy = False
        self.log_tail = ""
        self._process: asyncio.subprocess.Process | None = None
        self._socket: socket.socket | None = None
        self._log: asyncio.Task[None] | None = None
        self._received = bytearray()
        self._reading: asyncio.Future[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id; it was started."""
        assert self._process is not None, "the worker was started"
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def spawn(
        self, modules: Sequence[str], limits: tuple[int, int], threads: int, *, locked: bool
    ) -> None:
        """Start the process, which begins to load `modules` in this order and waits for nobody.

        Args:
            modules: what it loads for as long as it is not told to begin.
            limits: most private memory, and the longest file that it may write, bytes.
            threads: of OpenMP and BLAS.
            locked: whether it is to lock itself down before it takes work.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        self._socket = ours
        setup = Setup(
            socket=theirs.fileno(),
            parent=os.getpid(),
            modules=tuple(modules),
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

    async def begin(self, modules: frozenset[str]) -> None:
        """Have the process load what is missing of `modules`, lock itself down, and take work from then on.

        Raises:
            WorkFailed: it does not come up.
        """
        assert self._socket is not None, "the process was started"
        payload = pack(Begin(modules=tuple(sorted(modules))))
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, HEAD.pack(len(payload)) + payload)
        except OSError:
            raise await self._death("") from None
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                first = await self._message()
        except TimeoutError:
            raise WorkFailed("a worker process does not come up", cause="time_limit") from None
        assert isinstance(first, Ready), "a worker says first that it is ready"
        self.modules = frozenset(first.modules)
        reach("worker_ready")

    async def do(self, job: Job, descriptors: Sequence[int], report: Report | None) -> bytes:
        """Give the process a job with open files, and return the packed result.

        Cancelling calls the job off; a process that is still busy then has to be killed.

        Raises:
            StudioError: what the task raised, or `WorkFailed` when the process ends.
        """
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
        try:
            return await self._answer(job.task, report)
        except asyncio.CancelledError:
            await self._call_off()
            raise

    async def _answer(self, task: str, report: Report | None) -> bytes:
        while True:
            match await self._message(task):
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
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _message(self, task: str = "") -> Message:
        """Return the next message. Cancelling loses nothing of it: the next call goes on with what has come."""
        while True:
            if len(self._received) >= HEAD.size:
                end = HEAD.size + HEAD.unpack_from(self._received)[0]
                if len(self._received) >= end:
                    payload = bytes(self._received[HEAD.size : end])
                    del self._received[:end]
                    return unpack(payload, Message)  # type: ignore[arg-type]
            block = await self._block()
            if not block:
                raise await self._death(task)
            self._received += block

    async def _block(self) -> bytes:
        assert self._socket is not None, "the worker was started"
        if self._reading is None:
            receiving = asyncio.get_running_loop().sock_recv(self._socket, _BLOCK)
            self._reading = asyncio.ensure_future(receiving)
        try:
            block = await asyncio.shield(self._reading)
        except ConnectionError:
            block = b""
        self._reading = None
        return block

    async def _call_off(self) -> None:
        """Have the process leave its job; one that does so soon stays warm, and is not busy then."""
        try:
            async with asyncio.timeout(_CALL_OFF_S):
                await self._send(CallOff())
                while not isinstance(message := await self._message(), Done | Failed):
                    pass
        except (OSError, TimeoutError, WorkFailed):
            return
        self.is_busy, self.resident_bytes = False, message.resident_bytes

    async def _send(self, message: Begin | Order) -> None:
        assert self._socket is not None, "the worker was started"
        payload = pack(message)
        await asyncio.get_running_loop().sock_sendall(self._socket, HEAD.pack(len(payload)) + payload)

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
    error: StudioError
    match failed.code:
        case "work_failed":
            return WorkFailed(failed.detail, log_tail=failed.trace, **failed.extra)
        case "unavailable":
            error = Unavailable(failed.detail, **failed.extra)
        case _:
            error = Invalid(failed.detail, code=failed.code, **failed.extra)
    # Where it came from is for who keeps a record of the work, not for who sent the file.
    error.add_note(failed.trace)
    return error


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
