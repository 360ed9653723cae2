"""Real processes, made cheap: they are forked from one that has imported everything and done nothing.

What a child writes to its standard output comes here line by line; whatever ends it, its end is the end of the lines.
"""

import multiprocessing
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from engine.kernel.failpoints import VARIABLE, arm

# pytest is among them because a child imports the main module of whoever asks for it.
LOADED: Final = (
    "pytest",
    "tests.fault.life",
    "tests.fault.mission_life",
    "tests.fault.served",
    "tests.fault.writer",
)
ENDS_S: Final = 60
_births: Final = multiprocessing.get_context("forkserver")
_births.set_forkserver_preload(list(LOADED))


class Child:
    """One process; `lines` is what it has said and was read."""

    def __init__(self, process: BaseProcess, said: Connection) -> None:
        self._process = process
        self._said = said
        self._rest = b""
        self.lines: list[str] = []

    @property
    def pid(self) -> int:
        pid = self._process.pid
        assert pid is not None
        return pid

    def line(self, timeout_s: float | None = ENDS_S) -> str | None:
        """The next line; None when nothing more comes, or nothing has come in time."""
        while b"\n" not in self._rest:
            if not select.select([self._said], [], [], timeout_s)[0]:
                return None
            if not (block := os.read(self._said.fileno(), 1 << 16)):
                return None
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\n")
        self.lines.append(line.decode())
        return self.lines[-1]

    def kill(self) -> int:
        """End it as a power cut would, and return its code; what it said before that was said."""
        self._process.kill()
        return self.end()

    def stop(self) -> int:
        """Ask it to end, and return its code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.end()

    def end(self) -> int:
        """Wait for its end, and return its code."""
        while self.line() is not None:
            pass
        self._process.join(ENDS_S)
        code = self._process.exitcode
        assert code is not None, f"{self._process.name} does not end; it said {self.lines[-3:]}"
        return code

    def close(self) -> None:
        """Leave nothing of it."""
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join(ENDS_S)
        self._said.close()


@contextmanager
def born(program: Callable[..., int | None], *given: Any, failpoint: str = "") -> Iterator[Child]:
    """Have `program(*given)` run in a process of its own, which may be armed to die at a failpoint."""
    said, says = _births.Pipe(duplex=False)
    process = _births.Process(target=_live, args=(program, given, failpoint, says), daemon=True)
    process.start()
    says.close()
    child = Child(process, said)
    try:
        yield child
    finally:
        child.close()


def _live(
    program: Callable[..., int | None], given: tuple[Any, ...], failpoint: str, says: Connection
) -> None:
    os.dup2(says.fileno(), sys.stdout.fileno())
    says.close()
    os.environ.pop(VARIABLE, None)
    if failpoint:
        os.environ[VARIABLE] = failpoint
        arm(os.environ)
    sys.exit(program(*given))
