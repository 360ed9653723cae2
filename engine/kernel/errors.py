"""Everything that can be wrong, as one tree. Codes, statuses and exit codes: `cutroom_sdk.wire.problems`.

    StudioError
    |- Invalid            the request is wrong in itself
    |- Rejected           the request is right, the state does not allow it
    |- Conflict           somebody else was faster: expected, actual
    |- NotFound
    |- Unauthenticated    nobody knows who asks
    |- Forbidden          it is known who asks, and they may not
    |- Compacted          the log no longer reaches back that far: oldest
    |- Unavailable        not now: a dependency is missing, the disk is full
    |- LimitExceeded      more than is allowed at once
    |- WorkFailed         the work was tried and failed
    |  `- OutcomeUnknown  nobody knows whether it was done, and it must not be done twice
    `- WorkCanceled       somebody ended the work on purpose

A mistake of the programmer is an assertion, never one of these.
"""

from typing import Any, ClassVar

from cutroom_sdk.wire.problems import CODES, Code, Problem


class StudioError(Exception):
    """An error with a stable code. `detail` is one sentence: what is wrong and what would be right.

    `extra` are the error's own fields on the wire: `field`, `key`, `expected`, `actual`, ...
    """

    default_code: ClassVar[str] = "internal"

    def __init__(self, detail: str, *, code: str | None = None, **extra: Any) -> None:
        self.code = code or self.default_code
        assert self.code in CODES, f"{self.code} is not in the table of codes"
        self.detail = detail
        self.extra = extra
        super().__init__(detail)

    @property
    def meaning(self) -> Code:
        """The code's status, exit code and title."""
        return CODES[self.code]

    def problem(self, instance: str = "") -> Problem:
        """Return the error as it goes over the wire."""
        return Problem(
            type=f"urn:cutroom:problem:{self.code}",
            title=self.meaning.title,
            status=self.meaning.status,
            detail=self.detail,
            code=self.code,
            instance=instance,
            extra=self.extra,
        )


class Invalid(StudioError):
    """The request is wrong in itself; `field` names what is wrong where it is one field."""

    default_code = "invalid_request"


class Rejected(StudioError):
    """The state does not allow what was asked. `reason` is a stable word for clients to branch on."""

    default_code = "event_rejected"

    def __init__(self, reason: str, detail: str, *, code: str | None = None, **extra: Any) -> None:
        self.reason = reason
        super().__init__(detail, code=code, reason=reason, **extra)


class Conflict(StudioError):
    """Somebody else was faster."""

    default_code = "version_conflict"

    def __init__(
        self, detail: str, *, expected: int, actual: int, code: str | None = None, **extra: Any
    ) -> None:
        super().__init__(detail, code=code, expected=expected, actual=actual, **extra)


class NotFound(StudioError):
    """There is nothing under this name."""

    default_code = "not_found"


class Unauthenticated(StudioError):
    """Nobody knows who asks."""

    default_code = "unauthenticated"


class Forbidden(StudioError):
    """It is known who asks, and they may not."""

    default_code = "forbidden"


class Compacted(StudioError):
    """The log begins after the position asked for."""

    default_code = "compacted"

    def __init__(self, detail: str, *, oldest: int) -> None:
        super().__init__(detail, oldest=oldest)


class Unavailable(StudioError):
    """It cannot be done now; trying again later may help."""

    default_code = "unavailable"


class LimitExceeded(StudioError):
    """More than is allowed at once."""

    default_code = "payload_too_large"


class WorkFailed(StudioError):
    """The work was tried and failed; `extra` says where."""

    default_code = "work_failed"


class OutcomeUnknown(WorkFailed):
    """Nobody knows whether the work was done, and it must not be done again before a person has looked.

    A handler of the outbox that raises it leaves its command `unknown`, whatever it was registered as.
    """


class WorkCanceled(StudioError):
    """Somebody ended the work on purpose: nothing is wrong, and nobody wants it tried again by itself."""

    default_code = "canceled"
