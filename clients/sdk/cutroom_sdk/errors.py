"""What can go wrong between a client and a daemon, with the daemon's own stable codes."""

import email.utils
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.problems import CODES, FAILED


class SdkError(Exception):
    """An answer that says no, or no answer at all.

    `code` is one of the stable codes of `wire.problems`; `status` is the HTTP status, 0 when nothing answered;
    `extra` are the error's own fields. The text is one sentence: what is wrong and what would be right. `retry_after_s`
    is when the daemon says that trying again may help; None: it does not say.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int = 0,
        extra: dict[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.code = code
        self.detail = detail
        self.status = status
        self.extra = extra or {}
        self.retry_after_s = retry_after_s
        super().__init__(detail)

    @property
    def exit(self) -> int:
        """The exit code of a command that meets this error."""
        return CODES[self.code].exit if self.code in CODES else FAILED


class Unreachable(SdkError):
    """Nothing answers: no daemon, or the connection broke. Trying again may help."""

    def __init__(self, detail: str) -> None:
        super().__init__("unavailable", detail)


_OF_EVERY_PROBLEM: Final = frozenset({"type", "title", "status", "detail", "code", "instance"})
RETRY_MAX_S: Final = 300.0


def error_from(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> SdkError:
    """Return the error that an answer of `application/problem+json` stands for; other bodies are quoted."""
    pause = retry_after_s(headers or {})
    try:
        problem = decode(content, dict[str, Any])
        code, detail = str(problem["code"]), str(problem["detail"])
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
        text = content[:200].decode(errors="replace").strip() or "an empty body"
        return SdkError(
            "internal", f"the daemon answered {status} with {text}", status=status, retry_after_s=pause
        )
    extra = {name: value for name, value in problem.items() if name not in _OF_EVERY_PROBLEM}
    return SdkError(code, detail, status=status, extra=extra, retry_after_s=pause)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After` (RFC 9110, 10.2.3), at most 300; None: it is not there, or no such time.

    A time of day counts from the answer's own `Date`: the daemon's clock, not the reader's.

    >>> retry_after_s({"Retry-After": "2"}), retry_after_s({"Retry-After": "soon"}), retry_after_s({})
    (2.0, None, None)
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_MAX_S)
    try:
        until = email.utils.parsedate_to_datetime(text)
        said = email.utils.parsedate_to_datetime(headers.get("Date", ""))
        return min(max((until - said).total_seconds(), 0.0), RETRY_MAX_S)
    except (ValueError, TypeError):
        return None
