"""What a disk may hold after the power was cut: any of the states that the record of a program's calls allows.

Certain is what was synced: of a file, what was written before its last sync began and had ended by then; of a folder, the
names in it. Of what came since, any part may be there and any not: writes in whole or by sectors of 512 bytes, in any
order; a file's end before its content; a truncation, a new name, a renaming, a removal each or not. A folder whose own
name was not synced is gone with all that is in it.
"""

import posixpath
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from tests.fault.strace import Call, Step

SECTOR: Final = 512
# How much of what is not certain is there, in one image; all or nothing are states as well.
KEPT: Final = (0.0, 0.1, 0.5, 0.9, 1.0)
_AT: Final = {"openat": 1, "mkdirat": 1, "unlinkat": 1, "renameat": 1, "renameat2": 1, "linkat": 1}
Chance = np.random.Generator


@dataclass(eq=False)
class Change:
    """A write at `offset`, or with `data` None a truncation to `offset` bytes."""

    offset: int
    data: bytes | None
    done: bool = False

    def on(self, content: bytearray) -> None:
        if self.data is None:
            del content[self.offset :]
            content.extend(bytes(self.offset - len(content)))
        else:
            end = self.offset + len(self.data)
            content.extend(bytes(max(0, end - len(content))))
            content[self.offset : end] = self.data

    def sectors(self) -> "Iterator[Change]":
        assert self.data is not None
        at, end = self.offset, self.offset + len(self.data)
        while at < end:
            following = min(end, (at // SECTOR + 1) * SECTOR)
            yield Change(at, self.data[at - self.offset : following - self.offset])
            at = following


@dataclass(eq=False)
class File:
    """One file's content: what is certain, and what was asked for since. A folder has no content of interest."""

    folder: bool = False
    settled: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)

    def settle(self, changes: Sequence[Change]) -> None:
        for change in changes:
            change.on(self.settled)
        self.pending = [change for change in self.pending if change not in changes]

    def content(self) -> bytearray:
        content = bytearray(self.settled)
        for change in self.pending:
            change.on(content)
        return content

    def image(self, chance: Chance, kept: float) -> bytes:
        content = bytearray(self.settled)
        for change in self.pending:
            if change.data is None:
                if chance.random() < kept:
                    change.on(content)
                continue
            torn = chance.random() < 0.5
            for part in change.sectors() if torn else (change,):
                if chance.random() < kept:
                    part.on(content)
        if chance.random() < 0.2:  # the end is on disk, the content is not
            content.extend(bytes(max(0, len(self.content()) - len(content))))
        return bytes(content)


@dataclass(eq=False)
class Naming:
    """What happens to names in one folder at once: None removes."""

    folder: str
    names: dict[str, File | None]
    done: bool = False


@dataclass
class _Opened:
    file: File
    path: str
    position: int = 0
    appends: bool = False


class Disk:
    """A folder on a disk, as the calls of one program make it. It begins empty."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.said = b""  # what the program has told the world
        self._names: dict[str, File] = {self.root: File(folder=True)}  # as the program sees them
        self._settled: dict[str, File] = dict(self._names)
        self._pending: list[Naming] = []
        self._open: dict[int, _Opened] = {}
        self._under_way: dict[int, tuple[list[Change], list[Naming]]] = {}

    def apply(self, step: Step) -> None:
        """Take in one step."""
        if step.result is None:
            self._begin(step.thread, step.call)
        elif step.result >= 0:
            self._end(step.thread, step.call, step.result)
        else:
            self._under_way.pop(step.thread, None)

    def image(self, chance: Chance) -> dict[str, bytes | None]:
        """Return one of the states that the disk may be in: files by their path in the folder; None is a folder."""
        kept = KEPT[int(chance.integers(len(KEPT)))]
        names = dict(self._settled)
        for naming in self._pending:
            if chance.random() < kept:
                _rename(names, naming)
        found: dict[str, bytes | None] = {}
        for path, file in sorted(names.items()):
            if path != self.root and posixpath.dirname(path) in names:
                inside = path.removeprefix(self.root + "/")
                found[inside] = None if file.folder else file.image(chance, kept)
            elif path != self.root:
                del names[path]  # and with it what lies beneath
        return found

    def now(self) -> dict[str, bytes | None]:
        """Return what the program itself sees."""
        seen = {path: file for path, file in self._names.items() if path != self.root}
        return {
            path.removeprefix(self.root + "/"): None if file.folder else bytes(file.content())
            for path, file in seen.items()
        }

    def _begin(self, thread: int, call: Call) -> None:
        changes, namings = self._asked(call)
        if call.name in ("fsync", "fdatasync") and (opened := self._open.get(call.number(0))):
            changes = [change for change in opened.file.pending if change.done]
            namings = [
                one for one in self._pending if one.done and one.folder == opened.path and opened.file.folder
            ]
        elif call.name == "close":
            self._open.pop(call.number(0), None)
        self._under_way[thread] = (changes, namings)

    def _asked(self, call: Call) -> tuple[list[Change], list[Naming]]:
        """Note what may reach the disk from now on."""
        if call.name == "write" and call.number(0) == 1:
            self.said += call.texts[0]
        opened = self._open.get(int(call.words[0])) if call.words and call.words[0].isdigit() else None
        if opened is None:
            return [], self._named(call)
        match call.name:
            case "write":
                at = len(opened.file.content()) if opened.appends else opened.position
                changes = [Change(at, call.texts[0])]
                opened.position = at + len(call.texts[0])
            case "pwrite64":
                changes = [Change(call.number(3), call.texts[0])]
            case "ftruncate":
                changes = [Change(call.number(1), None)]
            case "fsync" | "fdatasync" | "close" | "lseek":
                changes = []
            case _:
                raise AssertionError(f"what {call.name} does to {opened.path} is not known here")
        opened.file.pending += changes
        return changes, []

    def _named(self, call: Call) -> list[Naming]:
        paths = [self._inside(text) for text in call.texts]
        if not any(paths):
            return []
        match call.name, paths:
            case (("rename" | "renameat" | "renameat2"), [str(source), str(target)]) if source in self._names:
                return self._moved(source, target)
            case (("unlink" | "unlinkat" | "rmdir"), [str(path)]) if path in self._names:
                return self._noted(Naming(posixpath.dirname(path), {path: None}))
            case (("mkdir" | "mkdirat"), [str(path)]) if path not in self._names:
                return self._noted(Naming(posixpath.dirname(path), {path: File(folder=True)}))
            case (
                (
                    "openat"
                    | "open"
                    | "creat"
                    | "rename"
                    | "unlink"
                    | "unlinkat"
                    | "mkdir"
                    | "mkdirat"
                    | "rmdir"
                ),
                _,
            ):
                return []
        raise AssertionError(f"what {call.name} does to {paths} is not known here")

    def _moved(self, source: str, target: str) -> list[Naming]:
        there, here = posixpath.dirname(target), posixpath.dirname(source)
        names: dict[str, File | None] = {target: self._names[source]}
        if there == here:
            return self._noted(Naming(there, names | {source: None}))
        # Not the same block of the disk: either may be there without the other.
        return self._noted(Naming(there, names)) + self._noted(Naming(here, {source: None}))

    def _noted(self, naming: Naming) -> list[Naming]:
        self._pending.append(naming)
        return [naming]

    def _end(self, thread: int, call: Call, result: int) -> None:
        changes, namings = self._under_way.pop(thread)
        if call.name in ("openat", "open", "creat"):
            self._opened(call, result)
        elif call.name == "lseek" and (opened := self._open.get(call.number(0))):
            opened.position = result
        elif call.name in ("fsync", "fdatasync"):
            if opened := self._open.get(call.number(0)):
                opened.file.settle(changes)
            for naming in namings:
                _rename(self._settled, naming)
            self._pending = [one for one in self._pending if one not in namings]
            return
        for change in changes:
            assert change.data is None or result == len(change.data), "half a write"
            change.done = True
        for naming in namings:
            naming.done = True
            _rename(self._names, naming)

    def _opened(self, call: Call, descriptor: int) -> None:
        path = self._inside(call.texts[0])
        if path is None:
            return
        flags = call.words[_AT.get(call.name, 0) + 1]
        if path not in self._names:
            assert "O_CREAT" in flags, f"{path} was opened and is not known here"
            naming = Naming(posixpath.dirname(path), {path: File()}, done=True)
            self._pending.append(naming)
            _rename(self._names, naming)
        elif "O_TRUNC" in flags:
            self._names[path].pending.append(Change(0, None, done=True))
        self._open[descriptor] = _Opened(self._names[path], path, appends="O_APPEND" in flags)

    def _inside(self, text: bytes) -> str | None:
        path = posixpath.normpath(text.decode())
        return path if path == self.root or path.startswith(self.root + "/") else None


def _rename(names: dict[str, File], naming: Naming) -> None:
    for path, file in naming.names.items():
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file


def images(steps: Sequence[Step], root: Path, count: int, seed: int) -> "Iterator[Image]":
    """Yield `count` states that a power cut at some moment may have left, in the order of their moments."""
    chance = np.random.default_rng(seed)
    inside = str(root).encode()
    first = next(
        number for number, step in enumerate(steps) if any(inside in text for text in step.call.texts)
    )
    disk, moments, done = Disk(root), np.sort(chance.integers(first, len(steps) + 1, size=count)), 0
    for moment in moments:
        while done < moment:
            disk.apply(steps[done])
            done += 1
        yield Image(int(moment), disk.said, disk.image(chance))


@dataclass(frozen=True)
class Image:
    """The files that are left, and what the program had said when the power went."""

    moment: int
    said: bytes
    files: dict[str, bytes | None]

    def lay_out(self, folder: Path) -> None:
        """Write it into a folder."""
        folder.mkdir(mode=stat.S_IRWXU)
        for name, content in self.files.items():
            if content is None:
                (folder / name).mkdir()
            else:
                (folder / name).write_bytes(content)
