"""Whatever is asked at the same time, the log folded from its first event is the live state, and nothing acknowledged is lost."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.resources import Operation
from engine.kernel import records
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.records import WriteRecords
from tests.kernel_kit import ADA, COUNTER, ELSEWHERE, Add, Break, check_invariants, running

numbers = st.lists(st.sampled_from([-1, 0, 1, 5, 9]), min_size=0, max_size=3).map(tuple)
counters = st.builds(
    Asked,
    stream=st.sampled_from(["counter/a", "counter/b"]),
    proposal=st.one_of(st.builds(Add, by=numbers), st.builds(Add, by=numbers), st.builds(Break)),
    expected_version=st.one_of(st.none(), st.none(), st.integers(0, 3)),
)
writes = st.builds(
    WriteRecords,
    operations=st.lists(
        st.builds(
            Operation,
            op=st.sampled_from(["put", "delete"]),
            key=st.sampled_from(["project/a", "project/b"]),
            value=st.integers(0, 3),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
)
asked = st.one_of(counters, writes.map(lambda proposal: Asked(records.STREAM, proposal)))
requests = st.tuples(st.lists(asked, min_size=1, max_size=3), st.sampled_from([ADA, ADA, ELSEWHERE]))
batches = st.lists(st.lists(requests, min_size=1, max_size=6), min_size=1, max_size=5)


async def _live_through(folder: Path, given_: list[list[tuple[list[Asked], Any]]]) -> None:
    acknowledged: list[Accepted] = []
    async with running(folder) as kernel:
        for batch in given_:
            together = [kernel.dispatch.propose_many(one, context) for one, context in batch]
            for answer in await asyncio.gather(*together, return_exceptions=True):
                if not isinstance(answer, BaseException):
                    acknowledged.extend(answer)
        before = await check_invariants(kernel)
    async with running(folder) as kernel:
        events = await check_invariants(kernel)
        assert events == before
        known = [event for accepted in acknowledged for event in accepted.events]
        assert len({event.position for event in known}) == len(known)
        for event in known:
            assert events[event.position - 1] == event
        own = [event for event in events if not event.stream.startswith("outbox/")]
        assert len(own) == len(known)
        for partition in (ADA.partition, ELSEWHERE.partition):
            for stream in ("counter/a", "counter/b"):
                counted = [event for event in own if (event.partition, event.stream) == (partition, stream)]
                state, version = await kernel.dispatch.state(stream, partition)
                assert version == len(counted)
                assert state.total == sum(_number(bytes(event.data)) for event in counted)


def _number(data: bytes) -> int:
    return int(decode(data, COUNTER.event).by)


@settings(max_examples=settings().max_examples // 2)
@given(batches)
def test_the_log_is_the_state_and_the_whole_state(given_: list[list[tuple[list[Asked], Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_live_through(Path(folder), given_))
