"""Short histories of missions, one for each way that a mission can go."""

from collections.abc import Callable
from typing import Any, Final

from cutroom_sdk.wire.missions import Budgets
from cutroom_sdk.wire.renders import Check
from cutroom_sdk.wire.runs import RunError
from engine.approvals import reducer as approvals
from engine.kernel.dispatch import Asked
from engine.kernel.log import Event
from engine.missions import types as missions
from engine.runs import types as runs
from tests.missions_kit import item
from tests.replay.story import ADA, CHECKS, ENGINE, Story

MISSION: Final = "mission/m1"
End = Callable[[runs.Work], runs.Proposal | None]


def done(work: runs.Work) -> runs.Proposal:
    """The tool has made something."""
    return runs.Finish(
        made=(f"artifact/{work.work_item_id}-{work.attempt}",), output={"attempt": work.attempt}
    )


class Short(Story):
    """A mission of a few items; `ends` says how calls end, `grants` what reviewers and checks say in turn."""

    def __init__(
        self, *items: missions.ItemSpec, ends: End = done, grants: tuple[bool, ...] = (), **budgets: int
    ) -> None:
        super().__init__()
        self._ends = ends
        self._grants = list(grants)
        self.waiting: list[str] = []
        create = missions.Create(
            title="Film", goal="a film", items=items, start=True, budgets=Budgets(**budgets), priority="high"
        )
        self.say(create)

    def called(self, work: runs.Work) -> runs.Proposal | None:
        """As the story has it."""
        return self._ends(work)

    def review(self, approval_id: str) -> None:
        """Say what comes next, or leave it."""
        self.waiting.append(approval_id)
        if self._grants:
            grant = self._grants.pop(0)
            reason = "" if grant else "not like this"
            decision = approvals.Decide(grant=grant, reason=reason)
            self.decide(approval_id, decision, grant, (reason,) if reason else (), {}, ADA)

    def test(self, approval_id: str) -> None:
        """Say what comes next."""
        grant = self._grants.pop(0)
        check = Check(name="sharp", status="pass" if grant else "fail", value="yes" if grant else "no")
        settle = approvals.Settle(checks=(check,))
        self.decide(approval_id, settle, grant, approvals.failing((check,)), {}, CHECKS)

    def say(self, proposal: missions.Proposal, **more: Any) -> None:
        """Propose something to the mission, and have carried out what follows."""
        self.propose(Asked(MISSION, proposal), more.get("by", ADA))
        self.carry_out()

    def end(self, name: str) -> None:
        """Have the current run of an item end well."""
        found = self.mission().item(name)
        assert found is not None
        run: runs.Run = self.state(f"run/{found.run_id}")
        assert run.work is not None
        self.propose(Asked(f"run/{found.run_id}", done(run.work)), ENGINE)
        self.carry_out()


def _held(_work: runs.Work) -> None:
    """The tool is at work for as long as the story wants."""


def rework() -> list[Event]:
    """A run fails, a check fails, a reviewer refuses; then all is well."""

    def ends(work: runs.Work) -> runs.Proposal:
        broken = runs.Fail(error=RunError(code="work_failed", detail="the lens cap was on"))
        return broken if work.attempt == 1 else done(work)

    story = Short(
        item("film", review="human", test="auto"),
        ends=ends,
        grants=(False, True, False, True, True),
        max_attempts=5,
    )
    return story.events


def pause_resume() -> list[Event]:
    """While it is paused nothing begins, and what runs goes on."""
    story = Short(
        item("film"), item("cut", "film"), item("still"), ends=_held, max_parallel=1, max_duration_ms=600_000
    )
    story.say(missions.Pause(reason="lunch"))
    story.end("film")
    story.say(missions.Resume())
    story.end("cut")
    story.end("still")
    return story.events


def cancel() -> list[Event]:
    """One item is asked about, one is at work, one waits: all are canceled."""

    def ends(work: runs.Work) -> runs.Proposal | None:
        return done(work) if work.work_item_id == "film" else None

    story = Short(item("film", review="human"), item("still"), item("cut", "film"), ends=ends)
    story.say(missions.Cancel(reason="no time"))
    return story.events


def budget_end() -> list[Event]:
    """The calls are used up before the work is done; people hear that they run low, and that it failed."""
    return Short(item("film"), item("cut", "film"), max_tool_calls=1).events


def time_up() -> list[Event]:
    """Its time is up while a tool is at work."""
    story = Short(item("film"), ends=_held, max_duration_ms=60_000)
    story.passed_ms = 60_000
    story.say(missions.FireTimer(timer_id=missions.DURATION_TIMER), by=ENGINE)
    return story.events


def denial() -> list[Event]:
    """A reviewer refuses until the attempts are used up."""
    return Short(item("film", review="human"), grants=(False, False), max_attempts=2).events


def canceled_run() -> list[Event]:
    """Somebody cancels what a run is doing: the mission waits to hear what now, and is told to do it again."""

    def ends(work: runs.Work) -> runs.Proposal:
        return runs.GiveUp(reason="the render was canceled") if work.attempt == 1 else done(work)

    story = Short(item("film"), ends=ends)
    story.say(missions.Resume())
    return story.events


def changed_since() -> list[Event]:
    """What somebody is asked about changes: it is asked anew."""

    def ends(_work: runs.Work) -> runs.Proposal:
        return runs.Finish(made=("mission/m1/script",))

    story = Short(item("write", review="human"), ends=ends)
    story.say(missions.NoteResource(key="mission/m1/script", rev=2))
    story.decide(story.waiting[-1], approvals.Decide(grant=True), True, (), {}, ADA)
    story.carry_out()
    return story.events


STORIES: Final[dict[str, Callable[[], list[Event]]]] = {
    told.__name__: told
    for told in (rework, pause_resume, cancel, budget_end, time_up, denial, canceled_run, changed_since)
}
