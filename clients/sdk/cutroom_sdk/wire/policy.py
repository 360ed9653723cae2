"""Policy: what would become of a call of a tool, and by which rule."""

from typing import Any, Final, Literal

from cutroom_sdk.wire.codec import Request, Wire

ToolEffect = Literal["none", "local", "external"]
PolicyDecision = Literal["run", "blocked_policy", "pending_approval"]
UNASKED: Final = (
    "effects:external"  # the capability of a mission whose tools leave the machine without asking a person
)


class SimulateRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/policy/simulate`: what would become of a call; nothing is called, nothing is kept.

    At most one of `actor`, `mission_id` and `routine_id` says for whom; none: for the caller. For an actor it is a mission of
    theirs with these `capabilities`, as in `POST /v1/missions`: not given, what the tool needs. `args` are the tool's.
    """

    tool: str
    args: dict[str, Any] = {}
    actor: str | None = None
    mission_id: str | None = None
    routine_id: str | None = None
    capabilities: tuple[str, ...] | None = None


class SimulateAnswer(Wire, frozen=True, kw_only=True):
    """The verdict. `rule` is one of docs/reference/policy.md; `effect` and `targets` are what the tool declares."""

    decision: PolicyDecision
    rule: str
    reason: str
    effect: ToolEffect
    targets: tuple[str, ...]
