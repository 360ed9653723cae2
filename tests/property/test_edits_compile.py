"""Whatever edits come to can be rendered: it compiles, frame for frame as long as the timeline says."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Timeline
from engine.editing.timeline import duration
from tests.property.edits import RATE, timelines
from tests.property.test_edits import Bench, edited
from tests.unit.rendering.material import a_plan, an_asset, an_index

INDEX = an_index(2000, rate=RATE)
ASSETS = tuple(replace(an_asset(name, index=INDEX), asset_id=f"f0{name}") for name in ("0", "1"))


@given(timelines(), st.data())
@settings(max_examples=40)
def test_what_is_accepted_compiles(timeline: Timeline, data: st.DataObject) -> None:
    bench = Bench(timeline)
    for _ in range(3):
        edited(data, bench)
    lasts = duration(bench.timeline)
    if lasts:
        plan = a_plan(bench.timeline, *ASSETS, index=INDEX)
        assert plan.frames == lasts * RATE
        assert a_plan(bench.timeline, *ASSETS, index=INDEX) == plan
