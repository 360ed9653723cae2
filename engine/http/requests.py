"""What routes are made of: decode the request, know the caller, encode the answer."""

import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from cutroom_sdk.wire.codec import decode, encode, to_builtins
from engine.http import queries
from engine.kernel.beginning import refuse_before
from engine.kernel.context import Context
from engine.kernel.errors import Conflict, Forbidden, Invalid, LimitExceeded, NotFound, StudioError
from engine.kernel.kernel import Kernel

T = TypeVar("T")
BODY_MAX: Final = 1 << 20
BODY_DEPTH_MAX: Final = 128
LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000
INTEGER_MAX: Final = 2**63 - 1
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def kernel(request: Request) -> Kernel:
    """The daemon's kernel."""
    found: Kernel = request.app.state.kernel
    return found


def identified(request: Request) -> Context:
    """Return who asks, whatever they may do.

    Raises:
        Invalid: a query parameter that the route does not take.
    """
    queries.check(request)
    context: Context = request.state.context
    return context


def caller(request: Request, capability: str) -> Context:
    """Return who asks, with parameters that there are.

    Raises:
        Forbidden: the token lacks `capability`.
        Invalid: a query parameter that the route does not take.
    """
    context: Context = request.state.context
    request.state.capability = capability
    if not context.may(capability):
        raise Forbidden(f"this needs the capability {capability}, which the token of {context.actor} lacks")
    queries.check(request)
    return context


async def raw_body(request: Request, *, most: int = BODY_MAX) -> bytes:
    """Return a request's body.

    Raises:
        LimitExceeded: it has more than `most` bytes.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise LimitExceeded(f"the body has more than {most} bytes")
        parts.append(part)
    return b"".join(parts)


async def body(request: Request, kind: type[T], *types: str) -> T:
    """Read the JSON body as `kind`. `types` are the content types taken, `application/json` unless named.

    Of a name that an object has twice the last counts, at every level.

    Raises:
        Invalid: not JSON, nested too deeply, or another shape; `field` names where.
        StudioError: `unsupported_media_type`.
    """
    check_content_type(request, *types)
    return read_json(await raw_body(request), kind)


async def body_of_known(request: Request, kind: type[T]) -> T:
    """Read the JSON body as `kind`, as `body` does, with no field in it anywhere that `kind` does not have.

    For requests made of payloads that are read tolerantly where they are answers.

    Raises:
        Invalid: as `body`; or a field that nobody knows, at any depth.
    """
    check_content_type(request)
    content = await raw_body(request)
    found = read_json(content, kind)
    _check_known(msgspec.json.decode(content), to_builtins(found), "")
    return found


def _check_known(given: Any, known: Any, field: str) -> None:
    if isinstance(given, dict) and isinstance(known, dict):
        for name, value in given.items():
            where = f"{field}.{name}" if field else name
            if name not in known:
                raise Invalid(f"{where}: Object contains unknown field `{name}`", field=where)
            _check_known(value, known[name], where)
    elif isinstance(given, list) and isinstance(known, list | tuple):
        for number, (one, other) in enumerate(zip(given, known, strict=True)):
            _check_known(one, other, f"{field}[{number}]")


def read_json(content: bytes, kind: type[T]) -> T:
    """Read JSON that came from outside as `kind`.

    Raises:
        Invalid: not JSON, nested too deeply, or another shape; `field` names where.
    """
    try:
        found = decode(content, kind)
    except msgspec.ValidationError as error:
        raise shape_error(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"the body is not JSON: {error}", field="body") from error
    except RecursionError as error:
        raise _too_deep() from error
    if json_depth(content) > BODY_DEPTH_MAX:
        raise _too_deep()
    return found


def _too_deep() -> Invalid:
    return Invalid(f"the body is nested too deeply; {BODY_DEPTH_MAX} levels are the most", field="body")


def json_depth(content: bytes) -> int:
    """Return how deep JSON is nested, or a bound within the limit when that can be told at a glance.

    >>> json_depth(b'{"a": [1, "]]["]}'), json_depth(b'[[[]], "[' + b'[' * BODY_DEPTH_MAX + b'"]')
    (3, 3)
    """
    brackets = content.count(b"[") + content.count(b"{")
    if brackets <= BODY_DEPTH_MAX:
        return brackets
    structure = _STRING.sub(b"", content)
    steps = (1 if one in b"[{" else -1 for one in structure if one in b"[]{}")
    return max(accumulate(steps))


def check_content_type(request: Request, *types: str) -> str:
    """Return the request's content type without parameters; a body that is packed is of no type.

    Raises:
        StudioError: `unsupported_media_type`; the text names what would be taken.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise StudioError(
            f"the body is packed ({coding[:40]!r}); nothing is unpacked here, send it as it is",
            code="unsupported_media_type",
        )
    wanted = types or ("application/json",)
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in wanted:
        raise StudioError(
            f"the content type is {given or 'missing'!r}; {' or '.join(wanted)} is taken",
            code="unsupported_media_type",
        )
    return given


