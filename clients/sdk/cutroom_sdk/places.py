"""Addresses and headers of requests: names put into paths, preconditions, query strings."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from cutroom_sdk.errors import SdkError

Query = dict[str, str | Sequence[str]]
_PLACE: Final = re.compile(r"\{\w+\}")
_LEADS_AWAY: Final = frozenset({"", ".", ".."})


def filled(template: str, *names: str) -> str:
    """Return a route's path with names in its places, in their order; what an address cannot hold is escaped.

    Raises:
        SdkError: `invalid_request`, a name that addresses take away: empty, `.` or `..`.

    >>> filled("/v1/runs/{id}", "a b")
    '/v1/runs/a%20b'
    """
    for name in names:
        if name in _LEADS_AWAY:
            raise SdkError(
                "invalid_request", f"{name!r} is no name: no address can hold it; give the whole name"
            )
    left = iter(names)
    return _PLACE.sub(lambda _: quote(next(left), safe=""), template)


def path_of_key(key: str) -> str:
    """Return the path of a resource.

    Raises:
        SdkError: `invalid_key`, an empty segment or one that is `.` or `..`: an address takes those away, and the request
            would be for another resource.
    """
    segments = key.split("/")
    if not _LEADS_AWAY.isdisjoint(segments):
        raise SdkError(
            "invalid_key",
            f"{key[:80]!r} is no key: each segment between two / has 1 to 128 letters, digits and . _ ~ -, and is not . or ..",
            extra={"key": key[:512]},
        )
    return "/v1/resources/" + "/".join(quote(segment, safe="") for segment in segments)


def conditions(
    *, if_match: int | None = None, if_absent: bool = False, idempotency_key: str | None = None
) -> dict[str, str]:
    """Return the headers that say when a write counts, and that a repeat of it is the same write.

    >>> conditions(if_match=3, idempotency_key="k")
    {'If-Match': '"3"', 'Idempotency-Key': 'k'}
    """
    headers = {}
    if if_match is not None:
        headers["If-Match"] = f'"{if_match}"'
    if if_absent:
        headers["If-None-Match"] = "*"
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    return headers


def given(asked: Mapping[str, str | int | None]) -> dict[str, str]:
    """Return those parameters of a query that were given.

    >>> given({"status": None, "limit": 3})
    {'limit': '3'}
    """
    return {name: str(value) for name, value in asked.items() if value is not None}
