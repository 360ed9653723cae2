"""A process for a program that nobody vouches for: fenced in, bounded, watched, and gone when it is over.

It gets a folder of its own. What it prints is read up to a limit, whatever it does; when its time is up, when it says too
much or when nobody wants it any more, it and all that it may have started are killed.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.codec import encode
from engine.kernel.blobs import Blobs
from engine.kernel.errors import Unavailable, WorkFailed
from engine.media import sandbox

GIB: Final = 1 << 30
MEMORY_MAX: Final = 2 * GIB
FILE_MAX: Final = 4 * GIB
FILES_MAX: Final = 100  # that a program may leave behind
PRINTED_MAX: Final = 4 << 20
TAIL: Final = 4_000
LINE_MAX: Final = 1 << 20  # of what a tool says to the engine
_CLOSE_S: Final = 2.0
_SYSTEM: Final = (
    *("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/ssl"),
    *("/dev/urandom", "/dev/zero"),
)
_NAMES: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services")


class Setup(Struct, frozen=True, kw_only=True):
    """What every process here is told on its standard input, in one line of JSON. `fence` None: it is not fenced in."""

    parent: int
    fence: sandbox.Fence | None
    memory_bytes: int = MEMORY_MAX
    file_bytes: int = FILE_MAX


@dataclass(frozen=True)
class Ended:
    """How a process has ended: its code (negative: the signal), and the end of what it printed."""

    code: int
    printed: str

    @property
    def how(self) -> str:
        """What to say about it."""
        if self.code < 0:
            return f"was ended by {signal.Signals(-self.code).name}"
        return f"ended with code {self.code}"

    def failure(self, what: str) -> WorkFailed:
        """Return the error that says so, with the last line it printed."""
        last = self.printed.strip().splitlines()[-1:]
        said = f": {last[0][:300]}" if last else ""
        return WorkFailed(f"{what} {self.how}{said}", cause="crash", log_tail=self.printed)


class Workshop:
    """Where programs work: a folder for each call, on the file system of the blobs."""

    def __init__(self, folder: Path, blobs: Blobs, *, fenced: bool) -> None:
        self._folder = folder
        self._blobs = blobs
        self.fenced = fenced

    @contextlib.asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """Make a folder; it is gone afterwards."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            yield path
        finally:
            await asyncio.to_thread(_remove, path)

    def holds_state(self, path: str) -> bool:
        """Tell whether the engine's state lies beneath a path, or is it."""
        return self._folder.parent.resolve().is_relative_to(Path(path).resolve())

    def clear(self) -> None:
        """Remove what a crash has left."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def setup_of(self, read: tuple[str, ...], folder: Path, *, network: bool = False) -> Setup:
        """Return how a process is to be that reads these, and the system's programs, and works in `folder`.

        Raises:
            Unavailable: this machine cannot fence it in, and must.
        """
        if not self.fenced:
            return Setup(parent=os.getpid(), fence=None)
        if not (walls := sandbox.available()).complete:
            raise Unavailable(
                "programs of others run only behind a fence, which this machine does not offer: "
                f'{"; ".join(walls.missing)}; set sandbox = "none" to do without'
            )
        reached = (*_SYSTEM, *_NAMES) if network else _SYSTEM
        # Never the engine's own state, even where its packages lie in a folder above it.
        seen = [path for path in (*reached, *read) if not self.holds_state(path)]
        fence = sandbox.Fence(
            read=tuple(dict.fromkeys(seen)), write=(str(folder), "/dev/null"), network=network
        )
        return Setup(parent=os.getpid(), fence=fence)

    async def keep(self, folder: Path) -> list[dict[str, object]]:
        """Keep the files that were left in a folder as blobs; return their names, hashes, sizes and places.

        Raises:
            WorkFailed: there are too many.
        """
        return await asyncio.to_thread(self._keep, folder)

    def _keep(self, folder: Path) -> list[dict[str, object]]:
        found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        if len(found) > FILES_MAX:
            raise WorkFailed(f"it left {len(found)} files; {FILES_MAX} is the most")
        kept: list[dict[str, object]] = []
        for path in found:
            name, size = str(path.relative_to(folder)), path.stat().st_size
            sha256 = self._blobs.adopt(path)
            kept.append(
                {"name": name, "path": str(self._blobs.path(sha256)), "sha256": sha256, "bytes": size}
            )
        return kept


def _remove(path: Path) -> None:
    """Remove a folder, whatever rights its owner has taken away."""

    def again(remove: Callable[..., object], name: str, _error: object) -> None:
        os.chmod(os.path.dirname(name), 0o700)
        with contextlib.suppress(FileNotFoundError):
            remove(name)

    shutil.rmtree(path, onerror=again)


async def carry_out(
    module: str,
    setup: Struct,
    *,
    folder: Path,
    limit_s: float,
    heard: Callable[[bytes], None] | None = None,
) -> Ended:
    """Start `python -m module` with `setup` on its standard input and return how it ended.

    `heard` gets each line that it writes to the descriptor named in the environment as `CUTROOM_CHANNEL`.

    Raises:
        WorkFailed: it took longer than `limit_s`, printed or said too much; `cause` is `time_limit` or `output`.
    """
    ours, theirs = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-X", "faulthandler", "-m", module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=(theirs,),
            start_new_session=True,
            cwd=folder,
            env=_environment(folder, theirs),
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    watched = _Watched(process, heard or (lambda _line: None))
    return await watched.to_the_end(ours, encode(setup) + b"\n", limit_s)


class _Watched:
    """One process while it lasts."""

    def __init__(self, process: asyncio.subprocess.Process, heard: Callable[[bytes], None]) -> None:
        self._process = process
        self._heard = heard
        self._tail = bytearray()
        self._too_much = ""

    async def to_the_end(self, channel: int, setup: bytes, limit_s: float) -> Ended:
        listening = [
            asyncio.create_task(self._read_printed()),
            asyncio.create_task(self._read_said(channel)),
        ]
        try:
            async with asyncio.timeout(limit_s):
                await self._tell(setup)
                await self._process.wait()
        except TimeoutError:
            raise WorkFailed(
                f"it took longer than {limit_s:g} s and was ended", cause="time_limit", log_tail=self._printed
            ) from None
        finally:
            self._kill()
            await asyncio.shield(self._see_out(listening))
        if self._too_much:
            raise WorkFailed(self._too_much, cause="output", log_tail=self._printed)
        assert self._process.returncode is not None, "it was waited for"
        return Ended(self._process.returncode, self._printed)

    @property
    def _printed(self) -> str:
        return self._tail.decode(errors="replace")

    async def _tell(self, setup: bytes) -> None:
        assert self._process.stdin is not None, "stdin is a pipe"
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(setup)
            await self._process.stdin.drain()
        self._process.stdin.close()

    async def _read_printed(self) -> None:
        assert self._process.stdout is not None, "stdout is a pipe"
        total = 0
        while block := await self._process.stdout.read(1 << 16):
            total += len(block)
            self._tail = (self._tail + block)[-TAIL:]
            if total > PRINTED_MAX:
                self._stop(f"it printed more than {PRINTED_MAX >> 20} MiB and was ended")

    async def _read_said(self, channel: int) -> None:
        reader = asyncio.StreamReader(limit=LINE_MAX)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(channel, "rb")
        )
        try:
            while line := await reader.readline():
                self._heard(line)
        except ValueError:
            self._stop(f"it said more than {LINE_MAX >> 20} MiB at once and was ended")
        finally:
            transport.close()

    def _stop(self, why: str) -> None:
        self._too_much = self._too_much or why
        self._kill()

    def _kill(self) -> None:
        # Its whole session: without a fence it may have started others.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _see_out(self, listening: "list[asyncio.Task[None]]") -> None:
        await self._process.wait()
        _, left = await asyncio.wait(listening, timeout=_CLOSE_S)
        for task in left:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)


def _environment(folder: Path, channel: int) -> dict[str, str]:
    """Nothing of this process's environment but where its modules are."""
    return {
        "CUTROOM_CHANNEL": str(channel),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "TMPDIR": str(folder),
    }
