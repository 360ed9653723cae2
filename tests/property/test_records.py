"""Whatever clients write in whatever order, the store is what a dictionary would be, now and at every position before.

Time passes only when it is told to; what has expired by then is gone, at one position.
"""

import asyncio
import contextlib
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.resources import Operation, PatchOperation
from engine.kernel.dispatch import Accepted
from engine.kernel.errors import Conflict, Invalid, NotFound, Rejected, StudioError
from engine.kernel.kernel import Kernel
from engine.kernel.records import Expiry, JsonPatch, Write
from tests.kernel_kit import ADA as WRITER
from tests.kernel_kit import Add, FakeClock, check_invariants, running, write

KEYS = ("project/a", "project/a/b", "project/a-b", "project/ab", "team/a")
PREFIXES = ("", "project", "project/a", "project/a/", "team", "nowhere")

names = st.sampled_from(["x", "y"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2)
)
objects = st.dictionaries(names, values, max_size=2)
# What is insisted on, weighted so that most writes are accepted: anything, the rev there is, absence, another rev.
expectations = st.sampled_from(["any", "any", "any", "right", "right", "absent", "wrong"])
kinds = st.sampled_from(["put", "put", "put", "lasting", "patch", "json_patch", "delete", "check"])
asks = st.tuples(kinds, st.sampled_from(KEYS), values, objects, expectations)
TTL_MS = 50
transactions = st.one_of(st.lists(asks, min_size=1, max_size=1), st.lists(asks, min_size=2, max_size=4))
Ask = tuple[Any, str, Any, Any, str]

ABSENT: Any = object()


class Model:
    """A dictionary that remembers: for every key its writes as (position, rev, value or ABSENT)."""

    def __init__(self) -> None:
        self.head = 0
        self.writes: dict[str, list[tuple[int, int, Any]]] = defaultdict(list)
        self.expires: dict[str, int] = {}

    def at(self, key: str, position: int) -> tuple[int, Any]:
        """Rev and value as of `position`."""
        found = [(rev, value) for where, rev, value in self.writes[key] if where <= position]
        return found[-1] if found else (0, ABSENT)

    def elapse(self, at_ms: int) -> None:
        """Let go of what expires until then."""
        gone = [key for key, due in self.expires.items() if due <= at_ms]
        if gone:
            self.head += 1
        for key in gone:
            del self.expires[key]
            self.writes[key].append((self.head, self.at(key, self.head)[0] + 1, ABSENT))

    def transact(self, asked: list[Write], at_ms: int) -> StudioError | dict[str, int]:
        """Carry out all or nothing; return what refuses, or the revs after it."""
        now, expires = {key: self.at(key, self.head) for key in KEYS}, dict(self.expires)
        written: set[str] = set()
        for one in asked:
            assert not isinstance(one, Expiry)
            rev, value = now[one.key]
            seen = 0 if value is ABSENT else rev
            if one.if_match_rev not in (None, seen):
                assert one.if_match_rev is not None
                return Conflict(
                    "", expected=one.if_match_rev, actual=seen, code="revision_conflict", key=one.key
                )
            if one.op in ("patch", "json_patch", "delete") and value is ABSENT:
                return NotFound("", key=one.key)
            if one.op == "check" and one.if_match_rev is None:
                return Invalid("", field="if_match_rev")
            if isinstance(one, JsonPatch) and not isinstance(value, dict):
                return Rejected("path_not_found", "", operation=0, path="/x")
            if one.op in ("put", "delete"):
                expires.pop(one.key, None)
            if isinstance(one, Operation) and one.ttl_ms is not None:
                expires[one.key] = at_ms + one.ttl_ms
            if one.op != "check":
                written.add(one.key)
                now[one.key] = (rev + 1, _result(one, value))
        self.expires = expires
        if written:
            self.head += 1
        for key in written:
            self.writes[key].append((self.head, *now[key]))
        return {one.key: now[one.key][0] for one in asked}


def _result(operation: Operation | JsonPatch, value: Any) -> Any:
    if operation.op == "delete":
        return ABSENT
    if operation.op == "json_patch":
        return {**value, "x": operation.operations[0].value}
    return operation.value if operation.op == "put" else _merged(value, operation.value)


