"""Killed at every named place of the kernel, it comes up again, keeps what it promised, and a repeat comes to one event."""

import asyncio
import shutil
import signal
import sqlite3
from collections import Counter as Tally
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from engine.kernel import backups, migrations, transfer
from engine.kernel.clock import SystemClock
from engine.kernel.database import Database
from engine.kernel.errors import Unavailable
from engine.kernel.failpoints import known
from engine.kernel.kernel import DATABASE_NAME, Kernel
from engine.kernel.log import Event
from tests.fault import invariants, life
from tests.fault.births import born
from tests.fault.life import BACKUP, SINK
from tests.kernel_kit import ADA, COUNTER, Add, running

REQUESTS: Final = 4
BACKED_UP: Final = 2  # so many of them are in the backup
# Between the old log and the one restored there is nothing to start from, and a start says so.
REFUSED: Final = ("backups.moved_aside", "backups.renamed")
ROUNDS: Final = [1, pytest.param(25, marks=pytest.mark.deep)]


@dataclass(frozen=True)
class Place:
    """Where to die: the `nth` time at a failpoint, in `program` (`live` unless another is named).

    `first` is a failpoint at which the start before that has died.
    """

    nth: int = 1
    program: str = "live"
    first: str = ""


# Those come by often strike in the thick of it.
# The second call of a life is that of the command that must not be repeated.
PLACES: Final[dict[str, Place]] = {
    "anchor.before_write": Place(2),
    "anchor.new_synced": Place(2),
    "anchor.renamed": Place(2),
    "anchor.written": Place(2),
    "blobs.in_place": Place(2),
    "blobs.renamed": Place(2),
    "blobs.staged": Place(2),
    "blobs.synced": Place(2),
    "database.before_checkpoint": Place(),
    "database.before_commit": Place(4),
    "database.begun": Place(4),
    "database.checkpointed": Place(),
    "database.closed": Place(),
    "database.committed": Place(4),
    "database.migrated": Place(),
    "database.opened": Place(),
    "dispatch.answered": Place(5),
    "dispatch.bookkeeping_written": Place(2),
    "dispatch.changes_written": Place(5),
    "dispatch.claimed": Place(3),
    "dispatch.durable": Place(5),
    "dispatch.ending": Place(),
    "dispatch.events_written": Place(5),
    "dispatch.kept": Place(5),
    "dispatch.queued": Place(5),
    "dispatch.taken": Place(5),
    "dispatch.told": Place(5),
    "dispatch.worked_out": Place(5),
    "expiry.deleted": Place(),
    "expiry.found": Place(),
    "kernel.anchor_checked": Place(),
    "kernel.committer_ended": Place(),
    "kernel.committing": Place(),
    "kernel.effects_ended": Place(),
    "kernel.running": Place(),
    "migrations.backed_up": Place(program="migrate"),
    "migrations.before_backup": Place(program="migrate"),
    "migrations.before_step_commit": Place(program="migrate"),
    "migrations.step_done": Place(program="migrate"),
    "outbox.attempted": Place(3),
    "outbox.before_attempt": Place(3),
    "outbox.before_lost": Place(first="outbox.called:2"),
    "outbox.called": Place(2),
    "outbox.lost": Place(first="outbox.called:2"),
    "outbox.recorded": Place(3),
    "outbox.taken_over": Place(),
    "reactions.answered": Place(),
    "reactions.before": Place(2),
    "reactions.done": Place(2),
    "backups.copied": Place(),
    "transfer.import_committed": Place(program="import"),
    "transfer.import_read": Place(program="import"),
    "transfer.imported": Place(program="import"),
    "backups.fetched": Place(program="restore"),
    "backups.moved_aside": Place(program="restore"),
    "backups.proved": Place(program="restore"),
    "backups.renamed": Place(program="restore"),
    "backups.restored": Place(program="restore"),
}


@dataclass
class Story:
    """What happens to one state directory; `acknowledged` is where the writer says that each stream began."""

    folder: Path
    given: Path
    acknowledged: dict[str, int]
    requests: int = 0

    def lives(self, program: str, failpoint: str = "") -> int:
        """Run a program until it ends or dies; return its code."""
        work: dict[str, tuple[Callable[..., None], *tuple[Any, ...]]] = {
            "restore": (life.restore, str(self.folder), str(self.given / BACKUP)),
            "import": (life.take_in, str(self.folder), str(self.given / "lines")),
        }
        run, *with_ = work.get(program, (life.live, str(self.folder), self.requests, REQUESTS))
        with born(run, *with_, failpoint=failpoint) as child:
            code = child.end()
        for line in child.lines:
            number, position = map(int, line.split())
            stream = f"counter/{number}"
            if position:
                assert not self.acknowledged.get(stream), "acknowledged as new, twice"
            self.acknowledged[stream] = self.acknowledged.get(stream) or position
        return code

    def repeat(self, place: Place) -> None:
        """Do again what was interrupted, to its end."""
        if place.program in ("restore", "import"):
            assert self.lives(place.program) == 0
        if place.program == "restore":
            self.requests = BACKED_UP
        if place.program == "import":
            self.requests = REQUESTS
        assert self.lives("live") == 0
        self.requests += REQUESTS

    async def check(self, folder: Path) -> list[Event]:
        """Check what holds even before anybody has put anything right."""
        events = await invariants.check_log(folder, [COUNTER])
        invariants.check_acknowledged(events, self.acknowledged)
        invariants.check_sink(events, _calls(folder), "Whisper")
        return events

    async def check_end(self) -> None:
        """Check what holds when everything was repeated and done."""
        events = await self.check(self.folder)
        invariants.check_files(self.folder)
        for number in range(self.requests):
            own = [event for event in events if event.stream == f"counter/{number}"]
            assert [bytes(event.data).rpartition(b":")[2] for event in own] == [b"1}", b"5}", b"7}"]
        echoes = [event for event in events if event.stream == "counter/echo"]
        assert len(echoes) == self.requests, "each is echoed once"
        ends = Tally(event.type for event in events if event.type in ("command.completed", "command.lost"))
        assert ends.total() == 2 * self.requests, "each command has come to one end"
        faded = [
            event
            for event in events
            if b"team/fading" in bytes(event.data) and b"deleted" in bytes(event.data)
        ]
        assert sum(bytes(event.data).count(b'"deleted":true') for event in faded) == self.requests


