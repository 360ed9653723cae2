"""The tool `plan_cut` in a mission, on a real kernel: recorded, reused, refused, amended."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import convert, digest, to_builtins
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact, Asset, AudioStream, VideoStream
from cutroom_sdk.wire.missions import Attempt, Budgets, Decider, WorkItemDetail
from engine import wiring
from engine.approvals.reducer import APPROVAL, Decide
from engine.editing import effects as editing
from engine.editing.planner.source import Source, places
from engine.editing.profiles import profiles
from engine.editing.routes import routes
from engine.kernel.clock import SystemClock
from engine.kernel.kernel import Kernel
from engine.kernel.tools import ToolContext, ToolResult
from engine.media.analysis.requests import Backend
from engine.media.cache import FRAME_INDEX, make_artifact
from engine.media.reducer import ARTIFACT, ASSET, Record, Register
from engine.missions import types as t
from engine.missions.reducer import MISSION
from engine.runs.reducer import RUN
from engine.wiring import decisions
from tests import missions_kit as kit
from tests.planned import make_source

SHA = "ab" * 32


def asset_of(source: Source, sha256: str, *, picture: bool = True) -> Asset:
    video = VideoStream(
        index=0,
        codec="h264",
        width=source.width,
        height=source.height,
        rate=source.rate,
        frame_count=source.index.count,
        duration=source.index.duration,
    )
    audio = AudioStream(index=1, codec="aac", sample_rate=48000, channels=2, duration=source.index.duration)
    return Asset(
        asset_id=sha256[:32],
        name=source.name,
        sha256=sha256,
        bytes=1,
        container="mp4",
        duration=source.index.duration,
        blob=sha256,
        video=video if picture else None,
        audio=audio if source.has_sound else None,
    )


class Gather:
    """Stands for `ingest` and `analyse`: records footage whose analyses are known."""

    def __init__(
        self,
        source: Source,
        *,
        picture: bool = True,
        leave_out: tuple[str, ...] = (),
        twice: bool = False,
        order: Callable[[list[str]], list[str]] = list,
    ) -> None:
        self._source, self._picture, self._leave_out, self._order = source, picture, leave_out, order
        self._twice = twice

    async def __call__(self, _: kit.WorkInput, context: ToolContext) -> ToolResult:
        source, asset = self._source, asset_of(self._source, SHA, picture=self._picture)
        await context.propose(f"asset/{asset.asset_id}", Register(asset=asset))
        known = {
            "shots": source.shots,
            "speech": source.speech,
            "loudness": source.loudness,
            "motion": source.motion,
            "quality": source.quality,
        }
        artifacts = [make_artifact(asset, FRAME_INDEX, {}, source.index.to_bytes(), context.blobs)]
        for kind, data in known.items():
            if data is not None and kind not in self._leave_out:
                backend = Backend(kind=kind, stream="picture", name="told", version="1")
                artifacts.append(make_artifact(asset, backend, {}, to_builtins(data), context.blobs))
        if self._twice:  # somebody listened a second time, and heard nothing
            backend = Backend(kind="speech", stream="sound", name="deaf", version="1")
            artifacts.append(make_artifact(asset, backend, {}, [], context.blobs))
        for artifact in artifacts:
            await context.propose(f"artifact/{artifact.artifact_id}", Record(artifact=artifact))
        refs = [f"artifact/{artifact.artifact_id}" for artifact in artifacts]
        return ToolResult(refs=(f"asset/{asset.asset_id}", *self._order(refs)))


@contextlib.asynccontextmanager
async def studio(folder: Path, gather: Gather) -> AsyncIterator[Kernel]:
    folder.mkdir(exist_ok=True)
    kernel = await Kernel.open(folder, (MISSION, RUN, APPROVAL, ASSET, ARTIFACT), SystemClock())
    kernel.tools.add(kit.FakeTool("gather", call=gather).tool())
    editing.register(kernel)
    wiring.register(kernel)
    async with kernel.running():
        yield kernel


async def begin(
    kernel: Kernel,
    name: str = "m1",
    *,
    review: Decider = "auto",
    goal: str = "20 second highlight",
    attempts: int = 3,
    **given: Any,
) -> None:
    plan = kit.item(
        "plan", "gather", kind="plan_cut", review=review, given={"goal": goal, "profile": "reels", **given}
    )
    proposal = t.Create(
        title="Cut it",
        goal=goal,
        items=(kit.item("gather", kind="gather"), plan),
        start=True,
        capabilities=("media:write",),
        budgets=Budgets(max_attempts=attempts),
    )
    await kernel.dispatch.propose(f"mission/{name}", proposal, kit.ADA)


async def last_attempt(kernel: Kernel, name: str = "m1") -> Attempt:
    detail = await kernel.resources.value(f"mission/{name}/item/plan", WorkItemDetail)
    assert isinstance(detail, WorkItemDetail)
    return detail.attempts[-1]


async def proposed(kernel: Kernel, attempt: Attempt) -> CutPlan:
    """Return the plan that an attempt made."""
    for ref in attempt.refs:
        artifact = await kernel.resources.value(ref, Artifact) if ref.startswith("artifact/") else None
        if artifact is not None and artifact.kind == "cut_plan":
            return convert(artifact.data, CutPlan)
    raise AssertionError("the attempt made no plan")


async def deny(kernel: Kernel, **amend: Any) -> CutPlan:
    """Wait for the question, refuse the plan that it is about, and return that plan."""
    asked = await kit.pending(kernel)
    plan = await proposed(kernel, await last_attempt(kernel))
    decision = Decide(grant=False, reason="another one", subject_hash=asked.subject_hash, amend=amend)
    await decisions.decide(kernel, kit.ADA, asked.approval_id, decision)
    return plan


async def test_a_plan_is_recorded_and_passes_the_engines_own_test(tmp_path: Path) -> None:
    async with studio(tmp_path, Gather(make_source())) as kernel:
        await begin(kernel)
        await kit.mission_is(kernel, "m1", "succeeded")
        attempt = await last_attempt(kernel)
        plan = await proposed(kernel, attempt)
        assert plan.duration == 20
        assert attempt.output["plan_hash"] == plan.plan_hash
        assert not attempt.reused
        assert plan.plan_hash == digest(replace(plan, plan_hash=""))
        # What follows gets the footage too.
        assert f"asset/{SHA[:32]}" in attempt.refs
        (approval,) = await kernel.resources.values("approval", Approval)
        assert {check.status for check in approval.checks} == {"pass"}
        assert {check.name for check in approval.checks} >= {"duration", "whole_words", "frame_exact"}


async def test_the_same_wish_finds_the_same_plan_again_whatever_order_its_analyses_come_in(
    tmp_path: Path,
) -> None:
    source = make_source()
    async with studio(tmp_path, Gather(source, twice=True)) as kernel:
        await begin(kernel)
        await kit.mission_is(kernel, "m1", "succeeded")
        first = await last_attempt(kernel)
    async with studio(tmp_path, Gather(source, twice=True, order=lambda refs: refs[::-1])) as kernel:
        await begin(kernel, "m2")
        await kit.mission_is(kernel, "m2", "succeeded")
        second = await last_attempt(kernel, "m2")
        assert second.reused
        assert second.output == first.output


async def test_another_goal_is_another_plan(tmp_path: Path) -> None:
    async with studio(tmp_path, Gather(make_source())) as kernel:
        await begin(kernel)
        await begin(kernel, "m2", goal="10 second highlight")
        await kit.mission_is(kernel, "m1", "succeeded")
        await kit.mission_is(kernel, "m2", "succeeded")
        assert (await last_attempt(kernel)).output["duration_s"] == 20
        assert (await last_attempt(kernel, "m2")).output["duration_s"] == 10
        assert not (await last_attempt(kernel, "m2")).reused


async def test_a_plan_that_was_refused_is_followed_by_another(tmp_path: Path) -> None:
    async with studio(tmp_path, Gather(make_source())) as kernel:
        await begin(kernel, review="human")
        refused = [await deny(kernel), await deny(kernel)]
        await kit.pending(kernel)
        last = await proposed(kernel, await last_attempt(kernel))
        assert len({places(plan.cuts) for plan in (*refused, last)}) == 3
        assert last.duration == 20


async def test_a_reviewers_own_spans_come_back_as_the_plan(tmp_path: Path) -> None:
    spans = [
        {"asset_id": SHA[:32], "start": "8", "end": "11"},
        {"asset_id": SHA[:32], "start": "37", "end": "41"},
    ]
    async with studio(tmp_path, Gather(make_source(asset_id=SHA[:32]))) as kernel:
        await begin(kernel, review="human")
        await deny(kernel, keep=spans)
        await kit.pending(kernel)
        plan = await proposed(kernel, await last_attempt(kernel))
        assert [(int(cut.start), int(cut.end)) for cut in plan.cuts] == [(8, 11), (37, 41)]
        assert plan.chosen_by == "reviewer"


async def test_footage_that_cannot_be_cut_fails_with_the_reason(tmp_path: Path) -> None:
    async with studio(tmp_path, Gather(make_source(10, [(0, 10)]))) as kernel:
        await begin(kernel, goal="cut the pauses", attempts=2)
        mission = await kit.mission_is(kernel, "m1", "failed")
        plan = mission.item("plan")
        assert plan is not None
        assert any("non_pass_through" in reason for reason in plan.reasons)


async def test_footage_without_a_picture_is_refused_by_name(tmp_path: Path) -> None:
    async with studio(tmp_path, Gather(make_source(), picture=False)) as kernel:
        await begin(kernel, attempts=1)
        await kit.mission_is(kernel, "m1", "failed")
        attempt = await last_attempt(kernel)
        assert "needs footage with a picture; given was aaaa.mp4" in attempt.reason


async def test_a_goal_that_cannot_be_fails_the_run_and_says_why(tmp_path: Path) -> None:
    async with studio(tmp_path, Gather(make_source())) as kernel:
        await begin(kernel, goal="0 seconds", attempts=1)
        await kit.mission_is(kernel, "m1", "failed")
        assert "at least 1 second" in (await last_attempt(kernel)).reason


async def test_a_missing_analysis_is_done_without_and_named(tmp_path: Path) -> None:
    async with studio(tmp_path, Gather(make_source(), leave_out=("quality", "motion"))) as kernel:
        await begin(kernel)
        await kit.mission_is(kernel, "m1", "succeeded")
        notices = (await last_attempt(kernel)).notices
        assert "aaaa.mp4: no quality analysis: bad pictures are not left out" in notices
        assert any("crops stay in the middle" in notice for notice in notices)


async def test_profiles_are_served_as_one_page() -> None:
    app = Starlette(routes=routes)
    app.state.kernel = SimpleNamespace(dispatch=SimpleNamespace(head=7))

    class Known:
        """Stands for the border: everybody is Ada."""

        def __init__(self, inner: ASGIApp) -> None:
            self._inner = inner

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})["context"] = kit.ADA
            await self._inner(scope, receive, send)

    transport = httpx.ASGITransport(app=Known(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://studio") as client:
        page = (await client.get("/v1/profiles")).json()
    assert [one["name"] for one in page["items"]] == list(profiles())
    assert page["items"][0]["max_duration"] == "900"
    assert (page["next"], page["position"]) == (None, 7)
