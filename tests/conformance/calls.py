"""How each route is called through the Python clients: the same words for the one that waits and the one that does not."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from cutroom_sdk.wire.approvals import Approval, ApprovalSubject, DelegationRequest
from cutroom_sdk.wire.interchange import TimelineImportRequest
from cutroom_sdk.wire.memory import MemoryCapabilityRequest, MemoryRequest
from cutroom_sdk.wire.mission_events import PostStarted
from cutroom_sdk.wire.missions import MissionRequest
from cutroom_sdk.wire.operations import Remove, SetSettings
from cutroom_sdk.wire.policy import SimulateRequest
from cutroom_sdk.wire.proxies import ProxyRequest
from cutroom_sdk.wire.renders import RenderRequest
from cutroom_sdk.wire.resources import Operation, PatchOperation
from cutroom_sdk.wire.routines import Entrypoint, RoutineRequest, Schedule
from cutroom_sdk.wire.sessions import ReportRunStarted
from cutroom_sdk.wire.timeline import Timeline
from cutroom_sdk.wire.tokens import TokenRequest
from cutroom_sdk.wire.webhooks import WebhookRequest

# Takes a client; returns what its method does: an answer to wait for, something to open, or a stream.
Call = Callable[[Any], Any]
KEY: Final = "project/film/plan"
APPROVAL: Final = Approval(
    approval_id="a1",
    decider="human",
    subject=ApprovalSubject(kind="work_item", id="m1/cut"),
    subject_hash="0f",
    summary="",
    artifact_refs=(),
    state="pending",
    requested_at_ms=0,
    expires_at_ms=0,
)

TIMELINE: Final = Timeline(
    name="film", rate=Fraction(25), width=1920, height=1080, sample_rate=48_000, tracks=()
)

CALLS: Final[Mapping[str, Call]] = {
    "GET /health": lambda studio: studio.health(),
    "GET /ready": lambda studio: studio.ready(),
    "GET /openapi.json": lambda studio: studio.openapi(),
    "GET /metrics": lambda studio: studio.metrics(),
    "GET /v1/log": lambda studio: studio.log(after=3, stream="mission", kind="run"),
    "GET /v1/log/events": lambda studio: studio.follow_log(3),
    "GET /v1/log/verify": lambda studio: studio.prove_log(),
    "GET /v1/log/replay": lambda studio: studio.check_replay(),
    "POST /v1/log/compact": lambda studio: studio.compact_log(before=1),
    "GET /v1/log/export": lambda studio: studio.export_log(3),
    "GET /v1/log/backup": lambda studio: studio.backup(),
    "GET /v1/resources": lambda studio: studio.records("project", "team"),
    "GET /v1/resources/events": lambda studio: studio.resource_stream(None, prefixes=["project"]),
    "POST /v1/resources/transaction": lambda studio: studio.transact([Operation(op="delete", key=KEY)]),
    "GET /v1/resources/{key}": lambda studio: studio.record(KEY, at=3),
    "PUT /v1/resources/{key}": lambda studio: studio.put(KEY, {"n": 1}, if_match=3),
    "PATCH /v1/resources/{key}": lambda studio: studio.amend(KEY, [PatchOperation(op="remove", path="/n")]),
    "DELETE /v1/resources/{key}": lambda studio: studio.delete(KEY, idempotency_key="once"),
    "POST /v1/missions": lambda studio: studio.create_mission(MissionRequest(title="a film", goal="cut it")),
    "GET /v1/missions": lambda studio: studio.missions(status="draft,running"),
    "GET /v1/missions/{id}": lambda studio: studio.mission("m1"),
    "POST /v1/missions/{id}/events": lambda studio: studio.tell_mission("m1", PostStarted()),
    "POST /v1/missions/preview": lambda studio: studio.preview_mission(
        MissionRequest(title="a film", goal="cut it")
    ),
    "GET /v1/notices": lambda studio: studio.notices(),
    "POST /v1/notices/{id}/dismiss": lambda studio: studio.dismiss_notice("n1"),
    "GET /v1/mission-templates": lambda studio: studio.mission_templates(),
    "POST /v1/sessions/{id}/events": lambda studio: studio.report("s1", ReportRunStarted(run_id="r1")),
    "GET /v1/runs/{id}": lambda studio: studio.run("r1"),
    "POST /v1/policy/simulate": lambda studio: studio.simulate_policy(SimulateRequest(tool="render")),
    "POST /v1/missions/{id}/approve-all": lambda studio: studio.approve_all("m1", "all good"),
    "POST /v1/delegations": lambda studio: studio.delegate(DelegationRequest(to="bob", until_ms=1)),
    "GET /v1/delegations": lambda studio: studio.delegations(),
    "GET /v1/delegations/{id}": lambda studio: studio.delegation("d1"),
    "DELETE /v1/delegations/{id}": lambda studio: studio.revoke_delegation("d1"),
    "GET /v1/approvals": lambda studio: studio.approvals(state="pending"),
    "GET /v1/approvals/{id}": lambda studio: studio.approval("a1"),
    "POST /v1/approvals/{id}/approve": lambda studio: studio.approve(APPROVAL),
    "POST /v1/approvals/{id}/deny": lambda studio: studio.deny(APPROVAL, reason="too long"),
    "POST /v1/routines": lambda studio: studio.create_routine(
        RoutineRequest(
            name="weekly", entrypoint=Entrypoint(mission="generic"), schedule=Schedule(every_ms=60_000)
        )
    ),
    "GET /v1/routines": lambda studio: studio.routines(),
    "GET /v1/routines/events": lambda studio: studio.routine_stream(None, routine_id="weekly"),
    "GET /v1/routines/{id}": lambda studio: studio.routine("weekly"),
    "PATCH /v1/routines/{id}": lambda studio: studio.change_routine("weekly", {"name": "w"}, if_match=3),
    "DELETE /v1/routines/{id}": lambda studio: studio.delete_routine("weekly", if_match=3),
    "POST /v1/routines/{id}/activate": lambda studio: studio.activate_routine("weekly"),
    "POST /v1/routines/{id}/pause": lambda studio: studio.pause_routine("weekly"),
    "POST /v1/routines/{id}/resume": lambda studio: studio.resume_routine("weekly"),
    "POST /v1/routines/{id}/run-now": lambda studio: studio.run_routine("weekly", count=2),
    "POST /v1/routines/{id}/backfill": lambda studio: studio.backfill_routine("weekly", 1, 2),
    "GET /v1/routines/{id}/next": lambda studio: studio.routine_next("weekly", count=3),
    "GET /v1/routines/{id}/history": lambda studio: studio.routine_history("weekly"),
    "GET /v1/routine-runs/{id}": lambda studio: studio.routine_run("weekly~1"),
    "POST /v1/routine-runs/{id}/cancel": lambda studio: studio.cancel_routine_run("weekly~1"),
    "POST /v1/memory": lambda studio: studio.remember(MemoryRequest(text="cut on the beat")),
    "GET /v1/memory": lambda studio: studio.memories(tier="team", workspace="w", project="p"),
    "POST /v1/memory/search": lambda studio: studio.search_memory("the beat", tiers=["team"], limit=3),
    "GET /v1/memory/audit": lambda studio: studio.memory_audit(after=3),
    "GET /v1/memory/export": lambda studio: studio.export_memory(),
    "GET /v1/memory/export/keys": lambda studio: studio.export_memory_keys(),
    "POST /v1/memory/capabilities": lambda studio: studio.grant_memory(
        MemoryCapabilityRequest(read_tiers=("session",))
    ),
    "GET /v1/memory/{id}": lambda studio: studio.memory("m1"),
    "DELETE /v1/memory/{id}": lambda studio: studio.forget("m1", idempotency_key="once"),
    "POST /v1/memory/{id}/promote": lambda studio: studio.promote_memory("m1", "team", approval_id="a1"),
    "POST /v1/memory/{id}/demote": lambda studio: studio.demote_memory("m1", "session", reason="old"),
    "GET /v1/profiles": lambda studio: studio.profiles(),
    "GET /v1/effects": lambda studio: studio.effects(),
    "POST /v1/timelines": lambda studio: studio.create_timeline(TIMELINE, idempotency_key="once"),
    "GET /v1/timelines": lambda studio: studio.timelines(),
    "GET /v1/timelines/{id}": lambda studio: studio.timeline("t1", version=2),
    "POST /v1/timelines/{id}/operations": lambda studio: studio.edit_timeline(
        "t1", [Remove(clip="a"), SetSettings(name="film")], 3
    ),
    "POST /v1/timelines/{id}/undo": lambda studio: studio.undo_timeline("t1"),
    "POST /v1/timelines/{id}/redo": lambda studio: studio.redo_timeline("t1", expected_version=4),
    "POST /v1/timelines/{id}/fork": lambda studio: studio.fork_timeline("t1", version=2, name="another"),
    "GET /v1/timelines/{id}/frame": lambda studio: studio.timeline_frame("t1", at=Fraction(3, 2)),
    "GET /v1/timelines/{id}/plan": lambda studio: studio.timeline_plan("t1", profile="reels"),
    "GET /v1/timelines/{id}/export": lambda studio: studio.export_timeline("t1", "edl", version=2),
    "POST /v1/timelines/import": lambda studio: studio.import_timeline(
        TimelineImportRequest(text="WEBVTT", file_name="a.vtt"), idempotency_key="once"
    ),
    "POST /v1/assets": lambda studio: studio.register("talk.mp4"),
    "GET /v1/assets": lambda studio: studio.assets(),
    "GET /v1/assets/{id}": lambda studio: studio.asset("f00"),
    "GET /v1/assets/{id}/content": lambda studio: studio.asset_content("f00", bytes_range="0-99"),
    "GET /v1/assets/{id}/frames": lambda studio: studio.frame_times("f00", ["0", "45f"]),
    "POST /v1/assets/{id}/analyses": lambda studio: studio.analyse("f00", "shots"),
    "GET /v1/artifacts": lambda studio: studio.artifacts(asset_id="f00", kind="shots"),
    "GET /v1/artifacts/{id}": lambda studio: studio.artifact("c0de"),
    "POST /v1/uploads": lambda studio: studio.begin_upload("talk.mp4", 3),
    "GET /v1/uploads/{id}": lambda studio: studio.upload_offset("u1"),
    "PATCH /v1/uploads/{id}": lambda studio: studio.send_chunk("u1", 0, b"abc"),
    "DELETE /v1/uploads/{id}": lambda studio: studio.cancel_upload("u1"),
    "GET /v1/timelines/{id}/stream": lambda studio: studio.timeline_stream("t1", start=Fraction(3, 2)),
    "POST /v1/proxies": lambda studio: studio.ask_proxy(ProxyRequest(asset_id="f00", size=360)),
    "GET /v1/proxies": lambda studio: studio.proxies(),
    "GET /v1/proxies/{proxy_id}": lambda studio: studio.proxy("f00-360"),
    "DELETE /v1/proxies/{proxy_id}": lambda studio: studio.remove_proxy("f00-360"),
    "GET /v1/proxies/{proxy_id}/content": lambda studio: studio.proxy_content("f00-360"),
    "POST /v1/proxies/{proxy_id}/cancel": lambda studio: studio.cancel_proxy("f00-360"),
    "POST /v1/renders": lambda studio: studio.ask_render(
        RenderRequest(timeline_id="t1", profile="reels", job_id="j1")
    ),
    "GET /v1/renders/{render_id}/receipt": lambda studio: studio.render_receipt("n1"),
    "GET /v1/renders/{render_id}/captions/{number}": lambda studio: studio.render_captions("n1", 0),
    "POST /v1/renders/{render_id}/pause": lambda studio: studio.pause_render("n1"),
    "POST /v1/renders/{render_id}/resume": lambda studio: studio.resume_render("n1"),
    "GET /v1/renders": lambda studio: studio.renders(),
    "GET /v1/renders/{render_id}": lambda studio: studio.render("n1"),
    "POST /v1/tokens": lambda studio: studio.issue_token(
        TokenRequest(actor="ada", capabilities=("log:read",), human=True)
    ),
    "GET /v1/tokens": lambda studio: studio.tokens(),
    "DELETE /v1/tokens/{id}": lambda studio: studio.revoke_token("t1"),
    "POST /v1/tickets": lambda studio: studio.ticket(),
    "POST /v1/enter": lambda studio: studio.enter("once"),
    "GET /v1/secrets": lambda studio: studio.secrets(),
    "PUT /v1/secrets/{name}": lambda studio: studio.set_secret("KEY", "a value"),
    "DELETE /v1/secrets/{name}": lambda studio: studio.remove_secret("KEY"),
    "GET /v1/webhooks": lambda studio: studio.webhooks(),
    "PUT /v1/webhooks/{name}": lambda studio: studio.set_webhook("w", WebhookRequest(secrets=("KEY",))),
    "GET /v1/webhooks/{name}": lambda studio: studio.webhook("w"),
    "DELETE /v1/webhooks/{name}": lambda studio: studio.remove_webhook("w"),
    "POST /v1/webhooks/{name}": lambda studio: studio.deliver("w", b"{}", {"webhook-id": "m"}),
    "GET /v1/outbox": lambda studio: studio.outbox(state="dead"),
    "POST /v1/outbox/{id}/redeliver": lambda studio: studio.redeliver_command("c1", idempotency_key="k"),
    "POST /v1/outbox/{id}/cancel": lambda studio: studio.cancel_command("c1", idempotency_key="k"),
    "GET /v1/audit": lambda studio: studio.audit(after=3),
    "GET /v1/renders/{render_id}/content": lambda studio: studio.render_content("n1"),
    "POST /v1/renders/{render_id}/cancel": lambda studio: studio.cancel_render("n1"),
}
# Routes that no program calls, and why: {"GET /": "the page itself"}.
NOT_FOR_PROGRAMS: Final[Mapping[str, str]] = {}
