"""Memory: what was learnt, kept by tier, scrubbed of secrets, and erasable.

The text itself is in no event and no resource: they hold a reference to ciphertext.
"""

from typing import Annotated, Literal

from msgspec import Meta

from cutroom_sdk.wire.codec import Request, Wire

Tier = Literal["session", "project", "team", "curated"]
UpperTier = Literal["project", "team", "curated"]
LowerTier = Literal["session", "project", "team"]
MemoryKind = Literal["note", "fact", "solution_capsule"]
Classification = Literal["internal", "restricted"]
CapsuleOutcome = Literal["succeeded", "partial", "failed", "denied", "superseded"]
PutStatus = Literal["stored", "redacted", "blocked"]
PromoteStatus = Literal["passed", "redacted", "blocked"]
Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")]
Tag = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=65_536)]
ShortText = Annotated[str, Meta(max_length=2_000)]
Key = Annotated[str, Meta(min_length=3, max_length=512)]


class SolutionCapsule(Request, frozen=True, kw_only=True):
    """A way of solving something, and what came of it. What was denied, failed or superseded is never promoted."""

    problem: Text
    approach: Text
    evidence: Annotated[tuple[Text, ...], Meta(max_length=32)] = ()
    outcome: CapsuleOutcome


class MemoryRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/memory`. A `solution_capsule` has its `capsule`, and `text` may be empty; the other kinds have none.

    `source` is the key of the resource that it was learnt from, such as `mission/...` or `run/...`. `restricted` stays in
    its project: it goes to no tier above, and is found by those alone who name its workspace and project.
    """

    text: Text = ""
    kind: MemoryKind = "note"
    tier: Tier = "session"
    workspace: Label = "default"
    project: Label = "default"
    classification: Classification = "internal"
    tags: Annotated[tuple[Tag, ...], Meta(max_length=32)] = ()
    capsule: SolutionCapsule | None = None
    source: Key | None = None


class Redaction(Wire, frozen=True, kw_only=True):
    """So many of a kind were taken out: `api_key`, `token`, `jwt`, `private_key`, `card`, `password`, `high_entropy`, ..."""

    kind: str
    count: int


class MemoryStored(Wire, frozen=True, kw_only=True):
    """Answer to a put. `memory_id` None: it was `blocked`, and nothing is stored; `reason` says why."""

    memory_id: str | None
    tier: Tier
    status: PutStatus
    redactions: tuple[Redaction, ...] = ()
    reason: str = ""


class MemoryMoved(Wire, frozen=True, kw_only=True):
    """Answer to promote and demote: the tier it is in now. `blocked`: it stays where it was, and `reason` says why.

    `approval_id` is the review that was asked for (`review_required`): once a person has granted it, promote again with it.
    """

    memory_id: str
    tier: Tier
    status: PromoteStatus
    redactions: tuple[Redaction, ...] = ()
    reason: str = ""
    approval_id: str | None = None


class PromoteRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/memory/{id}/promote`. `approval_id` is the evidence of a review: of this memory, as it is, to this tier."""

    to_tier: UpperTier
    approval_id: str | None = None
    reason: ShortText = ""


class DemoteRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/memory/{id}/demote`."""

    to_tier: LowerTier
    reason: ShortText = ""


class Memory(Wire, frozen=True, kw_only=True):
    """Resource `memory/{memory_id}`: everything but what it says.

    `content_hash` is the SHA-256 of the ciphertext, which lies in the blob of that name; it tells nothing of the text, and
    is another one after each move.
    """

    memory_id: str
    tier: Tier
    kind: MemoryKind
    workspace: str
    project: str
    classification: Classification
    content_hash: str
    created_at_ms: int
    created_by: str
    changed_at_ms: int
    outcome: CapsuleOutcome | None = None
    redactions: tuple[Redaction, ...] = ()
    approval_id: str | None = None


class MemoryNote(Wire, frozen=True, kw_only=True):
    """Why somebody moved a memory; erased together with it."""

    action: Literal["promoted", "demoted"]
    to_tier: Tier
    by: str
    at_ms: int
    reason: str


