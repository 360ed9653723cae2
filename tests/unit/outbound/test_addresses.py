"""What may be reached, address by address, and what is an address in the first place."""

import ipaddress

import pytest

from engine.kernel.errors import Forbidden, Invalid
from engine.outbound import guard
from engine.outbound.addresses import Address, host_of, why_closed
from engine.outbound.guard import pin, read_allowed, read_target

V6 = "[::1]"
CLOSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:9.9.9.9", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::9.9.9.9",
    "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::", "2002:909:909::1", "3fff::1", "5f00::1", "fc00::1", "fd12::1", "fe80::1",
    "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1", "2a00:1450::5efe:a00:1", "2a00:1450::200:5efe:7f00:1", "4000::1",
]  # fmt: skip
PUBLIC = ["9.9.9.9", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.1",
          "2a00:1450:4001:80b::200e", "2620:fe::fe", "2606:4700:4700::1111"]  # fmt: skip
ODD = ["127.1", "0x7f.1", "0x7f000001", "017700000001", "2130706433", "0127.0.0.1", "127.0.0.01", "1.2.3.4.5", "1.2.3.",
       "０x7f.1", "a..b", "-a.example", "a.0", "", ".", "x" * 64, "a" * 250 + ".example", "[fe80::1%eth0]", "[::1"]  # fmt: skip


@pytest.mark.parametrize("text", CLOSED)
def test_what_nobody_outside_could_reach_is_closed(text: str) -> None:
    assert why_closed(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_is_open(text: str) -> None:
    assert why_closed(ipaddress.ip_address(text)) is None


@pytest.mark.parametrize("text", ODD)
def test_other_ways_to_write_an_address_are_no_host(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        host_of(text)


def test_a_dot_at_the_end_and_capitals_make_no_other_host() -> None:
    assert host_of("Studio.Example.") == host_of("studio.example") == "studio.example"
    assert host_of("127.0.0.1.") == ipaddress.ip_address("127.0.0.1")
    assert host_of("b\u00fccher.example") == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://studio.example/", "//studio.example/", "studio.example", "https://",
        "https://me:pw@studio.example/", "https://studio.example\\@evil.example/", "https://studio.example:99999/",
        "https://studio.example/a b", "https://studio.example/\n", "https://" + "a" * 9000, "http://" + "0x7f.1",
    ],
)  # fmt: skip
def test_a_url_that_means_different_things_to_different_readers_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_target(url)
    assert refused.value.extra["field"] == "url"


def test_a_target_keeps_its_name_for_tls_and_the_host_header() -> None:
    target = read_target("https://" + "Studio.Example:8443/a?b=c#d")
    assert (target.authority, target.path) == ("studio.example:8443", "/a?b=c")
    assert read_target("http://" + "[2001:DB8::1]/").authority == "[2001:db8::1]"


class Names:
    """A name server of its own: `asked` counts how often it was."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = [ipaddress.ip_address(one) for one in addresses]
        self.asked = 0

    async def __call__(self, _target: guard.Target) -> list[Address]:
        self.asked += 1
        return self.addresses


async def test_a_name_that_leads_to_a_closed_address_too_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for addresses in (["127.0.0.1"], ["9.9.9.9", "10.0.0.1"], ["9.9.9.9", "fe80::1%2"], ["::ffff:9.9.9.9"]):
        names = Names(*addresses)
        monkeypatch.setattr(guard, "_looked_up", names)
        with pytest.raises(Forbidden) as refused:
            await pin(read_target("https://studio.example/"), [])
        assert (refused.value.code, names.asked) == ("address_refused", 1)


async def test_the_connection_goes_to_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names("9.9.9.9", "1.1.1.1")
    monkeypatch.setattr(guard, "_looked_up", names)
    pinned = await pin(read_target("https://studio.example/"), [])
    assert (pinned.address, names.asked, pinned.own) == ("9.9.9.9", 1, False)


async def test_only_the_place_that_the_operator_named_is_open() -> None:
    allowed = [read_allowed("127.0.0.1:8080"), read_allowed(V6)]
    assert (await pin(read_target("http://127.0.0.1:8080/"), allowed)).own
    assert (await pin(read_target(f"http://{V6}:9/"), allowed)).own
    for place in ("127.0.0.1:8081", "127.0.0.2:8080", "localhost:8080"):
        with pytest.raises(Forbidden):
            await pin(read_target(f"http://{place}/"), allowed)


@pytest.mark.parametrize(
    "text", ["", "http://a.example", "a.example/x", "me@a.example", "a.example:x", "127.1:80"]
)
def test_an_allowed_place_is_a_host_and_perhaps_a_port(text: str) -> None:
    with pytest.raises(Invalid, match="outbound_allow"):
        read_allowed(text)
