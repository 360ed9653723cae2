"""What the functions behind the routes cannot say of themselves: what they take, what they answer, who may ask.

The table and the routes are compared in both directions by tests/house: a route that is not here is undocumented, an entry
without a route is a promise that nobody keeps.
"""

from typing import Any, Final, NamedTuple

from cutroom_sdk.wire import (
    approvals,
    catalogue,
    frames,
    interchange,
    log,
    media,
    memory,
    mission_events,
    missions,
    notices,
    outbox,
    plans,
    policy,
    proxies,
    renders,
    resources,
    routines,
    runs,
    secrets,
    sessions,
    status,
    timelines,
    tokens,
    webhooks,
)

ANY: Final = ""  # any known token
OPEN: Final = "open"  # no token


class Page(NamedTuple):
    """`{items, next, position}` of a type."""

    item: Any


class Stream(NamedTuple):
    """Server-sent events; each frame's data is one of these."""

    frames: tuple[Any, ...]


class Bytes(NamedTuple):
    """Content as it is."""

    type: str = "application/octet-stream"


class Nothing(NamedTuple):
    """An answer without a body."""


class Operation(NamedTuple):
    """One route's contract.

    `capability` is what the token must hold. `query` names parameters of `QUERY`, `headers` of `HEADERS`. `takes` is the
    content type of a JSON body; a body of `Bytes` has its own. `also`: other content types, and the bodies they stand for.
    `or_status` is the status of the same answer in the case that `or_when` says.
    """

    answer: Any
    capability: str
    request: Any = None
    status: int = 200
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    takes: str = "application/json"
    also: tuple[tuple[str, Any], ...] = ()
    or_status: int = 0
    or_when: str = ""


# The kind is JSON's; `strings` is a string that may be given several times. What follows a colon tells two parameters of
# the same name apart.
QUERY: Final[dict[str, tuple[str, str]]] = {
    "after": (
        "integer",
        "Begin after this position of the log; before its beginning is 410 `compacted`, with the `oldest` there is.",
    ),
    "format": ("string", "The file's format: `otio`, `edl`, `fcpxml`, `srt`, `vtt` or `ass`."),
    "asset_id": ("string", "Only what belongs to this asset."),
    "at": (
        "integer",
        "Answer as of this position; beyond the head is 409 `position_ahead`, before the log begins 410.",
    ),
    "at:seconds": ("string", "Exact seconds from the film's beginning: `3`, or `45045/30000`."),
    "count": ("integer", "So many: 1 to 1000, 10 unless given."),
    "cursor": ("string", "The `next` of the page before."),
    "format:still": ("string", "`png` or `jpeg`; else what `Accept` prefers, else a PNG."),
    "frame": ("integer", "The number of a frame of the film; the first is 0."),
    "from": ("string", "Begin at so many seconds, exact: `3` or `45045/30000`."),
    "key": ("string", "Only missions whose metadata have this `key`."),
    "kind": ("string", "Only artifacts of this kind."),
    "limit": ("integer", "At most so many items: 1 to 1000, 100 unless given."),
    "profile": ("string", "What it is rendered for: a target profile; `source` unless given."),
    "prefix": ("strings", "Only keys under this prefix of whole segments; given again, under any of them."),
    "quality": ("string", "`exact` unless given; `draft`: no larger than a draft, from proxies."),
    "routine_id": ("string", "Only what belongs to this routine."),
    "project": ("string", "Only what belongs to this project."),
    "snapshot": ("integer", "With 1 the matching resources come first, then `ready`, then what is new."),
    "state": ("string", "Only those in this state."),
    "status": ("string", "Only those with one of these statuses, joined with commas."),
    "stream": ("string", "Only events of this stream, or of streams under it."),
    "times": ("string", "Seconds (`3/2`, `1.5`) and frames (`45f`), joined with commas; 1000 at most."),
    "tier": ("string", "Only what is in this tier: `session`, `project`, `team`, `curated`."),
    "version": ("integer", "Answer as of this version of the stream; before the log begins is 410."),
    "workspace": ("string", "Only what belongs to this workspace."),
    "type": (
        "string",
        "Only events of this type, or of types under it (`mission` covers `mission.started`).",
    ),
}


