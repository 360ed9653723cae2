"""What a program asked of the kernel, in order: strace's record, read back.

    strace -f -xx -s 100000000 -e trace=... -o FILE PROGRAM

A call has a beginning and an end, and other threads' calls may lie between; both are steps. What a call writes may reach
the disk from its beginning on; what a sync promises holds from its end on.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

WRITING: Final = ("write", "pwrite64", "ftruncate", "fallocate", "writev", "pwritev", "pwritev2", "truncate")
NAMING: Final = (
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "link",
    "linkat",
)
HOLDING: Final = (
    "openat",
    "open",
    "creat",
    "close",
    "dup",
    "dup2",
    "dup3",
    "lseek",
    "copy_file_range",
    "sendfile",
)
SYNCING: Final = ("fsync", "fdatasync", "sync_file_range", "msync")
_LINE: Final = re.compile(rb"(\d+) +(?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))")
_RESULT: Final = re.compile(rb"(.*)\) += (-?\d+)([^=]*)", re.DOTALL)
_UNFINISHED: Final = b" <unfinished ...>"


@dataclass(frozen=True)
class Call:
    """One call. `texts` are its strings, decoded; `words` its arguments as strace writes them, without the strings."""

    name: str
    texts: tuple[bytes, ...]
    words: tuple[str, ...]

    def number(self, place: int) -> int:
        """Return an argument that is a number."""
        return int(self.words[place])


@dataclass(frozen=True)
class Step:
    """The beginning of a call (`result` None) or its end."""

    thread: int
    call: Call
    result: int | None = None


@dataclass
class _Reader:
    open: dict[int, tuple[bytes, Call]] = field(default_factory=dict)

    def steps(self, line: bytes) -> Iterator[Step]:
        found = _LINE.match(line)
        if found is None:  # a signal, an exit
            return
        thread, resumed, tail, name, rest = found.groups()
        pid = int(thread)
        if resumed is not None:
            head, call = self.open.pop(pid)
            whole = _RESULT.match(head + tail)
            # `openat` tells its path at the beginning, so nothing that a call is made of is in the tail.
            if whole is not None:
                yield Step(pid, call, int(whole[2]))
            return
        if rest.endswith(_UNFINISHED):
            head = rest.removesuffix(_UNFINISHED)
            call = _call(name, head)
            self.open[pid] = (head, call)
            yield Step(pid, call)
            return
        whole = _RESULT.match(rest)
        if whole is not None:
            call = _call(name, whole[1])
            yield Step(pid, call)
            yield Step(pid, call, int(whole[2]))


def _call(name: bytes, arguments: bytes) -> Call:
    texts: list[bytes] = []
    words: list[str] = []
    for part in re.split(rb", (?![^\[{]*[\]}])", arguments.rstrip(b",")):
        if part.startswith(b'"'):
            assert not part.endswith(b"..."), "strace cut a string: give it a larger -s"
            texts.append(bytes.fromhex(part.strip(b'"').replace(b"\\x", b"").decode()))
            words.append("")
        else:
            words.append(part.decode())
    return Call(name.decode(), tuple(texts), tuple(words))


def read(record: Path) -> list[Step]:
    """Read a record."""
    reader = _Reader()
    with record.open("rb") as lines:
        return [step for line in lines for step in reader.steps(line.rstrip(b"\n"))]


def trace(
    program: Sequence[str], record: Path, *, cwd: Path, environment: Mapping[str, str] | None = None
) -> list[Step]:
    """Run a program to its end and return what it asked of the disk."""
    calls = ",".join((*WRITING, *NAMING, *HOLDING, *SYNCING))
    command = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-xx",
        "-s",
        "100000000",
        "-e",
        f"trace={calls}",
        "-o",
        str(record),
    ]
    subprocess.run(
        [*command, *program], cwd=cwd, env=environment, check=True, timeout=100, stdout=subprocess.DEVNULL
    )
    return read(record)
