"""The tool `plan_cut`: what a run calls to have a plan made, and the engine's own test of it."""

import asyncio
from typing import Any, Final

from cutroom_sdk.wire.codec import digest, to_builtins
from cutroom_sdk.wire.editing import CutPlan, PlanCutInput
from cutroom_sdk.wire.media import Artifact
from cutroom_sdk.wire.renders import Check, Profile
from engine.editing.checks import check_plan
from engine.editing.goals import read_goal
from engine.editing.load import (
    CUT_PLAN,
    Footage,
    load_footage,
    load_plan,
    load_sources,
    refused_plans,
)
from engine.editing.mending_post import mended_post
from engine.editing.planner.plan import PLANNER_VERSION, propose
from engine.editing.planner.source import PlanRequest
from engine.editing.post import asked_for, check_post
from engine.editing.profiles import profile_named
from engine.kernel.errors import WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.media.analysis.requests import Backend
from engine.media.cache import artifact_id, make_artifact
from engine.media.reducer import Record

LIMIT_S: Final = 300.0
BACKEND: Final = Backend(kind=CUT_PLAN, stream="picture", name="cutroom-planner", version=PLANNER_VERSION)


async def plan_cut(asked: PlanCutInput, context: ToolContext) -> ToolResult:
    """Plan a cut of the footage among the run's refs and record it as an artifact.

    Each input has one plan: asked again it is found again and `reused`. A later attempt proposes something else than the
    plans that were refused, unless the reviewer said what to keep.

    Raises:
        Invalid: the goal, the profile, `keep` or the footage is wrong; `field` says which.
        WorkFailed: the footage was not taken in.
    """
    goal, profile = read_goal(asked.goal), profile_named(asked.profile)
    footage = await load_footage(context.refs, context)
    refused = await refused_plans(context)
    params = _params(asked, profile, footage, refused)
    key = f"artifact/{artifact_id(footage.assets[0], BACKEND, params)}"
    plan = await load_plan(key, context)
    if plan is not None:
        return _result(key, plan, context, reused=True)
    context.report(0, 1, "weighing what to keep")
    request = PlanRequest(
        sources=await load_sources(footage, context),
        goal=goal,
        profile=profile,
        keep=asked.keep,
        refused=tuple(plan.cuts for plan in refused),
        notices=footage.notices,
        post=asked.post,
    )
    plan = await asyncio.to_thread(propose, request)
    artifact = await asyncio.to_thread(
        make_artifact,
        footage.assets[0],
        BACKEND,
        params,
        to_builtins(plan),
        context.blobs,
        notices=plan.notices,
    )
    await context.propose(key, Record(artifact=artifact))
    context.report(1, 1, "planned")
    return _result(key, plan, context, reused=False)


async def check_cut(result: ToolResult, context: ToolContext) -> tuple[Check, ...]:
    """Test the plan that a run made.

    Raises:
        WorkFailed: the run made no plan, or the footage is gone.
    """
    for ref in result.refs:
        plan = await load_plan(ref, context)
        if plan is not None:
            footage = await load_footage(result.refs, context)
            sources = await load_sources(footage, context)
            indexes = {source.asset_id: source.index for source in sources}
            return check_plan(plan, indexes, profile_named(plan.profile))
    raise WorkFailed("the run made no plan that could be checked")


def _params(
    asked: PlanCutInput, profile: Profile, footage: Footage, refused: tuple[CutPlan, ...]
) -> dict[str, Any]:
    """Return all that the plan depends on, as plain JSON: it is the artifact's key beside the first asset."""
    return {
        "goal": asked.goal,
        "profile": profile.name,
        "profile_hash": digest(profile),
        "keep": None if asked.keep is None else to_builtins(asked.keep),
        "refused": [plan.plan_hash for plan in refused],
        "footage": [
            {
                "asset_id": asset.asset_id,
                "name": asset.name,
                "streams_hash": digest((asset.video, asset.audio)),
                "analyses": _keys(footage.analyses.get(asset.asset_id, {})),
            }
            for asset in footage.assets
        ],
        "notices": list(footage.notices),
        # Plans of before there were settings are found again.
        **({"post": post} if (post := asked_for(asked.post)) else {}),
    }


def _keys(analyses: dict[str, Artifact]) -> dict[str, str]:
    return {kind: analyses[kind].cache_key for kind in sorted(analyses) if kind != CUT_PLAN}


def _result(key: str, plan: CutPlan, context: ToolContext, *, reused: bool) -> ToolResult:
    passed_on = (ref for ref in context.refs if ref != key)
    return ToolResult(
        refs=(key, *dict.fromkeys(passed_on)),
        reused=reused,
        notices=plan.notices,
        output={
            "plan_hash": plan.plan_hash,
            "duration_s": round(float(plan.duration), 3),
            "cuts": len(plan.cuts),
            "removed_s": round(float(sum(gone.end - gone.start for gone in plan.removed)), 3),
            "chosen_by": plan.chosen_by,
        },
    )


def verify(asked: PlanCutInput) -> None:
    """Look at what is asked for before a mission is made of it.

    Raises:
        Invalid: post settings that the catalogue does not have; `field` names which.
    """
    check_post(asked.post)


def mend(stored: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return stored input as today's rules have it, and what was repaired."""
    post, notices = mended_post(stored.get("post"))
    return (stored | {"post": post}, notices) if notices else (stored, ())


def register(kernel: Kernel) -> None:
    """Offer the tool `plan_cut`."""
    kernel.tools.add(
        Tool(
            name="plan_cut",
            title="Plan a cut of the footage",
            input=PlanCutInput,
            call=plan_cut,
            effect="none",
            capability="media:write",
            limit_s=LIMIT_S,
            check=check_cut,
            verify=verify,
            mend=mend,
        )
    )