def said(query: str) -> str:
    """Return what a parameter of a query is called in an address.

    >>> said("at:seconds")
    'at'
    """
    return query.partition(":")[0]


HEADERS: Final[dict[str, str]] = {
    "Idempotency-Key": "The same key with the same request gives the stored answer again, for 24 hours.",
    "If-Match": 'Only when the resource has this rev, in quotes: `"3"`; else 412 `revision_conflict`.',
    "If-None-Match": "`*`: only when there is none yet. A rev in quotes on a read: 304 when it is still that.",
    "Range": "Bytes wanted (RFC 9110, 14); else the whole.",
    "Upload-Offset": "Where the bytes of this request go: what the upload says it has reached.",
    "webhook-id": "Which delivery it is: the same each time it is tried (Standard Webhooks).",
    "webhook-timestamp": "When it is sent, in Unix seconds.",
    "webhook-signature": "`v1,BASE64`: the HMAC-SHA256 of `ID.SECONDS.` and the raw body; several with spaces between.",
    "Last-Event-ID": "Resume after this position; wins over `after` and `snapshot`.",
}
_LIST: Final = ("limit", "cursor")
_WATCH: Final = ("prefix", "after", "snapshot")
_GUARDED: Final = ("If-Match", "If-None-Match")

OPERATIONS: Final[dict[str, Operation]] = {
    "GET /health": Operation(status.Health, OPEN),
    "GET /ready": Operation(status.Ready, ANY),
    "GET /openapi.json": Operation(dict[str, Any], ANY),
    "GET /metrics": Operation(Bytes("text/plain"), "log:read"),
    "GET /v1/log": Operation(
        resources.EventPage, "log:read", query=("after", "cursor", "limit", "stream", "type")
    ),
    "GET /v1/log/events": Operation(
        Stream((resources.EventRecord, frames.StreamReady, frames.Bookmark)),
        "log:read",
        query=("after", "stream", "type"),
        headers=("Last-Event-ID",),
    ),
    "GET /v1/log/verify": Operation(log.LogProof, "log:admin"),
    "GET /v1/log/replay": Operation(log.ReplayProof, "log:admin"),
    "GET /v1/log/export": Operation(Bytes("application/x-ndjson"), "log:admin", query=("after",)),
    "GET /v1/log/backup": Operation(Bytes("application/vnd.sqlite3"), "log:admin"),
    "POST /v1/log/compact": Operation(
        log.CompactedLog, "log:admin", log.CompactRequest, headers=("Idempotency-Key",)
    ),
    "GET /v1/outbox": Operation(Page(outbox.OutboxCommand), "log:read", query=("state", *_LIST)),
    "POST /v1/outbox/{id}/redeliver": Operation(
        outbox.OutboxCommand, "log:admin", headers=("Idempotency-Key",)
    ),
    "POST /v1/outbox/{id}/cancel": Operation(outbox.OutboxCommand, "log:admin", headers=("Idempotency-Key",)),
    "GET /v1/resources": Operation(resources.RecordPage, ANY, query=("prefix", *_LIST)),
    "GET /v1/resources/events": Operation(
        Stream(tuple(frames.FRAMES.values())), ANY, query=_WATCH, headers=("Last-Event-ID",)
    ),
    "POST /v1/resources/transaction": Operation(
        resources.TransactionAnswer,
        "resources:write",
        resources.TransactionRequest,
        headers=("Idempotency-Key",),
    ),
    "GET /v1/resources/{key}": Operation(resources.Record, ANY, query=("at",), headers=("If-None-Match",)),
    "PUT /v1/resources/{key}": Operation(
        resources.Record,
        "resources:write",
        resources.PutRequest,
        headers=("Idempotency-Key", *_GUARDED),
        or_status=201,
        or_when="Done: it is new.",
    ),
    "PATCH /v1/resources/{key}": Operation(
        resources.Record,
        "resources:write",
        dict[str, Any],
        headers=("Idempotency-Key", *_GUARDED),
        takes="application/merge-patch+json",
        also=(("application/json-patch+json", tuple[resources.PatchOperation, ...]),),
        or_status=201,
        or_when="Done: it is new.",
    ),
    "DELETE /v1/resources/{key}": Operation(
        resources.Tombstone, "resources:write", headers=("Idempotency-Key", "If-Match")
    ),
    "POST /v1/missions": Operation(
        missions.Mission, "missions:write", missions.MissionRequest, 201, headers=("Idempotency-Key",)
    ),
    "GET /v1/missions": Operation(Page(missions.Mission), "missions:read", query=("status", "key", *_LIST)),
    "POST /v1/missions/preview": Operation(
        missions.MissionPreview, "missions:write", missions.MissionRequest, headers=("Idempotency-Key",)
    ),
    "GET /v1/missions/{id}": Operation(missions.Mission, "missions:read", headers=("If-None-Match",)),
    "POST /v1/missions/{id}/events": Operation(
        mission_events.MissionEventAnswer,
        "missions:write",
        mission_events.MissionEventRequest,
        headers=("Idempotency-Key",),
    ),
    "GET /v1/notices": Operation(Page(notices.Notice), "missions:read", query=_LIST),
    "POST /v1/notices/{id}/dismiss": Operation(
        notices.Notice, "missions:write", headers=("Idempotency-Key",)
    ),
    "GET /v1/mission-templates": Operation(Page(missions.MissionTemplate), "missions:read"),
    "POST /v1/sessions/{id}/events": Operation(
        sessions.SessionEventAnswer,
        "missions:report",
        sessions.SessionEventRequest,
        headers=("Idempotency-Key",),
    ),
    "GET /v1/runs/{id}": Operation(runs.Run, "missions:read", headers=("If-None-Match",)),
    "POST /v1/policy/simulate": Operation(
        policy.SimulateAnswer, "missions:read", policy.SimulateRequest, headers=("Idempotency-Key",)
    ),
    "POST /v1/missions/{id}/approve-all": Operation(
        approvals.ApproveAllAnswer,
        "approvals:decide",
        approvals.ApproveAllRequest,
        headers=("Idempotency-Key",),
    ),
    "POST /v1/delegations": Operation(
        approvals.Delegation,
        "approvals:decide",
        approvals.DelegationRequest,
        status=201,
        headers=("Idempotency-Key",),
    ),
    "GET /v1/delegations": Operation(Page(approvals.Delegation), "approvals:read", query=_LIST),
    "GET /v1/delegations/{id}": Operation(approvals.Delegation, "approvals:read", headers=("If-None-Match",)),
    "DELETE /v1/delegations/{id}": Operation(
        approvals.Delegation, "approvals:decide", headers=("Idempotency-Key",)
    ),
    "GET /v1/approvals": Operation(Page(approvals.Approval), "approvals:read", query=("state", *_LIST)),
    "GET /v1/approvals/{id}": Operation(approvals.Approval, "approvals:read", headers=("If-None-Match",)),
    "POST /v1/approvals/{id}/approve": Operation(
        approvals.Approval, "approvals:decide", approvals.ApproveRequest, headers=("Idempotency-Key",)
    ),
    "POST /v1/approvals/{id}/deny": Operation(
        approvals.Approval, "approvals:decide", approvals.DenyRequest, headers=("Idempotency-Key",)
    ),
    "POST /v1/routines": Operation(
        routines.Routine, "routines:write", routines.RoutineRequest, 201, headers=("Idempotency-Key",)
    ),
    "GET /v1/routines": Operation(Page(routines.Routine), "routines:read", query=_LIST),
    "GET /v1/routines/events": Operation(
        Stream(tuple(frames.FRAMES.values())),
        "routines:read",
        query=("routine_id", "after", "snapshot"),
        headers=("Last-Event-ID",),
    ),
    "GET /v1/routines/{id}": Operation(routines.Routine, "routines:read", headers=("If-None-Match",)),
    "PATCH /v1/routines/{id}": Operation(
        routines.Routine,
        "routines:write",
        dict[str, Any],
        headers=("Idempotency-Key", "If-Match"),
        takes="application/merge-patch+json",
        also=(("application/json", dict[str, Any]),),
    ),
    "DELETE /v1/routines/{id}": Operation(
        routines.Routine, "routines:write", headers=("Idempotency-Key", "If-Match")
    ),
    "POST /v1/routines/{id}/activate": Operation(
        routines.Routine, "routines:activate", headers=("Idempotency-Key",)
    ),
    "POST /v1/routines/{id}/pause": Operation(
        routines.Routine, "routines:write", headers=("Idempotency-Key",)
    ),
    "POST /v1/routines/{id}/resume": Operation(
        routines.Routine, "routines:activate", headers=("Idempotency-Key",)
    ),
    "POST /v1/routines/{id}/run-now": Operation(
        routines.RoutineRuns, "routines:write", routines.RunNowRequest, 202, headers=("Idempotency-Key",)
    ),
    "POST /v1/routines/{id}/backfill": Operation(
        routines.RoutineRuns, "routines:write", routines.BackfillRequest, 202, headers=("Idempotency-Key",)
    ),
    "GET /v1/routines/{id}/next": Operation(routines.RoutineTicks, "routines:read", query=("count",)),
    "GET /v1/routines/{id}/history": Operation(Page(routines.RoutineRun), "routines:read", query=_LIST),
    "GET /v1/routine-runs/{id}": Operation(routines.RoutineRun, "routines:read", headers=("If-None-Match",)),
    "POST /v1/routine-runs/{id}/cancel": Operation(
        routines.RoutineRun, "routines:write", headers=("Idempotency-Key",)
    ),
    "GET /v1/profiles": Operation(Page(renders.Profile), "renders:read"),
    "GET /v1/effects": Operation(Page(catalogue.CatalogueEntry), "media:read"),
    "POST /v1/timelines": Operation(
        timelines.StoredTimeline,
        "media:write",
        timelines.TimelineRequest,
        201,
        headers=("Idempotency-Key",),
    ),
    "GET /v1/timelines": Operation(Page(timelines.TimelineHead), "media:read", query=_LIST),
    "GET /v1/timelines/{id}": Operation(
        timelines.StoredTimeline, "media:read", query=("at", "version"), headers=("If-None-Match",)
    ),
    "GET /v1/timelines/{id}/stream": Operation(
        Bytes("video/mp4"), "renders:read", query=("from", "profile", "version")
    ),
    "POST /v1/timelines/{id}/operations": Operation(
        timelines.TimelineHead, "media:write", timelines.OperationsRequest, headers=("Idempotency-Key",)
    ),
    "POST /v1/timelines/{id}/undo": Operation(
        timelines.TimelineHead, "media:write", timelines.UndoRequest, headers=("Idempotency-Key",)
    ),
    "POST /v1/timelines/{id}/redo": Operation(
        timelines.TimelineHead, "media:write", timelines.UndoRequest, headers=("Idempotency-Key",)
    ),
    "POST /v1/timelines/{id}/fork": Operation(
        timelines.StoredTimeline, "media:write", timelines.ForkRequest, 201, headers=("Idempotency-Key",)
    ),
    "GET /v1/timelines/{id}/frame": Operation(
        Bytes("image/png"),
        "media:read",
        query=("at:seconds", "frame", "format:still", "profile", "quality", "version"),
        headers=("If-None-Match",),
    ),
    "GET /v1/timelines/{id}/plan": Operation(plans.Plan, "media:read", query=("profile", "version")),
    "POST /v1/assets": Operation(
        media.Asset,
        "media:write",
        media.AssetRequest,
        201,
        headers=("Idempotency-Key",),
        or_status=200,
        or_when="The same content is an asset already.",
    ),
    "GET /v1/assets": Operation(Page(media.Asset), "media:read", query=_LIST),
    "GET /v1/assets/{id}": Operation(media.Asset, "media:read", headers=("If-None-Match",)),
    "GET /v1/assets/{id}/content": Operation(Bytes(), "media:read", headers=("Range",)),
    "GET /v1/assets/{id}/frames": Operation(media.FrameTimes, "media:read", query=("times",)),
    "POST /v1/assets/{id}/analyses": Operation(media.Artifact, "media:write", media.AnalysisRequest),
    "GET /v1/artifacts": Operation(Page(media.Artifact), "media:read", query=("asset_id", "kind", *_LIST)),
    "GET /v1/artifacts/{id}": Operation(media.Artifact, "media:read", headers=("If-None-Match",)),
    "POST /v1/uploads": Operation(media.Upload, "media:write", media.UploadRequest, 201),
    "GET /v1/uploads/{id}": Operation(media.Upload, "media:write"),
    "PATCH /v1/uploads/{id}": Operation(
        Nothing(),
        "media:write",
        Bytes("application/offset+octet-stream"),
        204,
        headers=("Upload-Offset",),
    ),
    "DELETE /v1/uploads/{id}": Operation(media.Upload, "media:write"),
    "POST /v1/proxies": Operation(
        proxies.Proxy, "media:write", proxies.ProxyRequest, status=202, headers=("Idempotency-Key",)
    ),
    "GET /v1/proxies": Operation(Page(proxies.Proxy), "media:read", query=_LIST),
    "GET /v1/proxies/{proxy_id}": Operation(proxies.Proxy, "media:read", headers=("If-None-Match",)),
    "DELETE /v1/proxies/{proxy_id}": Operation(proxies.Proxy, "media:write", headers=("Idempotency-Key",)),
    "GET /v1/proxies/{proxy_id}/content": Operation(Bytes("video/mp4"), "media:read", headers=("Range",)),
    "POST /v1/proxies/{proxy_id}/cancel": Operation(
        proxies.Proxy, "media:write", headers=("Idempotency-Key",)
    ),
    "POST /v1/renders": Operation(
        renders.Render, "renders:write", renders.RenderRequest, status=202, headers=("Idempotency-Key",)
    ),
    "GET /v1/renders": Operation(Page(renders.Render), "renders:read", query=_LIST),
    "GET /v1/renders/{render_id}": Operation(renders.Render, "renders:read", headers=("If-None-Match",)),
    "POST /v1/tokens": Operation(
        tokens.IssuedToken, "tokens:admin", tokens.TokenRequest, 201, headers=("Idempotency-Key",)
    ),
    "GET /v1/tokens": Operation(Page(tokens.Token), "tokens:admin", query=_LIST),
    "DELETE /v1/tokens/{id}": Operation(tokens.Token, "tokens:admin", headers=("Idempotency-Key",)),
    "GET /v1/secrets": Operation(Page(secrets.Secret), "secrets:admin", query=_LIST),
    "PUT /v1/secrets/{name}": Operation(secrets.Secret, "secrets:admin", secrets.SecretRequest),
    "DELETE /v1/secrets/{name}": Operation(secrets.Secret, "secrets:admin"),
    "GET /v1/webhooks": Operation(Page(webhooks.Webhook), "webhooks:read", query=_LIST),
    "PUT /v1/webhooks/{name}": Operation(
        webhooks.Webhook,
        "webhooks:admin",
        webhooks.WebhookRequest,
        headers=("Idempotency-Key",),
        or_status=201,
        or_when="Done: it is new.",
    ),
    "GET /v1/webhooks/{name}": Operation(webhooks.Webhook, "webhooks:read", headers=("If-None-Match",)),
    "DELETE /v1/webhooks/{name}": Operation(webhooks.Webhook, "webhooks:admin", headers=("Idempotency-Key",)),
    "POST /v1/webhooks/{name}": Operation(
        webhooks.DeliveryAnswer,
        OPEN,
        dict[str, Any],
        202,
        headers=("webhook-id", "webhook-timestamp", "webhook-signature"),
    ),
    "POST /v1/tickets": Operation(tokens.Ticket, ANY, None, 201, headers=("Idempotency-Key",)),
    "POST /v1/enter": Operation(tokens.Entered, OPEN, tokens.EnterRequest),
    "GET /v1/audit": Operation(Page(tokens.AuditEntry), "log:admin", query=("after", *_LIST)),
    "POST /v1/memory": Operation(
        memory.MemoryStored,
        "memory:write",
        memory.MemoryRequest,
        201,
        headers=("Idempotency-Key",),
        or_status=200,
        or_when="`blocked`: nothing was left to store, or it may not lie there; nothing is stored.",
    ),
    "GET /v1/memory": Operation(
        Page(memory.Memory), "memory:read", query=("tier", "workspace", "project", *_LIST)
    ),
    "GET /v1/timelines/{id}/export": Operation(
        interchange.TimelineExport, "media:read", query=("format", "version")
    ),
    "POST /v1/timelines/import": Operation(
        interchange.TimelineImport,
        "media:write",
        interchange.TimelineImportRequest,
        201,
        headers=("Idempotency-Key",),
    ),
    "POST /v1/memory/search": Operation(memory.MemoryHits, "memory:read", memory.SearchRequest),
    "GET /v1/memory/audit": Operation(Page(memory.MemoryAuditEntry), "log:admin", query=("after", *_LIST)),
    "GET /v1/memory/export": Operation(Bytes("application/x-ndjson"), "log:admin"),
    "GET /v1/memory/export/keys": Operation(Bytes("application/x-ndjson"), "log:admin"),
    "POST /v1/memory/capabilities": Operation(
        memory.MemoryCapability,
        "memory:write",
        memory.MemoryCapabilityRequest,
        201,
        headers=("Idempotency-Key",),
    ),
    "GET /v1/memory/{id}": Operation(memory.MemoryEntry, "memory:read"),
    "DELETE /v1/memory/{id}": Operation(memory.MemoryDeleted, "memory:write", headers=("Idempotency-Key",)),
    "POST /v1/memory/{id}/promote": Operation(
        memory.MemoryMoved, "memory:write", memory.PromoteRequest, headers=("Idempotency-Key",)
    ),
    "POST /v1/memory/{id}/demote": Operation(
        memory.MemoryMoved, "memory:write", memory.DemoteRequest, headers=("Idempotency-Key",)
    ),
    "GET /v1/renders/{render_id}/content": Operation(Bytes("video/mp4"), "renders:read", headers=("Range",)),
    "GET /v1/renders/{render_id}/captions/{number}": Operation(Bytes("application/x-subrip"), "renders:read"),
    "GET /v1/renders/{render_id}/receipt": Operation(renders.Receipt, "renders:read"),
    "POST /v1/renders/{render_id}/cancel": Operation(
        renders.Render, "renders:write", headers=("Idempotency-Key",)
    ),
    "POST /v1/renders/{render_id}/pause": Operation(
        renders.Render, "renders:write", headers=("Idempotency-Key",)
    ),
    "POST /v1/renders/{render_id}/resume": Operation(
        renders.Render, "renders:write", headers=("Idempotency-Key",)
    ),
}
