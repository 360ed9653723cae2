"""Whatever is done to the log and the store in whatever order, a model of a few lines says what comes of it."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cutroom_sdk.wire.resources import Operation
from engine.kernel import records
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Conflict, Invalid, NotFound, StudioError
from engine.kernel.kernel import Kernel
from engine.kernel.records import WriteRecords
from engine.kernel.reducer import Rejected
from tests.fault import invariants
from tests.kernel_kit import ADA, BOB, COUNTER, ELSEWHERE, Add, FakeClock, running

T = TypeVar("T")
DEEP: Final = settings().max_examples >= 1_000
EXAMPLES, STEPS = (5_000, 100) if DEEP else (200, 50)
SHM: Final = Path("/dev/shm")  # where a sync costs nothing; what a sync is worth, others try
CALLERS: Final = (ADA, BOB, ELSEWHERE)
KEYS: Final = ("project/a", "project/a/b", "team/a")
NAMES: Final = ("a", "b")
FULL: Final = 10

operations = st.builds(
    Operation,
    op=st.sampled_from(["put", "put", "put", "delete", "check"]),
    key=st.sampled_from(KEYS),
    value=st.integers(0, 3),
    if_match_rev=st.one_of(st.none(), st.none(), st.integers(0, 4)),
)
transactions = st.lists(operations, min_size=1, max_size=3)
numbers = st.lists(st.sampled_from([0, 1, 2, 3, -1]), min_size=1, max_size=3).map(tuple)
versions = st.one_of(st.none(), st.none(), st.integers(0, 5))
callers = st.sampled_from(CALLERS)


@dataclass
class Model:
    """What there is: records and published parts by (partition, key) as (rev, value), counters as (total, by, version)."""

    shown: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    counters: dict[tuple[str, str], tuple[int, str, int]] = field(default_factory=dict)
    expires: dict[tuple[str, str], int] = field(default_factory=dict)

    def write(self, partition: str, asked: list[Operation], now_ms: int) -> None:
        """Do what a transaction does, or raise what it is refused with."""
        for one in asked:
            at = (partition, one.key)
            rev, value = self.shown.get(at, (0, None))
            if one.if_match_rev is not None and one.if_match_rev != (0 if value is None else rev):
                raise Conflict("", expected=0, actual=0)
            if one.op == "delete" and value is None:
                raise NotFound("")
            if one.op == "check" and one.if_match_rev is None:
                raise Invalid("")
            if one.op != "check":
                self.shown[at] = (rev + 1, one.value if one.op == "put" else None)
                self.expires.pop(at, None)
                if one.op == "put" and one.ttl_ms is not None:
                    self.expires[at] = now_ms + one.ttl_ms

    def add(self, context: Context, name: str, by: tuple[int, ...], expected: int | None) -> None:
        """Do what an addition does, or raise what it is refused with."""
        at = (context.partition, name)
        total, _, version = self.counters.get(at, (0, "", 0))
        if expected is not None and expected != version:
            raise Conflict("", expected=0, actual=0)
        if min(by) < 0:
            raise Rejected("", "")
        self.counters[at] = (total + sum(by), context.actor, version + len(by))

    def publish(self) -> None:
        """Show what the counters have come to; what is as it was keeps its rev."""
        for (partition, name), (total, by, _) in self.counters.items():
            parts = {f"counter/{name}": True, f"counter/{name}/full": total >= FULL}
            for key, is_shown in parts.items():
                rev, value = self.shown.get((partition, key), (0, None))
                now = {"total": total, "by": by}
                if is_shown and now != value:
                    self.shown[partition, key] = (rev + 1, now)

    def expire(self, now_ms: int) -> None:
        """Do what the sweeper does."""
        for at in [at for at, due_ms in self.expires.items() if due_ms <= now_ms]:
            rev, _ = self.shown[at]
            self.shown[at] = (rev + 1, None)
            del self.expires[at]


class Machine(RuleBasedStateMachine):
    """One log, and what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=SHM if SHM.is_dir() else None))
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.model = Model()
        self.stack = AsyncExitStack()
        self.kernel: Kernel
        self.read_to = 0
        self.told: list[tuple[int, str, str, int]] = []
        self.kept: list[tuple[int, dict[tuple[str, str], tuple[int, Any]]]] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def start(self) -> None:
        self.kernel = self.do(self.stack.enter_async_context(running(self.folder, clock=self.clock)))

    @rule(context=callers, asked=transactions)
    def write(self, context: Context, asked: list[Operation]) -> None:
        self._propose(context, asked, None)

    @rule(context=callers, key=st.sampled_from(KEYS), ttl_ms=st.integers(100_000, 300_000))
    def write_for_a_while(self, context: Context, key: str, ttl_ms: int) -> None:
        self._propose(context, [Operation(op="put", key=key, value=0, ttl_ms=ttl_ms)], None)

    @rule(context=callers, name=st.sampled_from(NAMES), by=numbers, expected=versions)
    def add(self, context: Context, name: str, by: tuple[int, ...], expected: int | None) -> None:
        self._propose(context, [], (name, by, expected))

    @rule(context=callers, asked=transactions, name=st.sampled_from(NAMES), by=numbers, expected=versions)
    def both(
        self, context: Context, asked: list[Operation], name: str, by: tuple[int, ...], expected: int | None
    ) -> None:
        self._propose(context, asked, (name, by, expected))

    @rule(ms=st.integers(50_000, 200_000))
    def wait(self, ms: int) -> None:
        self.clock.at_ms += ms
        self.do(self.kernel.expiry.sweep())
        self.model.expire(self.clock.at_ms)

    @rule(back_ms=st.integers(1, 20_000))
    def set_the_clock_back(self, back_ms: int) -> None:
        self.clock.at_ms -= back_ms

    @rule()
    def restart(self) -> None:
        self.do(self._end())
        self.start()
        self.model.expire(self.clock.at_ms)
        self._compare()

    @rule()
    def read_on(self) -> None:
        while True:
            found, self.read_to = self.do(self.kernel.subscriptions.changes_after(self.read_to))
            self.told += [(one.position, one.partition, one.key, one.rev) for one in found]
            if not found:
                break

    @rule()
    def remember(self) -> None:
        self.kept.append((self.kernel.dispatch.head, deepcopy(self.model.shown)))

    @precondition(lambda self: self.kept)
    @rule()
    def look_back(self) -> None:
        position, shown = self.kept.pop()
        for (partition, key), (rev, value) in shown.items():
            then, _ = self.do(self.kernel.resources.as_of(key, position, partition))
            assert (then and (then.rev, json.loads(then.value))) == (None if value is None else (rev, value))

    def _propose(
        self, context: Context, asked: list[Operation], added: tuple[str, tuple[int, ...], int | None] | None
    ) -> None:
        proposals = [Asked(records.STREAM, WriteRecords(operations=tuple(asked)))] if asked else []
        if added is not None:
            proposals.append(Asked(f"counter/{added[0]}", Add(by=added[1]), added[2]))
        answer = self.do(_answered(self.kernel, proposals, context))
        events = () if isinstance(answer, StudioError) else answer[0].events
        before, expected = deepcopy(self.model), None
        try:
            if asked:
                self.model.write(context.partition, asked, events[0].at_ms if events else 0)
            if added is not None:
                self.model.add(context, *added)
            self.model.publish()
        except StudioError as refusal:
            self.model, expected = before, type(refusal)
        assert (type(answer) if isinstance(answer, StudioError) else None) == expected, answer

    def _compare(self) -> None:
        for partition in {context.partition for context in CALLERS}:
            page = self.do(self.kernel.resources.page("", partition))
            there = {one.key: (one.rev, json.loads(one.value)) for one in page.items}
            mine = {
                key: shown
                for (where, key), shown in self.model.shown.items()
                if where == partition and shown[1] is not None
            }
            assert there == mine
        for (partition, name), (total, by, version) in self.model.counters.items():
            state, found = self.do(self.kernel.dispatch.state(f"counter/{name}", partition))
            assert (state.total, state.by, found) == (total, by, version)

    async def _end(self) -> None:
        await self.stack.aclose()

    def teardown(self) -> None:
        try:
            if hasattr(self, "kernel"):
                self._compare()
                self.read_on()
                self.do(self._end())
                self.do(invariants.check_log(self.folder, [COUNTER]))
                assert self.told == self.do(_history(self.folder))
        finally:
            self.do(self._end())
            self.runner.close()
            shutil.rmtree(self.folder)


async def _answered(
    kernel: Kernel, proposals: list[Asked], context: Context
) -> tuple[Accepted, ...] | StudioError:
    try:
        return await kernel.dispatch.propose_many(proposals, context)
    except StudioError as refusal:
        return refusal


async def _history(folder: Path) -> list[tuple[int, str, str, int]]:
    query = "SELECT position, partition, key, rev FROM resource_history ORDER BY position, ordinal"
    async with running(folder, clock=FakeClock()) as kernel:
        return await kernel.database.read(lambda held: held.execute(query).fetchall())


def test_the_log_and_the_store_do_what_the_model_does() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