def _merged(target: Any, patch: Any) -> Any:
    """RFC 7396, 2, in its own order of steps."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    gone = {name for name, value in patch.items() if value is None}
    merged.update({name: _merged(merged.get(name), patch[name]) for name in patch.keys() - gone})
    return {name: value for name, value in merged.items() if name not in gone}


async def _answer(kernel: Kernel, asked: list[Write]) -> Accepted | StudioError:
    try:
        return await write(kernel, *asked)
    except StudioError as refusal:
        return refusal


class Store(RuleBasedStateMachine):
    """The real store beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.open = contextlib.AsyncExitStack()

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    @initialize()
    def start(self) -> None:
        self.kernel = self.run(
            self.open.enter_async_context(running(Path(self.folder.name), clock=self.clock))
        )

    def teardown(self) -> None:
        self.run(check_invariants(self.kernel))
        self.run(self.open.aclose())
        self.runner.close()
        self.folder.cleanup()

    @rule(several=st.lists(transactions, min_size=1, max_size=4))
    def transact(self, several: list[list[Ask]]) -> None:
        for one in several:
            self._transact([self._operation(*ask) for ask in one])

    def _operation(self, kind: Any, key: str, value: Any, patch: Any, expectation: str) -> Write:
        rev, held = self.model.at(key, self.model.head)
        expected = {"any": None, "absent": 0, "right": 0 if held is ABSENT else rev, "wrong": rev + 1}
        if kind == "json_patch":
            add = PatchOperation(op="add", path="/x", value=value)
            return JsonPatch(key=key, operations=(add,), if_match_rev=expected[expectation])
        given, ttl_ms = {"put": value, "lasting": value, "patch": patch}, None
        if kind == "lasting":
            kind, ttl_ms = "put", TTL_MS
        return Operation(
            op=kind, key=key, value=given.get(kind), if_match_rev=expected[expectation], ttl_ms=ttl_ms
        )

    def _transact(self, asked: list[Write]) -> None:
        wanted = self.model.transact(asked, self.clock.now_ms())
        found = self.run(_answer(self.kernel, asked))
        if isinstance(wanted, StudioError):
            assert (found.code, found.extra) == (wanted.code, wanted.extra)
        else:
            assert (found.revs, found.position) == (wanted, self.model.head)

    @rule()
    def something_else_happens(self) -> None:
        self.run(self.kernel.dispatch.propose("counter/c", Add(by=(0,)), WRITER))
        self.model.head += 1

    @rule(by_ms=st.sampled_from([1, TTL_MS - 1, TTL_MS]))
    def time_passes(self, by_ms: int) -> None:
        self.clock.at_ms += by_ms
        self.run(self.kernel.expiry.sweep())
        self.model.elapse(self.clock.now_ms())

    @rule(away_ms=st.sampled_from([0, TTL_MS]))
    def restart(self, away_ms: int) -> None:
        self.run(self.open.aclose())
        self.clock.at_ms += away_ms
        self.start()
        self.model.elapse(self.clock.now_ms())

    @rule(prefix=st.sampled_from(PREFIXES), limit=st.integers(1, 4))
    def list_all(self, prefix: str, limit: int) -> None:
        found, cursor = [], ""
        while True:
            page = self.run(self.kernel.resources.page(prefix, limit=limit, cursor=cursor))
            assert page.position == self.model.head
            assert len(page.items) <= limit
            found += [(record.key, record.rev, decode(record.value, Any)) for record in page.items]
            if page.next is None:
                break
            cursor = page.next
        whole = prefix.rstrip("/").split("/") if prefix else []
        wanted = [
            (key, *self.model.at(key, self.model.head))
            for key in sorted(KEYS)
            if key.split("/")[: len(whole)] == whole
        ]
        assert [one for one in found if not one[0].startswith("counter")] == [
            one for one in wanted if one[2] is not ABSENT
        ]

    @rule(key=st.sampled_from(KEYS), back=st.integers(0, 30))
    def read_as_of(self, key: str, back: int) -> None:
        position = max(self.model.head - back, 0)
        now, _ = self.run(self.kernel.resources.as_of(key, position))
        rev, value = self.model.at(key, position)
        if value is ABSENT:
            assert now is None
        else:
            assert (now.rev, decode(now.value, Any)) == (rev, value)

    @invariant()
    def every_record_reads_as_it_is(self) -> None:
        if not hasattr(self, "kernel"):
            return
        for key in KEYS:
            record = self.run(self.kernel.resources.record(key))
            rev, value = self.model.at(key, self.model.head)
            assert (record is None) == (value is ABSENT)
            if record is not None:
                assert (record.rev, decode(record.value, Any)) == (rev, value)
                assert record.expires_at_ms == self.model.expires.get(key)


TestStore = Store.TestCase
# Every example opens a database and syncs every write: half of the profile's examples.
TestStore.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=25)
