"""One request to one checked address: under the name that was asked for, within its limits."""

import socket
from typing import Any

import pytest

from cutroom_sdk.wire.outbound import HttpRequestInput
from engine.kernel.errors import Unavailable, WorkFailed
from engine.outbound.client import send
from engine.outbound.effects import may_repeat
from engine.outbound.guard import Pinned, read_target
from tests.sink import Sink

ASKED: dict[str, Any] = {"headers": [], "content": b"", "limit_s": 5, "most": 20}


def pinned(url: str) -> Pinned:
    return Pinned(read_target(url), "127.0.0.1", True)


async def test_the_address_is_the_checked_one_and_the_name_that_which_was_asked_for() -> None:
    with Sink() as sink:
        answer = await send(
            pinned(f"http://studio.example:{sink.port}/a?b"), "PUT", **ASKED | {"content": b"x"}
        )
        (call,) = sink.calls
    assert (answer.status, call.path, call.body) == (200, "/a?b", b"x")
    assert call.headers["host"] == f"studio.example:{sink.port}"
    assert (len(answer.content), answer.whole) == (20, False)


async def test_no_server_is_no_effect() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="does not answer"):
            await send(pinned(f"http://studio.example:{free.getsockname()[1]}/"), "POST", **ASKED)


async def test_a_server_that_says_nothing_may_have_done_it_all_the_same() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        at = f"http://studio.example:{mute.getsockname()[1]}/"
        with pytest.raises(WorkFailed, match="not known"):
            await send(pinned(at), "POST", **ASKED | {"limit_s": 0.2})


async def test_a_server_of_another_name_is_not_talked_to() -> None:
    with Sink() as plain, pytest.raises(Unavailable):
        await send(pinned(f"https://studio.example:{plain.port}/"), "GET", **ASKED)
    assert plain.calls == []


@pytest.mark.parametrize(
    ("method", "keyed", "again"),
    [
        ("GET", False, True),
        ("HEAD", False, True),
        ("PUT", False, False),
        ("PUT", True, True),
        ("POST", True, False),
        ("PATCH", True, False),
        ("DELETE", True, False),
    ],
)
def test_only_what_says_so_is_sent_again(method: Any, keyed: bool, again: bool) -> None:
    asked = HttpRequestInput(url="https://studio.example/", method=method, keyed=keyed)
    assert may_repeat(asked) == again
