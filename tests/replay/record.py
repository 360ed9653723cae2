"""Records the histories of whole missions, made by today's rules in memory, with a clock that is set.

`python -m tests.replay.record` rewrites the files under `snapshots/histories/`. `footage_edit` is the default flow: the plan
is denied once and changed by its reviewer, the first render fails its test, the second passes, the file is delivered. The
others are short (`tests.replay.stories`). `timeline` is that of a timeline which two people edit (`tests.replay.timelines`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from cutroom_sdk.wire.codec import Wire
from cutroom_sdk.wire.missions import MissionRequest
from cutroom_sdk.wire.renders import Check
from engine.approvals import reducer as approvals
from engine.kernel.dispatch import Asked
from engine.kernel.log import Event
from engine.kernel.tools import ToolContext, ToolResult, Tools
from engine.missions import specs
from engine.runs import types as runs
from tests.missions_kit import FakeTool
from tests.replay import stories
from tests.replay.story import ADA, CHECKS, Story, as_lines, from_lines, replay
from tests.replay.timelines import timeline

FOLDER: Final = Path(__file__).parents[2] / "snapshots" / "histories"
FILE: Final = {"path": "/out/highlight.mp4", "sha256": "5f" * 32, "bytes": 4_200_000}
RESULTS: Final = {
    "ingest": runs.Finish(made=("asset/a1",), output={"assets": 1}),
    "analyse": runs.Finish(made=("asset/a1", "artifact/shots"), reused=True, notices=("taken from before",)),
    "plan_cut": runs.Finish(made=("artifact/plan", "asset/a1"), output={"cuts": 3, "duration": "20"}),
    "render": runs.Finish(made=("render/r1", "artifact/plan"), output={"frames": 600}),
    "deliver_folder": runs.Finish(made=("render/r1",), output={"files": [FILE]}),
}


class _Anything(Wire, frozen=True, kw_only=True):
    """Takes whatever the template gives."""


class Footage(Story):
    """The default flow."""

    def __init__(self) -> None:
        super().__init__()
        self._renders = 0

    def called(self, work: runs.Work) -> runs.Proposal:
        """Every tool does what it is for."""
        return RESULTS[work.tool]

    def review(self, approval_id: str) -> None:
        """The plan is changed once, then taken."""
        item = self.mission().item("plan_cut")
        assert item is not None
        again = item.reasons
        keep = [{"asset_id": "a1", "start": "2", "end": "22"}]
        decision = approvals.Decide(grant=bool(again), reason="" if again else "the intro goes", amend={})
        if not again:
            decision = msgspec.structs.replace(decision, amend={"keep": keep})
        self.decide(approval_id, decision, decision.grant, (decision.reason,), decision.amend, ADA)

    def test(self, approval_id: str) -> None:
        """The first film is too long."""
        self._renders += 1
        good = self._renders > 1
        check = Check(
            name="duration",
            status="pass" if good else "fail",
            value="20 s" if good else "21.2 s",
            limit="20 s within 0.5 s",
        )
        settle = approvals.Settle(checks=(check,))
        self.decide(approval_id, settle, good, approvals.failing((check,)), {}, CHECKS)


def footage_edit() -> list[Event]:
    """Return the events of the story as today's rules tell it."""

    async def check(_result: ToolResult, _context: ToolContext) -> tuple[Check, ...]:
        return ()

    tools = Tools()
    for name in RESULTS:
        tools.add(FakeTool(name, check=check, input=_Anything).tool())
    request = MissionRequest(
        template="footage_edit",
        args={
            "asset_ids": ["a1"],
            "goal": "a 20 second highlight",
            "profile": "reels",
            "output": "/out/highlight.mp4",
        },
        metadata={"key": "talk.mp4"},
        start=True,
    )
    story = Footage()
    story.propose(Asked("mission/m1", specs.read(request, tools, ADA)), ADA)
    story.carry_out()
    return story.events


HISTORIES: Final[dict[str, Callable[[], list[Event]]]] = {
    "footage_edit": footage_edit,
    "timeline": timeline,
    **stories.STORIES,
}


def events_file(name: str) -> Path:
    """Where a history lies."""
    return FOLDER / f"{name}.events.jsonl"


def resources_file(name: str) -> Path:
    """Where lies what a history comes to."""
    return FOLDER / f"{name}.resources.jsonl"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, tell in HISTORIES.items():
        events_file(name).write_bytes(as_lines(tell()))
        resources_file(name).write_bytes(replay(from_lines(events_file(name).read_bytes())))
