"""Where a request may go: the address is read, its host looked up once, and every answer checked before anything is sent.

A name that leads to a public address and to a closed one is refused: which of the two is taken would be chance. The
connection then goes to the address that was checked; a name looked up again could lead elsewhere by then.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from engine.kernel.errors import Forbidden, Invalid, Unavailable
from engine.outbound.addresses import Address, host_of, why_closed

PORTS: Final = {"http": 80, "https": 443}
URL_MAX: Final = 8 << 10


class Allowed(NamedTuple):
    """A place of the operator's own that may be reached although it is closed. `port` None: any."""

    host: str | Address
    port: int | None


class Target(NamedTuple):
    """An address to send to, read and not looked up yet. `path` has the query."""

    scheme: str
    host: str | Address
    port: int
    path: str

    @property
    def authority(self) -> str:
        """`host:port` as in the Host header, without the usual port."""
        name = f"[{self.host}]" if isinstance(self.host, ipaddress.IPv6Address) else str(self.host)
        return name if PORTS[self.scheme] == self.port else f"{name}:{self.port}"


class Pinned(NamedTuple):
    """A target and the checked address that the connection goes to. `own`: the operator allowed the place by name."""

    target: Target
    address: str
    own: bool


def read_allowed(text: str) -> Allowed:
    """Read `host`, `host:port` or `[v6]:port`.

    Raises:
        Invalid: it is none of them.

    >>> read_allowed("hooks.studio.example:8443")
    Allowed(host='hooks.studio.example', port=8443)
    """
    try:
        parts = urlsplit(f"//{text}")
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("more than a host and a port")
        return Allowed(host_of(_host_text(parts.netloc)), parts.port)
    except ValueError:
        raise Invalid(
            f"outbound_allow has {text[:100]!r}; a host such as studio.example, 192.0.2.7:8080 or [2001:db8::7]:80 is taken",
            field="outbound_allow",
        ) from None


def read_target(url: str) -> Target:
    """Read an absolute http or https URL.

    Raises:
        Invalid: it is none, has a user in it, or an address in an unusual form.
    """
    if len(url) > URL_MAX or any(one <= " " or one == "\x7f" or one == "\\" for one in url):
        raise Invalid(f"the url has spaces or control characters, or more than {URL_MAX} of any", field="url")
    try:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.netloc:
            raise ValueError("it begins with neither https:// nor http://")
        if "@" in parts.netloc:
            raise ValueError("a user or password has no place in it; put it into a header, as a secret")
        host = host_of(_host_text(parts.netloc))
        port = PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError as error:
        raise Invalid(f"the url {url[:200]!r} cannot be used: {error}", field="url") from error
    path = parts.path or "/"
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def _host_text(netloc: str) -> str:
    return (
        netloc[: netloc.index("]") + 1]
        if netloc.startswith("[") and "]" in netloc
        else netloc.partition(":")[0]
    )


async def pin(target: Target, allowed: Sequence[Allowed]) -> Pinned:
    """Look a target up, once, and check where it leads.

    Raises:
        Forbidden: `address_refused`: it leads, in part even, to where nobody outside could reach.
        Unavailable: it cannot be looked up.
    """
    own = any(one.host == target.host and one.port in (None, target.port) for one in allowed)
    addresses = await _looked_up(target)
    for address in addresses:
        why = None if own else why_closed(address)
        if why is not None:
            raise Forbidden(
                f"{target.authority} leads to {address}, which is no public address ({why}); the operator can allow it"
                " with outbound_allow",
                code="address_refused",
                field="url",
            )
    return Pinned(target, str(addresses[0]), own)


async def _looked_up(target: Target) -> list[Address]:
    if not isinstance(target.host, str):
        return [target.host]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except OSError as error:
        raise Unavailable(f"{target.host} cannot be looked up: {error.strerror}") from error
    # An address with a scope comes as a tuple of four whose text may have the zone in it: it stays, and is refused.
    return [ipaddress.ip_address(one[4][0]) for one in found]