def shape_error(error: msgspec.ValidationError) -> Invalid:
    """Return a decoder's complaint as an error that names the field.

    >>> shape_error(msgspec.ValidationError("Expected `int`, got `str` - at `$.work_items[0].gates`")).extra
    {'field': 'work_items[0].gates'}
    >>> shape_error(msgspec.ValidationError("Object contains unknown field `agent` - at `$.gates`")).extra
    {'field': 'gates.agent'}
    """
    text, _, place = str(error).partition(" - at `$")
    names = (text.partition(f"{what} field `")[2].rstrip("`") for what in ("unknown", "missing required"))
    field = ".".join(part for part in (place.rstrip("`").lstrip("."), *names) if part)
    where = f"{field}: " if field else ""
    return Invalid(f"{where}{text}", field=field or "body")


def query_integer(
    request: Request, name: str, default: int, *, least: int = 0, most: int = INTEGER_MAX
) -> int:
    """Return a whole number of the query string, `default` when it is not given.

    Raises:
        Invalid: not a whole number, or outside `[least, most]`.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    digits = text.isascii() and text.isdigit() and len(text) <= 19
    if not digits or not least <= int(text) <= most:
        raise Invalid(f"{name} is {text[:40]!r}; a whole number from {least} to {most} is taken", field=name)
    return int(text)


def after_position(request: Request, name: str = "after") -> int:
    """Return the position of the query after which to read the log; when it is not given, where the log begins.

    Raises:
        Invalid: not a position.
        Compacted: the log begins later.
    """
    oldest = kernel(request).log.oldest
    position = query_integer(request, name, oldest)
    refuse_before(oldest, position)
    return position


def position_asked(request: Request) -> int:
    """Return the position of the query's `at`: what is to be answered as it was then.

    Raises:
        Invalid: not a position.
        Conflict: `position_ahead`: the log has not come to it.
    """
    at, head = query_integer(request, "at", 0), kernel(request).dispatch.head
    if at > head:
        raise Conflict(
            f"the position {at} is beyond the head {head}",
            expected=at,
            actual=head,
            code="position_ahead",
            head=head,
        )
    return at


def answer(
    value: Any, *, status: int = 200, rev: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a value as JSON; `rev` becomes the ETag."""
    response = Response(encode(value), status, dict(headers or {}), "application/json")
    if rev is not None:
        response.headers["ETag"] = etag(rev)
    return response


def etag(rev: int) -> str:
    """Return a rev as an entity tag."""
    return f'"{rev}"'


def unchanged(request: Request, rev: int) -> bool:
    """Tell whether the caller has this rev already: `If-None-Match` names it, alone or in a list, or says `*`.

    Weak tags count as their strong ones, as RFC 9110, 13.1.2, has it for reads.
    """
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag(rev) in tags or "*" in tags


def expected_rev(request: Request) -> int | None:
    """Return the rev that a write insists on: from `If-Match`, 0 from `If-None-Match: *`, else None.

    Raises:
        Invalid: a tag that is no rev; a precondition is never passed over.
    """
    absent = request.headers.get("if-none-match")
    if absent is not None:
        if absent.strip() != "*":
            raise Invalid(
                f"If-None-Match is {absent[:40]}; for a write only * is taken", field="If-None-Match"
            )
        return 0
    tag = request.headers.get("if-match")
    if tag is None:
        return None
    inner = tag.strip().removeprefix('"').removesuffix('"')
    if not (inner.isascii() and inner.isdigit() and len(inner) <= 19):
        raise Invalid(f'If-Match is {tag[:40]}; a rev in quotes such as "3" is taken', field="If-Match")
    return int(inner)


async def listing(request: Request, prefix: str, context: Context) -> Response:
    """Answer `{items, next, position}`: the values of the resources under `prefix`, sorted by key."""
    limit = query_integer(request, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    cursor = request.query_params.get("cursor", "")
    page = await kernel(request).resources.page(prefix, context.partition, limit=limit, cursor=cursor)
    items = [msgspec.Raw(record.value) for record in page.items]
    return answer({"items": items, "next": page.next, "position": page.position})


async def one(request: Request, key: str, context: Context, *, missing: NotFound | None = None) -> Response:
    """Answer one resource's value with its ETag.

    Raises:
        NotFound: there is none; `missing` says it in the feature's words.
    """
    record = await kernel(request).resources.record(key, context.partition)
    if record is None:
        raise missing or NotFound(f"there is no {key}", key=key)
    if unchanged(request, record.rev):
        return Response(status_code=304, headers={"ETag": etag(record.rev)})
    return answer(msgspec.Raw(record.value), rev=record.rev)
