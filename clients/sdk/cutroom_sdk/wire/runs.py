"""Runs: one execution of a work item."""

from typing import Any, Literal

from cutroom_sdk.wire.codec import Wire

RunStatus = Literal["queued", "running", "succeeded", "failed", "canceled"]


class RunError(Wire, frozen=True, kw_only=True):
    """Why a run failed. `code` is one of the stable codes, or `canceled`; `extra` are the error's own fields."""

    code: str
    detail: str
    extra: dict[str, Any] = {}


class Run(Wire, frozen=True, kw_only=True):
    """Resource `run/{run_id}`. Its progress is under the same key.

    `refs` are what it was given, `made` what it made (resource keys). `calls` counts the calls of its tool: more than
    one when the daemon was ended in between. `reasons` are what earlier attempts of the item were sent back for.
    `role` says as what the item is done.
    `approval_id` is the leave that a call of a tool waits for, or has and has not used yet.
    """

    run_id: str
    mission_id: str
    work_item_id: str
    tool: str
    attempt: int
    status: RunStatus
    input: dict[str, Any]
    refs: tuple[str, ...]
    reasons: tuple[str, ...]
    queued_at_ms: int
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    calls: int = 0
    author: str = ""
    made: tuple[str, ...] = ()
    reused: bool = False
    notices: tuple[str, ...] = ()
    output: dict[str, Any] = {}
    error: RunError | None = None
    approval_id: str | None = None
    role: str = ""
