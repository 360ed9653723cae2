"""Work for the tests of the pool: honest, slow, greedy, broken and hostile."""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable

from msgspec import Struct

from engine.kernel.errors import Invalid
from engine.media.audio import SoundReader
from engine.media.frames import FrameReader
from engine.media.index import build_index
from engine.media.source import open_media, picture, sound
from engine.media.tasks import Files, Report, task, warm_up

_warmed: list[int] = []


class Ask(Struct, frozen=True, kw_only=True):
    text: str = ""
    number: int = 0


class Answer(Struct, frozen=True, kw_only=True):
    text: str = ""
    number: int = 0


@warm_up
def open_something() -> None:
    with open("/proc/self/status", "rb") as file:
        _warmed.append(len(file.read()))


@task
def copy(request: Ask, files: Files, report: Report) -> Answer:
    data = b"".join(os.pread(descriptor, 1 << 20, 0) for descriptor in files.inputs)
    for descriptor in files.outputs:
        os.write(descriptor, data)
    report(1, 2)
    return Answer(text=request.text, number=len(data) + len(_warmed))


@task
def pid(request: Ask, files: Files, report: Report) -> Answer:
    return Answer(number=os.getpid())


@task
def large(request: Ask, files: Files, report: Report) -> Answer:
    return Answer(text="x" * request.number)


@task
def refuse(request: Ask, files: Files, report: Report) -> Answer:
    raise Invalid("the file is empty (0 bytes)", code="media_unreadable", frame=7)


@task
def stumble(request: Ask, files: Files, report: Report) -> Answer:
    raise RuntimeError("a bug")


@task
def crash(request: Ask, files: Files, report: Report) -> Answer:
    ctypes.string_at(0)
    return Answer()


@task
def leave(request: Ask, files: Files, report: Report) -> Answer:
    os._exit(3)


@task
def hang(request: Ask, files: Files, report: Report) -> Answer:
    report(1, 10)
    threading.Event().wait()
    return Answer()


@task
def toil(request: Ask, files: Files, report: Report) -> Answer:
    """Work on and on, and tell of each step."""
    done = 0
    while not request.number or done < request.number:
        done += 1
        report(done, request.number)
    return Answer(number=done)


@task
def devour(request: Ask, files: Files, report: Report) -> Answer:
    return Answer(number=len(bytearray(request.number)))


@task
def escape(request: Ask, files: Files, report: Report) -> Answer:
    """Try everything that is forbidden; answer with what went through, and who tried."""
    attempts: dict[str, Callable[[], object]] = {
        "read": lambda: open("/etc/passwd", "rb").read(1),
        "write": lambda: open(request.text, "wb").write(b"x"),
        "list": lambda: os.listdir("/"),
        "remove": lambda: os.unlink(request.text),
        "rename": lambda: os.rename(request.text, request.text + "2"),
        "network": lambda: socket.create_connection(("127.0.0.1", request.number), timeout=1),
        "local socket": lambda: socket.socketpair(),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "process": lambda: subprocess.run(["/bin/true"], check=True),
        "fork": os.fork,
        "execute": lambda: os.execv("/bin/true", ["true"]),
        "kill": lambda: os.kill(os.getppid(), 0),
        "memory file": lambda: os.memfd_create("x"),
        "reopen": lambda: os.open(f"/proc/self/fd/{files.inputs[0]}", os.O_RDWR),
    }
    through = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            continue
        through.append(name)
    threading.Thread(target=lambda: None).start()  # threads must work
    return Answer(text=",".join(through), number=os.getpid())


@task
def watch(request: Ask, files: Files, report: Report) -> Answer:
    """Decode all of a file: every frame by its number, all of its sound."""
    with open_media(files.inputs[0]) as container:
        frames = 0
        if picture(container) is not None:
            index = build_index(container)
            frames = sum(1 for _ in FrameReader(container, index).frames(0, index.count))
        if sound(container) is not None:
            for block in SoundReader(container, rate=16000, channels=1).blocks(size=16000):
                report(len(block), 1)
    return Answer(number=frames)
