"""What can go wrong between a client and a daemon, with the daemon's own stable codes."""

from typing import Any

import msgspec

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.problems import CODES, FAILED


class SdkError(Exception):
    """An answer that says no, or no answer at all.

    `code` is one of the stable codes of `wire.problems`; `status` is the HTTP status, 0 when nothing answered;
    `extra` are the error's own fields. The text is one sentence: what is wrong and what would be right.
    """

    def __init__(
        self, code: str, detail: str, *, status: int = 0, extra: dict[str, Any] | None = None
    ) -> None:
        self.code = code
        self.detail = detail
        self.status = status
        self.extra = extra or {}
        super().__init__(detail)

    @property
    def exit(self) -> int:
        """The exit code of a command that meets this error."""
        return CODES[self.code].exit if self.code in CODES else FAILED


class Unreachable(SdkError):
    """Nothing answers: no daemon, or the connection broke. Trying again may help."""

    def __init__(self, detail: str) -> None:
        super().__init__("unavailable", detail)


_OF_EVERY_PROBLEM = frozenset({"type", "title", "status", "detail", "code", "instance"})


def error_from(status: int, content: bytes) -> SdkError:
    """Return the error that an answer of `application/problem+json` stands for; other bodies are quoted."""
    try:
        problem = decode(content, dict[str, Any])
        code, detail = str(problem["code"]), str(problem["detail"])
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
        text = content[:200].decode(errors="replace").strip() or "an empty body"
        return SdkError("internal", f"the daemon answered {status} with {text}", status=status)
    extra = {name: value for name, value in problem.items() if name not in _OF_EVERY_PROBLEM}
    return SdkError(code, detail, status=status, extra=extra)
