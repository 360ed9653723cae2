"""Which addresses the daemon may be sent to: public ones, by an own list, for the standard library's `is_global` is none.

The networks are those that the IANA special-purpose registries (RFC 6890 and its updates) do not call globally reachable,
with multicast, and with every form in which an IPv6 address carries an IPv4 address that would be reached instead.
"""

import ipaddress
import re
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_V4: Final = {
    ipaddress.IPv4Network(network): what
    for network, what in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by a carrier (CGNAT)",
        "127.0.0.0/8": "this machine",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "kept for protocols",
        "192.0.2.0/24": "documentation",
        "192.31.196.0/24": "kept for AS112",
        "192.52.193.0/24": "kept for AMT",
        "192.88.99.0/24": "6to4 relays",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "kept for AS112",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
# Of IPv6 only 2000::/3 is handed out: loopback, private, link-local, multicast, NAT64 (64:ff9b::/96 and the local-use
# 64:ff9b:1::/48) and addresses that carry an IPv4 address (::ffff:0:0/96, ::/96) all lie outside it.
_V6_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
_V6: Final = {
    ipaddress.IPv6Network(network): what
    for network, what in {
        "2001::/32": "Teredo",
        "2001::/23": "kept for protocols",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "kept for AS112",
        "3fff::/20": "documentation",
    }.items()
}
_V6_SPECIAL: Final = {
    ipaddress.IPv6Network(network): what
    for network, what in {
        "::1/128": "this machine",
        "::/128": "no address",
        "::ffff:0:0/96": "an IPv4 address in another form",
        "::/96": "an IPv4 address in another form",
        "64:ff9b::/96": "NAT64",
        "64:ff9b:1::/48": "NAT64 of this network",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "fec0::/10": "private",
        "ff00::/8": "multicast",
    }.items()
}
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def why_closed(address: Address) -> str | None:
    """Return why an address is not to be reached, None when it is public.

    >>> why_closed(ipaddress.ip_address("169.254.169.254")), why_closed(ipaddress.ip_address("9.9.9.9"))
    ('link-local', None)
    """
    if isinstance(address, ipaddress.IPv4Address):
        return _found(address, _V4)
    if address.scope_id is not None:
        return "an address of one network card"
    if address not in _V6_GLOBAL:
        return _found(address, _V6_SPECIAL) or "not handed out"
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return "an IPv4 address in another form (ISATAP)"
    return _found(address, _V6)


def _found(
    address: Address, networks: dict[ipaddress.IPv4Network, str] | dict[ipaddress.IPv6Network, str]
) -> str | None:
    return next((what for network, what in networks.items() if address in network), None)


def host_of(text: str) -> str | Address:
    """Return a URL's host: a name in ASCII and small letters without a dot at its end, or an address.

    An address is taken in its usual form alone. Octal, hexadecimal, short and single-number forms of IPv4 are no names
    either: whoever looks such a one up gets the address that it stands for.

    Raises:
        ValueError: it is neither; the text says why.

    >>> host_of("Studio.Example."), host_of("[2001:DB8::1]")
    ('studio.example', IPv6Address('2001:db8::1'))
    """
    if text.startswith("["):
        if not text.endswith("]") or "%" in text:
            raise ValueError("an IPv6 address stands between [ and ], without a zone")
        return ipaddress.IPv6Address(text[1:-1])
    host = text.removesuffix(".").lower()
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    labels = host.split(".")
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("it is no host name")
    if _NUMBER.fullmatch(labels[-1]):
        return ipaddress.IPv4Address(host)
    return host
