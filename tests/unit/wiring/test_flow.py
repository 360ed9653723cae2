"""What missions hear of runs."""

import msgspec

from engine.kernel.log import Event
from engine.missions import types as missions
from engine.runs import types as runs
from engine.wiring import flow

RECORDED = Event(
    position=9,
    partition="local/dev",
    stream="run/r1",
    version=3,
    type="run.finished",
    at_ms=1,
    actor="engine:outbox",
    correlation_id="",
    causation_id="",
    data=msgspec.Raw(b"{}"),
)


def test_a_mission_hears_how_its_run_has_ended() -> None:
    event = runs.Finished(
        mission_id="m1",
        work_item_id="cut",
        status="succeeded",
        author="engine",
        artifact_refs=("artifact/p",),
    )
    (asked,) = flow.on_finished(event, RECORDED)
    assert asked.stream == "mission/m1"
    assert isinstance(asked.proposal, missions.FinishRun)
    assert (asked.proposal.run_id, asked.proposal.refs) == ("r1", ("artifact/p",))


def test_a_mission_is_not_told_again_what_a_reporter_has_told_it() -> None:
    event = runs.Finished(
        mission_id="m1", work_item_id="cut", status="succeeded", author="ada", reported=True
    )
    assert flow.on_finished(event, RECORDED) == ()
