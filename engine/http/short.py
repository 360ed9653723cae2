"""The short way: a plain GET or PUT of one record, answered without a task, a router or a request object.

Most of what a daemon under load is asked are these two. Here they take what they need and nothing else: the head is looked
at once, the token and the rights are the gate's, the write goes down the one write path, and the answer is one piece of
bytes. What is taken is only what is beyond doubt; whatever is unusual in the least (a header that is not on the list, a
query, a key, a body or a token that would be refused) goes the ordinary way, untouched, and is answered or refused there.
So no rule of the border stands here a second time but as a reason to let go.

It knows no connection: `engine/http/connection.py` asks it and sends what it says.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.resources import Operation, PutRequest
from engine.http.gate import SECURITY, CheckToken
from engine.http.problems import bug_response, problem_response
from engine.http.requests import BODY_DEPTH_MAX, json_depth
from engine.http.routes import wire_record, written_record
from engine.kernel import records
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import StudioError
from engine.kernel.ids import kind_of
from engine.kernel.kernel import Kernel
from engine.kernel.resources import Record

PATH: Final = b"/v1/resources/"
BODY_MAX: Final = 64 << 10
Headers = Sequence[tuple[bytes, bytes]]
# All that a plain request may say; what is not here may mean something, and the ordinary way knows what.
_PLAIN: Final = frozenset(
    (b"host", b"authorization", b"accept", b"accept-encoding", b"user-agent", b"connection")
)
_OF_PUT: Final = _PLAIN | {b"content-type", b"content-length", b"if-match", b"if-none-match"}
_OK: Final = STATUS_LINE[200]
_LINES: Final = b"".join(name + b": " + value + b"\r\n" for name, value in SECURITY)


class Taken(NamedTuple):
    """A request that goes the short way; `rev` is what a PUT insists on, None: nothing."""

    put: bool
    key: str
    context: Context
    rev: int | None = None


class ShortWay:
    """Looks at heads, and answers what it has taken."""

    def __init__(
        self,
        kernel: Kernel,
        check_token: CheckToken,
        hosts: Callable[[], frozenset[str]],
        asked: Callable[[], None],
        answers: Counter[tuple[str, int]],
    ) -> None:
        """`asked` is called for each request that is taken; `answers` are counted by method and status."""
        self._kernel = kernel
        self._check_token = check_token
        self._hosts = hosts
        self._asked = asked
        self._answers = answers
        self._common: Headers = ()
        self._common_lines = b""

    def take(self, method: bytes, url: bytes, headers: Headers) -> Taken | None:
        """Return what a request comes to when it is plain, None when it is to go the ordinary way."""
        put = method == b"PUT"
        if not (put or method == b"GET") or not url.startswith(PATH):
            return None
        given = dict(headers)
        if len(given) != len(headers) or not given.keys() <= (_OF_PUT if put else _PLAIN):
            return None
        if given.get(b"connection", b"keep-alive") != b"keep-alive":
            return None
        if given.get(b"host", b"").decode("latin-1").lower() not in self._hosts():
            return None
        scheme, _, token = given.get(b"authorization", b"").partition(b" ")
        context = self._check_token(token.decode("latin-1")) if scheme == b"Bearer" else None
        if context is None:
            return None
        key = url[len(PATH) :].decode("latin-1")
        return self._put(key, context, given) if put else self._get(key, context)

    def _get(self, key: str, context: Context) -> Taken | None:
        aggregate = self._kernel.aggregates.get(kind_of(key))
        readable = context.may(aggregate.reads if aggregate else "resources:read")
        return Taken(False, key, context) if readable else None

    def _put(self, key: str, context: Context, given: dict[bytes, bytes]) -> Taken | None:
        size = given.get(b"content-length", b"")
        if given.get(b"content-type") != b"application/json" or not (
            size.isdigit() and int(size) <= BODY_MAX
        ):
            return None
        if not context.may("resources:write") or not _may_write(key):
            return None
        tag, absent = given.get(b"if-match"), given.get(b"if-none-match")
        if tag is None and absent is None:
            return Taken(True, key, context)
        if tag is None:
            return Taken(True, key, context, 0) if absent == b"*" else None
        inner = tag[1:-1]
        strong = tag[:1] == tag[-1:] == b'"' and inner.isdigit() and len(inner) <= 18
        return Taken(True, key, context, int(inner)) if strong and absent is None else None

    def get(self, taken: Taken, common: Headers) -> bytes | None:
        """Return the whole answer to a GET; None: the record is not in memory, or not there at all."""
        kept = self._kernel.latest.get(taken.key, taken.context.partition)
        if kept is None:
            return None
        self._asked()
        if kept.made is None:
            kept.made = _content(kept.record)
        self._answers["GET", 200] += 1
        return _OK + self._lines(common) + kept.made

    def put(self, taken: Taken, body: bytes) -> "asyncio.Future[tuple[Accepted, ...]] | None":
        """Return what will have the outcome of a PUT; None: its body is not plain either."""
        try:
            asked = decode(body, PutRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if json_depth(body) > BODY_DEPTH_MAX or self._kernel.dispatch.ended:
            return None
        self._asked()
        operation = Operation(
            op="put", key=taken.key, value=asked.value, if_match_rev=taken.rev, ttl_ms=asked.ttl_ms
        )
        proposal = records.WriteRecords(operations=(operation,))
        return self._kernel.dispatch.offer((Asked(records.STREAM, proposal),), taken.context)

    def written(
        self, taken: Taken, outcome: "asyncio.Future[tuple[Accepted, ...]]", common: Headers
    ) -> bytes:
        """Return the whole answer to a PUT whose outcome is there: the record, or why there is none."""
        error = outcome.exception()
        if error is not None:
            return self._refused(taken, error, common)
        (accepted,) = outcome.result()
        status = 201 if accepted.before[taken.key].value is None else 200
        self._answers["PUT", status] += 1
        return STATUS_LINE[status] + self._lines(common) + _content(written_record(taken.key, accepted))

    def _refused(self, taken: Taken, error: BaseException, common: Headers) -> bytes:
        path = PATH.decode() + taken.key
        if isinstance(error, StudioError):
            response = problem_response(error, path)
        else:
            assert isinstance(error, Exception)
            response = bug_response({"method": "PUT", "path": path}, error)
        self._answers["PUT", response.status_code] += 1
        fields = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
        lead = STATUS_LINE[response.status_code] + self._lines(common)
        return lead + fields + _LINES + b"\r\n" + bytes(response.body)

    def _lines(self, common: Headers) -> bytes:
        """Return the headers that every answer has, the date; the server makes a new list of them each second."""
        if common is not self._common:
            self._common = common
            self._common_lines = b"".join(name + b": " + value + b"\r\n" for name, value in common)
        return self._common_lines


@lru_cache(4096)
def _may_write(key: str) -> bool:
    try:
        records.check_key(key)
        records.check_writable(key)
    except StudioError:
        return False
    return True


def _content(record: Record) -> bytes:
    """Return a record's own headers, and the record as the body."""
    body = encode(wire_record(record))
    head = b'content-length: %d\r\ncontent-type: application/json\r\netag: "%d"\r\n' % (len(body), record.rev)
    return head + _LINES + b"\r\n" + body
