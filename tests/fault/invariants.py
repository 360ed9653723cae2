"""What must hold of a state directory whatever has happened to it; run after every fault.

I1 acknowledged: there exactly once; no gap; the chain holds; the head is at or after the anchor
I2 a request that was repeated came to one event
I3 folded from zero, the log gives what is published
I4 what reached the outside was on record before, under one key; what must not be repeated was not
I5 what readers were told, over all their connections, is the history
I7 no process, temporary file or half of a delivery is left
I8 what was delivered was approved
I9 the file is sound
"""

import hashlib
import os
import select
import subprocess
import sys
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.renders import Receipt
from engine.kernel import commands
from engine.kernel.changes import covers
from engine.kernel.clock import SystemClock
from engine.kernel.database import Database
from engine.kernel.kernel import DATABASE_NAME, Kernel, with_own
from engine.kernel.log import Event
from engine.kernel.proof import prove
from engine.kernel.reducer import Aggregate
from engine.kernel.replay import check as replay_check
from engine.rendering.delivering import RECEIPT_SUFFIX
from tests.kernel_kit import check_invariants

ENDS_S: Final = 5
LEFT_OVER: Final = ("*.new", "*.part", "restoring-*", "*-journal", "blobs/staging/*")


async def check_log(folder: Path, aggregates: Sequence[Aggregate[Any, Any, Any]]) -> list[Event]:
    """Check I1, I3 and I9 of a state directory that nobody has open, as far as they need no witness; return the log."""
    database = await Database.open(folder / DATABASE_NAME)
    try:
        proof = await prove(database, folder)
        assert proof.sound, proof.findings
        by_kind = with_own(aggregates)
        replayed = await replay_check(database, by_kind)
        assert replayed.equal, encode(replayed.difference).decode()
    finally:
        await database.close()
    kernel = await Kernel.open(folder, aggregates, SystemClock())
    try:
        events = await check_invariants(kernel)
    finally:
        await kernel.database.close()
    assert proof.position == len(events)
    check_attempts(events)
    return events


def check_fold_in_other_processes(folder: Path) -> None:
    """I3: what was published by one process is what the reducers come to in others, whose sets have other orders."""
    for seed in ("1", "2"):
        replayed = subprocess.run(
            [sys.executable, "-m", "engine.maintenance", "--state-dir", str(folder), "replay"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def check_acknowledged(events: Sequence[Event], acknowledged: Mapping[str, int]) -> None:
    """I1: each stream of `acknowledged` was begun once, at the position that was told (0: it was there already)."""
    begun = Tally(event.stream for event in events if event.version == 1)
    for stream, position in acknowledged.items():
        assert begun[stream] == 1, f"{stream} was acknowledged and is not there exactly once"
        if position:
            assert events[position - 1].stream == stream, f"{stream} is not where it was said to be"
            assert events[position - 1].version == 1


def check_attempts(events: Iterable[Event]) -> None:
    """I4, from the log alone: every outcome follows an attempt, and after `unknown` only a person has it tried again."""
    last: dict[str, str] = {}
    for event in events:
        if not event.stream.startswith(f"{commands.KIND}/"):
            continue
        before = last.get(event.stream)
        if event.type in ("command.completed", "command.failed", "command.gave_up", "command.lost"):
            assert before == "command.attempted", f"{event.stream}: {event.type} without an attempt"
        if event.type == "command.attempted":
            assert before not in ("command.lost", "command.completed", "command.gave_up"), event.stream
        last[event.stream] = event.type


def check_sink(events: Iterable[Event], calls: Iterable[tuple[str, str, int]], once: str) -> None:
    """I4, with the outside as witness: calls are (command's name, key, attempt); those named `once` are not repeated."""
    recorded = {
        (event.stream.partition("/")[2], decode(bytes(event.data), commands.Attempted).attempt)
        for event in events
        if event.type == "command.attempted"
    }
    seen = [(key, attempt) for _, key, attempt in calls]
    assert set(seen) <= recorded, "the outside was touched by an attempt that is not on record"
    assert len(seen) == len(set(seen)), "one attempt, one call"
    repeated = Tally(key for name, key, _ in calls if name == once)
    assert set(repeated.values()) <= {1}, "what must not be repeated was"


def check_told(
    told: Iterable[tuple[int, str, int]], history: Iterable[tuple[int, str, int]], prefix: str, after: int
) -> None:
    """I5: what a reader was told from `after` on, as (position, key, rev), is that slice of the history, once, in order."""
    whole = [one for one in history if one[0] > after and covers(prefix, one[1])]
    heard = list(told)
    assert heard == whole[: len(heard)], "a reader was told something else than the history"
    assert len(heard) == len(whole), "a reader was not told everything"


def check_files(folder: Path) -> None:
    """I7: no temporary file is left beside the log, and every blob is what its name says."""
    left = [path for pattern in LEFT_OVER for path in folder.glob(pattern)]
    assert not left, f"left over: {left}"
    for blob in (folder / "blobs").glob("[0-9a-f][0-9a-f]/*"):
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name, f"{blob} is half written"


def check_delivery(film: Path) -> None:
    """I7, I8: a film that was delivered was approved, and lies beside a receipt that speaks of it, and of nothing half written."""
    receipt = msgspec.json.decode(film.with_name(film.name + RECEIPT_SUFFIX).read_bytes(), type=Receipt)
    assert hashlib.sha256(film.read_bytes()).hexdigest() == receipt.output.sha256
    assert receipt.approvals, "delivered without anybody's leave"
    assert {one["state"] for one in receipt.approvals} <= {"granted", "spent"}
    assert not list(film.parent.glob(".*.part")), "half a delivery is left"


def check_no_child(parent: int) -> None:
    """I7: no worker process of a daemon that is dead goes on."""
    named = f'"parent":{parent},'.encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            process = os.pidfd_open(int(entry.name))
        except ProcessLookupError:
            continue
        try:
            line = (entry / "cmdline").read_bytes()
            if b"engine.media.child" in line and named in line:
                assert select.select([process], [], [], ENDS_S)[0], f"{os.fsdecode(line)} goes on"
        except (FileNotFoundError, ProcessLookupError):
            continue
        finally:
            os.close(process)
