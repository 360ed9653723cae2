"""What the tool `http_request` takes and gives."""

from typing import Annotated, Any, Literal

import msgspec

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.secrets import SecretRef

HttpMethod = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class HttpRequestInput(Request, frozen=True, kw_only=True):
    """Input of the tool `http_request`.

    A header's value, and any value in `body` at any depth, may be `{"secret": NAME}`; `body` goes as JSON, `text` as it is:
    one of the two. `keyed` sends the run's id as `Idempotency-Key`, and lets a PUT be sent again after a crash. Redirects
    are not followed. `statuses` are those that count as success; none named: 200 to 299. Of the answer `max_bytes` are read.
    """

    url: str
    method: HttpMethod = "GET"
    headers: dict[str, str | SecretRef] = {}
    body: Any = None
    text: str | None = None
    keyed: bool = False
    statuses: tuple[Annotated[int, msgspec.Meta(ge=100, le=599)], ...] = ()
    limit_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 30.0
    max_bytes: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)] = 64 << 10


class HttpRequestOutput(Wire, frozen=True, kw_only=True):
    """Output of `http_request`. `text` is the answer's beginning, `bytes` and `sha256` are those of what was read.

    `truncated`: the answer goes on beyond what was read, or is longer than `text`. Secrets are their names in it.
    """

    status: int
    headers: dict[str, str]
    text: str
    bytes: int
    sha256: str
    truncated: bool
