"""The worker process: loads, locks itself down, then does one job after the other until its parent goes.

Started by the pool as `python -m engine.media.child` with a socket. It loads module after module until it is told to begin,
by a message that says which of them it must have. A job comes as a message with open descriptors; what goes back is progress
and one `Done` or `Failed`. A job that is called off ends where it next reports. Messages are MessagePack behind a length of four
bytes.
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
import traceback
from typing import Any

from msgspec import Struct

from cutroom_sdk.wire.codec import pack, unpack
from engine.kernel.clock import monotonic_s
from engine.kernel.errors import StudioError, WorkFailed
from engine.media import sandbox
from engine.media.tasks import Files, run_let_gos, run_warm_ups, tasks

HEAD = struct.Struct("!I")
FILES_MAX = 200  # the kernel passes at most 253 descriptors at once
_PROGRESS_EVERY_S = 0.05
_IDLE_S = 20.0  # after so long without work a process keeps nothing for more of the same


class Setup(Struct, frozen=True, kw_only=True):
    """How a worker process is to be: the first argument of its command line, as JSON. It loads `modules` in this order."""

    socket: int
    parent: int
    modules: tuple[str, ...]
    memory_bytes: int
    file_bytes: int
    locked: bool


class Begin(Struct, frozen=True, kw_only=True):
    """Have at least these modules, and be ready for work."""

    modules: tuple[str, ...]


class Job(Struct, frozen=True, kw_only=True, tag="job"):
    """A task to do; its descriptors travel along, inputs first."""

    task: str
    request: bytes
    inputs: int


class CallOff(Struct, frozen=True, kw_only=True, tag="call_off"):
    """Leave the job, if it is still at work: nobody waits for it any more."""


Order = Job | CallOff


class CalledOff(BaseException):
    """The job was called off. Not an `Exception`, so that no task takes it for a failure of its own."""


class Ready(Struct, frozen=True, kw_only=True, tag="ready"):
    """The process is warm and locked down. `modules` are those that it was told to load, and those that bring tasks."""

    walls: sandbox.Walls | None
    modules: tuple[str, ...]


class Progress(Struct, frozen=True, kw_only=True, tag="progress"):
    """How far the job is."""

    done: float
    total: float


class Done(Struct, frozen=True, kw_only=True, tag="done"):
    """The job's result. `resident_bytes` is the memory in use after it."""

    result: bytes
    resident_bytes: int


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The job's error, as the table of codes has it, and the end of its trace for the log."""

    code: str
    detail: str
    extra: dict[str, Any]
    trace: str
    resident_bytes: int


Message = Ready | Progress | Done | Failed


