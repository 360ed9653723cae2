"""What may be posted to a mission (`/v1/missions/{id}/events`), and what is answered."""

from typing import Annotated, Any

from msgspec import Meta

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.missions import AtLeastOne, GateName, Mission, RunEnd


class PostStarted(Request, frozen=True, kw_only=True, tag_field="type", tag="mission.started"):
    """Begin."""


class PostPaused(Request, frozen=True, kw_only=True, tag_field="type", tag="mission.paused"):
    """Start nothing new; what runs goes on."""

    reason: str = ""


class PostResumed(Request, frozen=True, kw_only=True, tag_field="type", tag="mission.resumed"):
    """Go on after a pause."""


class PostCanceled(Request, frozen=True, kw_only=True, tag_field="type", tag="mission.canceled"):
    """Stop everything for good."""

    reason: str = ""


class PostRunStarted(Request, frozen=True, kw_only=True, tag_field="type", tag="run.started"):
    """Somebody has begun with a `manual` item. Its time counts from when it was asked for all the same."""

    work_item_id: str
    run_id: str


class PostToolObserved(Request, frozen=True, kw_only=True, tag_field="type", tag="tool.observed"):
    """Whoever does a `manual` item has called a tool of their own; it counts against `max_tool_calls`."""

    work_item_id: str
    run_id: str
    tool: Annotated[str, Meta(min_length=1, max_length=128)]


class PostRunFinished(Request, frozen=True, kw_only=True, tag_field="type", tag="run.finished"):
    """The report of a `manual` item."""

    work_item_id: str
    run_id: str
    status: RunEnd
    artifact_refs: tuple[str, ...] = ()
    reason: str = ""


class PostGranted(Request, frozen=True, kw_only=True, tag_field="type", tag="approval.granted"):
    """Decide an approval: yes. The reviewer is who posts it."""

    work_item_id: str
    run_id: str
    approval_id: str
    gate: GateName


class PostDenied(Request, frozen=True, kw_only=True, tag_field="type", tag="approval.denied"):
    """Decide an approval: no. `amend` is merged into the item's input for the next attempt."""

    work_item_id: str
    run_id: str
    approval_id: str
    gate: GateName
    reason: str = ""
    amend: dict[str, Any] = {}


class PostResourceChanged(Request, frozen=True, kw_only=True, tag_field="type", tag="resource.changed"):
    """A resource is at a new rev. Where somebody is being asked about it they are asked anew; else it changes nothing."""

    key: str
    rev: AtLeastOne


PostedEvent = (
    PostStarted
    | PostPaused
    | PostResumed
    | PostCanceled
    | PostRunStarted
    | PostToolObserved
    | PostRunFinished
    | PostGranted
    | PostDenied
    | PostResourceChanged
)


class MissionEventRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/missions/{id}/events`. `expected_version`: refuse when the mission has moved on."""

    event: PostedEvent
    expected_version: int | None = None


class MissionEventAnswer(Wire, frozen=True, kw_only=True):
    """The mission afterwards, and what the engine was asked to carry out because of the event."""

    mission: Mission
    commands: tuple[dict[str, Any], ...]
