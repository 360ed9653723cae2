"""Secrets by reference: what is said of them. Their values go in once and never come out."""

from cutroom_sdk.wire.codec import Request, Wire


class SecretRequest(Request, frozen=True, kw_only=True):
    """`PUT /v1/secrets/{name}`: 8 to 4096 bytes of UTF-8."""

    value: str


class Secret(Wire, frozen=True, kw_only=True):
    """The resource `secret/{name}`: that there is one, since when and by whom; its value is nowhere but in its file."""

    name: str
    set_at_ms: int
    set_by: str


class SecretRef(Request, frozen=True, kw_only=True):
    """Stands for a secret where its value is to go; `prefix` stands before it, such as `Bearer ` in a header."""

    secret: str
    prefix: str = ""