class MemoryDocument(Wire, frozen=True, kw_only=True):
    """What a memory says: the part that is encrypted, and erased."""

    text: str
    tags: tuple[str, ...] = ()
    capsule: SolutionCapsule | None = None
    source: str | None = None
    notes: tuple[MemoryNote, ...] = ()


class MemoryEntry(Wire, frozen=True, kw_only=True):
    """Answer to `GET /v1/memory/{id}`: a memory and what it says."""

    memory: Memory
    document: MemoryDocument


class MemoryDeleted(Wire, frozen=True, kw_only=True):
    """Answer to `DELETE /v1/memory/{id}`.

    `erased`: its key is gone and the search has forgotten it. False only when that could not be done within seconds; it is
    tried until it is done, and the audit says when.
    """

    memory_id: str
    erased: bool


class SearchRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/memory/search`. `tiers` empty: all four.

    Words are looked for in any order, `"several words"` as they stand, `word*` as a beginning, `#tag` among the tags. What
    belongs to sessions and projects is found in the `workspace` and `project` that are named, the team's in the workspace;
    what is curated belongs to all. Not named: in every one that the caller may read.
    """

    query: Annotated[str, Meta(min_length=1, max_length=1_000)]
    tiers: tuple[Tier, ...] = ()
    workspace: Label | None = None
    project: Label | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class MemoryHit(Wire, frozen=True, kw_only=True):
    """One thing found; `score` is above 0 and at most 1, comparable within one answer only."""

    memory_id: str
    text: str
    tier: Tier
    kind: MemoryKind
    score: float
    workspace: str
    project: str
    tags: tuple[str, ...] = ()


class MemoryHits(Wire, frozen=True, kw_only=True):
    """Answer to a search, the best first. `blocked_scopes` are the tiers asked for that the caller may not read."""

    items: tuple[MemoryHit, ...]
    blocked_scopes: tuple[Tier, ...] = ()


class MemoryCapabilityRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/memory/capabilities`: rights narrower than one's own, for a run or a helper.

    `run_id`: good only while that run is alive, and no wider than what its mission was given. `workspace` and `project`:
    good there alone. Only a person can leave `require_review` out. At most a day.
    """

    read_tiers: tuple[Tier, ...] = ()
    write_tiers: tuple[Tier, ...] = ()
    promote_targets: tuple[UpperTier, ...] = ()
    require_review: bool = True
    expires_at_ms: int | None = None
    workspace: Label | None = None
    project: Label | None = None
    run_id: str | None = None


class MemoryCapability(Wire, frozen=True, kw_only=True):
    """Answer: a token to be sent as the bearer, signed by the engine.

    It opens nothing but memory, and ends with the token that it was asked for with.
    """

    token: str
    actor: str
    read_tiers: tuple[Tier, ...]
    write_tiers: tuple[Tier, ...]
    promote_targets: tuple[UpperTier, ...]
    require_review: bool
    expires_at_ms: int
    workspace: str | None = None
    project: str | None = None
    run_id: str | None = None


class MemoryAuditEntry(Wire, frozen=True, kw_only=True):
    """One attempt, allowed or not; never what a memory says. `reason` is a stable word."""

    position: int
    at_ms: int
    actor: str
    action: str
    status: str
    reason: str = ""
    memory_id: str | None = None
    tier: str | None = None
    to_tier: str | None = None
    tenant: str = ""
    env: str = ""
    workspace: str | None = None
    project: str | None = None
    approval_id: str | None = None
    redactions: tuple[Redaction, ...] = ()
    items: int = 0


class SealedMemory(Wire, frozen=True, kw_only=True):
    """A line of `GET /v1/memory/export`: the memory, and its ciphertext in base64.

    The first 12 bytes are the nonce, the rest is ChaCha20-Poly1305 (RFC 8439) over a `MemoryDocument` in JSON, with `aad`
    as associated data.
    """

    memory: Memory
    aad: str
    ciphertext: str


class MemoryKey(Wire, frozen=True, kw_only=True):
    """A line of `GET /v1/memory/export/keys`: what opens the ciphertext of this hash, 32 bytes in base64."""

    memory_id: str
    content_hash: str
    key: str