def main(setup: Setup) -> None:
    """Be a worker until the parent closes its end of the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    sandbox.die_with_parent(setup.parent)
    with socket.socket(fileno=setup.socket) as channel:
        loaded = _loaded(channel, setup.modules)
        if loaded is None:
            return
        _quieten()
        memory = os.open("/proc/self/statm", os.O_RDONLY)
        gc.collect()
        gc.freeze()
        walls = None
        if setup.locked:
            walls = sandbox.lock_down(memory_bytes=setup.memory_bytes, file_bytes=setup.file_bytes)
        _send(channel, Ready(walls=walls, modules=loaded))
        _serve(channel, memory)


def _loaded(channel: socket.socket, modules: tuple[str, ...]) -> tuple[str, ...] | None:
    """Load module after module until told to begin, then those that are wanted; None: the parent has gone.

    What a module has marked as its warm-up is run right after it was imported, and told apart: nobody has to wait for what
    is not wanted.
    """
    loaded: list[str] = []

    def load(module: str) -> None:
        if module not in loaded:
            importlib.import_module(module)
            run_warm_ups()
            loaded.append(module)

    for module in modules:
        if _has_news(channel, 0):
            break
        load(module)
    payload = _message(channel)
    if payload is None:
        return None
    for module in unpack(payload, Begin).modules:
        load(module)
    bring = {name.partition(":")[0] for name in tasks()}
    return tuple(sorted(bring.union(loaded)))


def _serve(channel: socket.socket, memory: int) -> None:
    """Do job after job until the parent goes. What a task keeps for the next of its kind goes when there is none soon."""
    last = ""
    while True:
        if not _has_news(channel, _IDLE_S):
            run_let_gos()
        received = _receive(channel)
        if received is None:
            return
        job, descriptors = received
        if isinstance(job, CallOff):
            continue  # it came too late
        if job.task != last:
            run_let_gos()
            last = job.task
        answer = _do(job, Files(descriptors[: job.inputs], descriptors[job.inputs :]), channel, memory)
        for descriptor in descriptors:
            os.close(descriptor)
        _send(channel, answer)


def _has_news(channel: socket.socket, seconds: float) -> bool:
    """Wait for something to read, or for the end of the parent; return whether there is."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _do(job: Job, files: Files, channel: socket.socket, memory: int) -> Done | Failed:
    told = 0.0

    def report(done: float, total: float) -> None:
        nonlocal told
        if _has_news(channel, 0):
            raise CalledOff
        now = monotonic_s()
        if now - told >= _PROGRESS_EVERY_S:
            told = now
            _send(channel, Progress(done=done, total=total))

    try:
        # Only what was registered when the process started can be named.
        task = tasks()[job.task]
        result = pack(task.work(unpack(job.request, task.request), files, report))
    except CalledOff:
        _message(channel)
        gc.collect()
        return _failed(WorkFailed("the job was called off", cause="called_off"), memory)
    except Exception as error:
        return _failed(error, memory)
    gc.collect()
    return Done(result=result, resident_bytes=_resident(memory))


def _failed(error: Exception, memory: int) -> Failed:
    trace = "".join(traceback.format_exception(error))[-4000:]
    match error:
        case StudioError():
            code, detail, extra = error.code, error.detail, error.extra
        case MemoryError():
            code, detail, extra = "work_failed", "it takes more memory than is allowed", {"cause": "memory"}
        case _:
            code, detail, extra = "work_failed", f"{type(error).__name__}: {error}", {"cause": "error"}
    return Failed(code=code, detail=detail, extra=extra, trace=trace, resident_bytes=_resident(memory))


def _resident(memory: int) -> int:
    return int(os.pread(memory, 200, 0).split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _quieten() -> None:
    """Pin the thread counts of libraries that choose them by the machine, and stop libav's log, which can deadlock."""
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)
    if "av" in sys.modules:
        sys.modules["av"].logging.set_level(None)


def _send(channel: socket.socket, message: Message) -> None:
    # write(2), for the sandbox refuses sendto(2), which `socket.send` uses.
    payload = pack(message)
    left = memoryview(HEAD.pack(len(payload)) + payload)
    while left:
        left = left[os.write(channel.fileno(), left) :]


def _receive(channel: socket.socket) -> tuple[Order, tuple[int, ...]] | None:
    """Return what comes next and its descriptors, or None when the parent has gone."""
    head, ancillary, _, _ = channel.recvmsg(HEAD.size, socket.CMSG_SPACE(FILES_MAX * 4))
    descriptors: list[int] = []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.extend(struct.unpack(f"={len(data) // 4}i", data))
    payload = _message(channel, head)
    return None if payload is None else (unpack(payload, Order), tuple(descriptors))  # type: ignore[arg-type]  # a union is no class


def _message(channel: socket.socket, head: bytes = b"") -> bytes | None:
    """Return the next message, whose length may have been read already; None: the parent has gone."""
    head = head or os.read(channel.fileno(), HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    payload = bytearray()
    while len(payload) < length:
        block = os.read(channel.fileno(), length - len(payload))
        if not block:
            return None
        payload += block
    return bytes(payload)


if __name__ == "__main__":
    from cutroom_sdk.wire.codec import decode

    with contextlib.suppress(BrokenPipeError, ConnectionResetError, ProcessLookupError):
        main(decode(sys.argv[1], Setup))
