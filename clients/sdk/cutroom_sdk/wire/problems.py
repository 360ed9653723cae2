"""Errors on the wire (RFC 9457): each stable code has one HTTP status and one exit code, here and nowhere else."""

from typing import Any, Final, NamedTuple

from cutroom_sdk.wire.codec import Wire

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
CONFLICT: Final = 4
REFUSED: Final = 5
UNAVAILABLE: Final = 6
CANCELED: Final = 130


class Code(NamedTuple):
    """What one stable code means: its HTTP status, the exit code of a command that meets it, its title."""

    status: int
    exit: int
    title: str


CODES: Final[dict[str, Code]] = {
    "invalid_request": Code(400, USAGE, "The request does not have the right shape"),
    "invalid_key": Code(400, USAGE, "The key is not well formed"),
    "dependency_cycle": Code(400, USAGE, "The work items depend on each other in a circle"),
    "unknown_dependency": Code(400, USAGE, "A work item depends on one that is not there"),
    "unknown_tool": Code(400, USAGE, "No tool has this name"),
    "unknown_template": Code(400, USAGE, "No mission template has this name"),
    "routine_cycle": Code(400, USAGE, "The routines begin each other in a circle"),
    "unknown_profile": Code(400, USAGE, "No target profile has this name"),
    "unknown_effect": Code(400, USAGE, "Nothing of this name is in the catalogue of effects"),
    "media_unreadable": Code(422, USAGE, "The file cannot be read as media"),
    "unauthenticated": Code(401, REFUSED, "A valid token is needed"),
    "signature_refused": Code(401, REFUSED, "The delivery's signature is not right"),
    "forbidden": Code(403, REFUSED, "The token does not allow this"),
    "engine_owned": Code(403, REFUSED, "The engine owns this key"),
    "origin_refused": Code(403, REFUSED, "The request does not come from an allowed place"),
    "path_outside_roots": Code(403, REFUSED, "The path is outside the media roots"),
    "address_refused": Code(403, REFUSED, "The address is not one that requests may be sent to"),
    "author_is_reviewer": Code(403, REFUSED, "An author cannot decide about their own work"),
    "blocked_policy": Code(403, REFUSED, "What the mission or its routine may do does not cover this"),
    "approval_denied": Code(403, REFUSED, "Somebody was asked for leave and did not give it"),
    "not_found": Code(404, NOT_FOUND, "There is nothing here"),
    "mission_not_found": Code(404, NOT_FOUND, "No mission has this id"),
    "memory_not_found": Code(404, NOT_FOUND, "No memory has this id"),
    "memory_unreadable": Code(404, NOT_FOUND, "What this memory said cannot be read"),
    "routine_not_found": Code(404, NOT_FOUND, "No routine has this id"),
    "method_not_allowed": Code(405, USAGE, "This method is not allowed here"),
    "request_timeout": Code(408, UNAVAILABLE, "The request did not come in time"),
    "approval_not_pending": Code(409, CONFLICT, "The approval is decided or void already"),
    "command_conflict": Code(409, CONFLICT, "The command's state does not allow this"),
    "routine_exists": Code(409, CONFLICT, "There is a routine of this id already"),
    "routine_not_active": Code(409, CONFLICT, "The routine does not fire"),
    "version_conflict": Code(409, CONFLICT, "Somebody else was faster"),
    "position_ahead": Code(409, CONFLICT, "The position is beyond the head of the log"),
    "job_conflict": Code(409, CONFLICT, "The job id belongs to other work"),
    "canceled": Code(422, CANCELED, "Somebody ended this before it was done"),
    "delivery_replayed": Code(409, CONFLICT, "The delivery was taken already"),
    "daemon_running": Code(409, CONFLICT, "A daemon holds this state directory"),
    "compacted": Code(410, CONFLICT, "The log no longer reaches back that far"),
    "revision_conflict": Code(412, CONFLICT, "The revision is not the one expected"),
    "payload_too_large": Code(413, USAGE, "The body is too large"),
    "unsupported_media_type": Code(415, USAGE, "The content type is not one of those understood"),
    "idempotency_mismatch": Code(422, CONFLICT, "The idempotency key was used for another request"),
    "answer_not_kept": Code(409, CONFLICT, "The request was carried out, its answer is gone"),
    "event_rejected": Code(422, CONFLICT, "The state does not allow this"),
    "head_too_large": Code(431, USAGE, "The address or the headers are too large"),
    "internal": Code(500, FAILED, "Something went wrong inside"),
    "work_failed": Code(500, FAILED, "The work failed"),
    "unavailable": Code(503, UNAVAILABLE, "This cannot be done now"),
    "insufficient_storage": Code(507, UNAVAILABLE, "The disk is full"),
}


def is_final(code: str) -> bool:
    """Tell whether an error lies in what was asked for: the same again gives the same error.

    >>> is_final("media_unreadable"), is_final("unavailable")
    (True, False)
    """
    return code in CODES and CODES[code].exit in (USAGE, NOT_FOUND, REFUSED)


class Problem(Wire, frozen=True, kw_only=True):
    """`application/problem+json`. An error's own fields (`key`, `expected`, `field`, ...) are in `extra`."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"
    instance: str = ""
    extra: dict[str, Any] = {}
