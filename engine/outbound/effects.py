"""The tool `http_request`: a run sends a request to another machine, checked, bounded, and without secrets in what is kept."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from cutroom_sdk.wire.codec import encode, to_builtins
from cutroom_sdk.wire.outbound import HttpRequestInput, HttpRequestOutput
from cutroom_sdk.wire.secrets import SecretRef
from engine.kernel.errors import Invalid, Unavailable, WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.kernel.vault import Vault
from engine.outbound.client import Answer, send
from engine.outbound.guard import Allowed, pin, read_target

TOOL: Final = "http_request"
LIMIT_S: Final = 330.0
TEXT_MAX: Final = 6 << 10  # of an answer, in what is kept of the run; more in JSON, where it is escaped
BODY_MAX: Final = 1 << 20
HEADERS_MAX: Final = 50
HEADERS_KEPT: Final = frozenset({"content-type", "date", "etag", "last-modified", "location", "retry-after"})
PASSING: Final = frozenset({429, 502, 503, 504})  # may be over the next time
# What the client itself says, and what would make of one request two.
_OWN_HEADERS: Final = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "accept-encoding",
        "upgrade",
        "te",
        "trailer",
        "expect",
    }
)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")


class Outbound:
    """What leaves the machine. `allowed` are the operator's own places that may be reached although they are closed."""

    def __init__(self, vault: Vault, allowed: Sequence[Allowed]) -> None:
        self._vault = vault
        self._allowed = allowed

    async def request(self, asked: HttpRequestInput, context: ToolContext) -> ToolResult:
        """Send a request.

        Raises:
            Invalid: the address, a header or the body cannot be sent.
            Forbidden: `address_refused`.
            NotFound: a secret that it names is not here.
            Unavailable: nobody answers now; only where the request may be sent again.
            WorkFailed: it was answered with another status than asked for, or nobody knows whether it was carried out.
        """
        target = read_target(asked.url)
        partition = context.context.partition
        secret = _uses_secret(asked)
        headers = self._headers(asked, context)
        content = self._content(asked, partition)
        pinned = await pin(target, self._allowed)
        if secret and target.scheme != "https" and not pinned.own:
            raise Invalid("a secret goes over https:// only, or to what outbound_allow names", field="url")
        try:
            answer = await send(
                pinned, asked.method, headers, content, limit_s=asked.limit_s, most=asked.max_bytes
            )
        except Unavailable as error:
            raise error if may_repeat(asked) else WorkFailed(error.detail) from error
        except WorkFailed as error:
            raise Unavailable(error.detail) if may_repeat(asked) else error from error
        return self._result(asked, answer, partition)

    def _headers(self, asked: HttpRequestInput, context: ToolContext) -> list[tuple[bytes, bytes]]:
        if len(asked.headers) > HEADERS_MAX:
            raise Invalid(f"there are {len(asked.headers)} headers; {HEADERS_MAX} are taken", field="headers")
        found = {"user-agent": "cutroom"}
        if asked.body is not None:
            found["content-type"] = "application/json"
        if asked.keyed:
            found["idempotency-key"] = context.run_id
        for name, value in asked.headers.items():
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
                raise Invalid(f"the header {name[:64]!r} cannot be set", field=f"headers.{name[:64]}")
            text = self._value(value, context.context.partition) if isinstance(value, SecretRef) else value
            if not _HEADER_VALUE.fullmatch(text):
                raise Invalid(
                    f"the value of {name} has characters that a header cannot have", field=f"headers.{name}"
                )
            found[name.lower()] = text
        return [(name.encode(), text.encode()) for name, text in found.items()]

    def _content(self, asked: HttpRequestInput, partition: str) -> bytes:
        if asked.body is not None and asked.text is not None:
            raise Invalid("give either body or text", field="body")
        if asked.body is None:
            content = (asked.text or "").encode()
        else:
            content = encode(self._filled(asked.body, partition))
        if len(content) > BODY_MAX:
            raise Invalid(f"the body has {len(content)} bytes; {BODY_MAX} are taken", field="body")
        if content and asked.method in ("GET", "HEAD"):
            raise Invalid(f"a {asked.method} has no body", field="body")
        return content

    def _filled(self, value: Any, partition: str) -> Any:
        ref = _reference(value)
        if ref is not None:
            return self._value(ref, partition)
        if isinstance(value, dict):
            return {name: self._filled(one, partition) for name, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one, partition) for one in value]
        return value

    def _value(self, ref: SecretRef, partition: str) -> str:
        return ref.prefix + self._vault.value(partition, ref.secret)

    def _result(self, asked: HttpRequestInput, answer: Answer, partition: str) -> ToolResult:
        text = self._vault.redacted(answer.content.decode("utf-8", "replace"), partition)
        kept = _cut(text)
        headers = {
            name.decode("latin-1").lower(): self._vault.redacted(value.decode("latin-1")[:1000], partition)
            for name, value in answer.headers
            if name.decode("latin-1").lower() in HEADERS_KEPT
        }
        output = HttpRequestOutput(
            status=answer.status,
            headers=headers,
            text=kept,
            bytes=len(answer.content),
            sha256=hashlib.sha256(answer.content).hexdigest(),
            truncated=not answer.whole or kept != text,
        )
        right = answer.status in asked.statuses if asked.statuses else 200 <= answer.status < 300
        if not right:
            said = f"{asked.method} was answered with {answer.status}: {kept[:300]}"
            if answer.status in PASSING and may_repeat(asked):
                raise Unavailable(said)
            raise WorkFailed(said, status=answer.status)
        return ToolResult(output=to_builtins(output))


def may_repeat(asked: HttpRequestInput) -> bool:
    """Tell whether a request may be sent again when nobody knows what became of it (RFC 9110, 9.2.2).

    Of PUT only with a key: that the server means replacing by it is a promise nobody checks.
    """
    return asked.method in ("GET", "HEAD") or (asked.method == "PUT" and asked.keyed)


def _address(url: str) -> str:
    target = read_target(url)
    return f"{target.scheme}://{target.authority}{target.path}"


def _reference(value: Any) -> SecretRef | None:
    if not (isinstance(value, Mapping) and "secret" in value and value.keys() <= {"secret", "prefix"}):
        return None
    try:
        return msgspec.convert(value, SecretRef)
    except msgspec.ValidationError as error:
        raise Invalid(f"a reference to a secret: {error}", field="body") from error


def _uses_secret(asked: HttpRequestInput) -> bool:
    def within(value: Any) -> bool:
        if _reference(value) is not None:
            return True
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return any(map(within, inner))

    return within(asked.body) or any(isinstance(one, SecretRef) for one in asked.headers.values())


def _cut(text: str) -> str:
    """Return the beginning of a text, short enough in JSON too, where a character may take six."""
    kept = text[:TEXT_MAX]
    while len(encode(kept)) > 2 * TEXT_MAX:
        kept = kept[: len(kept) * 2 // 3]
    return kept


def register(kernel: Kernel, allowed: Sequence[Allowed]) -> None:
    """Put the tool on the registry."""
    outbound = Outbound(kernel.vault, allowed)
    kernel.tools.add(
        Tool(
            name=TOOL,
            title="Send a request to another machine",
            input=HttpRequestInput,
            call=outbound.request,
            effect="external",
            capability="outbound:request",
            limit_s=LIMIT_S,
            idempotent=False,
            may_repeat=may_repeat,
            touches=lambda asked: (f"{asked.method} {asked.url}",),
            targets=lambda asked: (_address(asked.url),),
        )
    )