def _calls(folder: Path) -> list[tuple[str, str, int]]:
    sink = folder / SINK
    lines = [line.split() for line in sink.read_text().splitlines()] if sink.exists() else []
    return [(name, key, int(attempt)) for name, key, attempt in lines]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that was ended in peace, the same as lines, a backup of it, and one of the oldest schema."""
    folder = tmp_path_factory.mktemp("given")
    asyncio.run(_make(folder))
    return folder


async def _make(folder: Path) -> None:
    await life.some_log(folder / "log", 0, BACKED_UP)
    opened = await Database.open(folder / "log" / DATABASE_NAME)
    try:
        await backups.back_up(opened, folder / BACKUP)
    finally:
        await opened.close()
    await life.some_log(folder / "log", BACKED_UP, REQUESTS - BACKED_UP)
    opened = await Database.open(folder / "log" / DATABASE_NAME)
    try:
        (folder / "lines").write_bytes(b"".join([lines async for lines in transfer.export(opened)]))
    finally:
        await opened.close()
    (folder / "plain").mkdir()
    async with running(folder / "plain") as kernel:
        for number in range(REQUESTS):
            await kernel.dispatch.propose(f"counter/old{number}", Add(by=(1, 1)), ADA)
    _make_old(folder / "plain" / DATABASE_NAME, folder / "old")


def _make_old(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(target, isolation_level=None)) as old:
        for statement in migrations.STEPS[0].split(";"):
            old.execute(statement)
        old.execute("PRAGMA user_version=1")
        old.execute("ATTACH ? AS source", (str(source),))
        for table in ("events", "resources", "resource_history"):
            columns = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info({table})"))
            old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM source.{table}")


def _begin(place: Place, given: Path, folder: Path) -> Story:
    story = Story(folder, given, {})
    if place.program == "migrate":
        folder.mkdir()
        shutil.copyfile(given / "old", folder / DATABASE_NAME)
    elif place.program == "import":
        folder.mkdir()
    else:
        shutil.copytree(given / "log", folder)
        story.requests = REQUESTS
    if place.program == "restore":
        (folder / SINK).unlink()  # what it was told, a log that goes back knows nothing of
    return story


def test_every_place_of_the_kernel_has_its_scenario() -> None:
    own = (
        "anchor",
        "backups",
        "blobs",
        "database",
        "dispatch",
        "expiry",
        "kernel",
        "migrations",
        "outbox",
        "reactions",
        "transfer",
    )
    assert set(PLACES) == {name for name in known() if name.partition(".")[0] in own}


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("name", sorted(PLACES))
async def test_killed_there_it_keeps_its_promises_and_a_repeat_comes_to_one_event(
    name: str, rounds: int, given: Path, tmp_path: Path
) -> None:
    place = PLACES[name]
    for round_ in range(rounds):
        folder = tmp_path / str(round_)
        story = await asyncio.to_thread(_killed, name, place, place.nth + round_, given, folder)
        if story is None:  # not come by so often
            assert round_, f"{name} was not come by {place.nth} times"
            shutil.rmtree(folder)
            story = await asyncio.to_thread(_killed, name, place, place.nth, given, folder)
            assert story is not None
        await _look(story, refused=name in REFUSED)
        await asyncio.to_thread(story.repeat, place)
        await story.check_end()
        shutil.rmtree(folder)


def _killed(name: str, place: Place, nth: int, given: Path, folder: Path) -> Story | None:
    """A story up to its death; None: it ended in peace."""
    story = _begin(place, given, folder)
    if place.first:
        assert story.lives("live", place.first) == -signal.SIGKILL
    code = story.lives(place.program, f"{name}:{nth}")
    assert code in (0, -signal.SIGKILL), f"it ended with {code}"
    return story if code else None


async def _look(story: Story, *, refused: bool) -> None:
    """Look at what the death left, as the next start would find it, without touching it."""
    image = story.folder.with_name("image")
    shutil.copytree(story.folder, image)
    if refused:
        with pytest.raises(Unavailable, match="restore BACKUP"):
            await Kernel.open(image, [COUNTER], SystemClock())
    else:
        await story.check(image)
    shutil.rmtree(image)
