"""The short way answers what the ordinary way would, to the byte, and takes nothing that is not plain."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from engine.http import connection as connection_module
from engine.http import short as short_module
from engine.http.short import ShortWay
from engine.kernel.errors import Unavailable
from tests.http_kit import Border, served
from tests.kernel_kit import put, until, write

KEY: Final = "/v1/resources/project/a"
NONE: Final[Mapping[str, str]] = {}
CHUNKED: Final = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
ORDINARY: Final = {"X-Nothing": "1"}  # a header that is on no list
CHANGING: Final = re.compile(rb'"(position|\w*at_ms)":\d+|date: [^\r]*')


@dataclass
class Wire:
    """A connection, and how many of its requests went the short way."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    border: Border
    shorts: list[None]

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NONE) -> bytes:
        """A request as bytes, Ada's unless the headers say otherwise; an empty value leaves a header out."""
        fields = {"Host": self.border.url.removeprefix("http://"), "Authorization": "Bearer token-of-ada"}
        if body:
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        fields |= headers
        lines = [
            f"{method} {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items() if value),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def answer(self) -> bytes:
        """The next answer, whole."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"content-length: (\d+)", head)
            return head + (await self.reader.readexactly(int(found[1])) if found else b"")

    async def asks(self, *parts: bytes) -> bytes:
        """Send bytes, each part on its own, and return the next answer."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)
        return await self.answer()

    def taken(self) -> int:
        """How many requests have gone the short way since this was asked last."""
        found = len(self.shorts)
        self.shorts.clear()
        return found


@asynccontextmanager
async def wired(folder: Path) -> AsyncIterator[Wire]:
    shorts: list[None] = []
    folder.mkdir(exist_ok=True)
    async with served(folder, on_short=lambda: shorts.append(None)) as border:
        name, _, port = border.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        try:
            yield Wire(reader, writer, border, shorts)
        finally:
            writer.close()


def same(answer: bytes) -> tuple[list[bytes], bytes]:
    """An answer without what differs from one moment to the next; the order of headers means nothing."""
    head, _, body = CHANGING.sub(b"", answer).partition(b"\r\n\r\n")
    return sorted(head.split(b"\r\n")), body


async def test_a_read_is_answered_as_on_the_ordinary_way(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        await write(wire.border.kernel, put("project/a", {"name": "Ada", "list": [1, None]}))
        first = await wire.asks(wire.request("GET", KEY))
        assert wire.taken() == 0, "what is not in memory is looked up on the ordinary way"
        second = await wire.asks(wire.request("GET", KEY))
        assert wire.taken() == 1
        ordinary = await wire.asks(wire.request("GET", KEY, headers=ORDINARY))
        assert wire.taken() == 0
        assert same(second) == same(first) == same(ordinary)
        assert b'etag: "1"' in second
        await write(wire.border.kernel, put("project/a", 2))
        assert b'"value":2' in await wire.asks(wire.request("GET", KEY))


def _writes() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    yield "any", b'{"value": {"a": [1, 2.5, "x"], "\\u00e4": null}}', {}
    yield "with a time to live", b'{"value": 1, "ttl_ms": 60000}', {}
    yield "at its rev", b'{"value": 1}', {"If-Match": '"1"'}
    yield "at another rev", b'{"value": 1}', {"If-Match": '"7"'}
    yield "only when absent", b'{"value": 1}', {"If-None-Match": "*"}
    yield "too deep", b'{"value": ' + b"[" * 120 + b"]" * 120 + b"}", {}


@pytest.mark.parametrize(("body", "headers"), [pytest.param(*rest, id=name) for name, *rest in _writes()])
async def test_a_write_is_answered_as_on_the_ordinary_way(
    tmp_path: Path, body: bytes, headers: dict[str, str]
) -> None:
    answers = []
    for extra in ({}, ORDINARY):
        async with wired(tmp_path / str(len(extra))) as wire:
            for key in (KEY, "/v1/resources/project/new"):
                await wire.asks(wire.request("PUT", KEY, b'{"value": 0}', ORDINARY))
                answers.append(await wire.asks(wire.request("PUT", key, body, headers | extra)))
                assert wire.taken() == (0 if extra else 1)
            head = await wire.asks(wire.request("GET", "/v1/log", headers=ORDINARY))
            answers.append(head)
    short, ordinary = answers[:3], answers[3:]
    assert [same(answer) for answer in short] == [same(answer) for answer in ordinary]


NOT_PLAIN: Final = {
    "a name that is not on the list": ("GET", KEY, b"", ORDINARY),
    "an Idempotency-Key": ("PUT", KEY, b'{"value": 1}', {"Idempotency-Key": "one"}),
    "an Origin": ("GET", KEY, b"", {"Origin": "http://elsewhere.example"}),
    "a cookie": ("GET", KEY, b"", {"Cookie": "cutroom_session=window.x"}),
    "what is known already": ("GET", KEY, b"", {"If-None-Match": '"1"'}),
    "a past position": ("GET", KEY + "?at=1", b"", {}),
    "another tenant": ("GET", KEY + "?tenant=other", b"", {}),
    "an escape": ("GET", "/v1/resources/project/%61", b"", {}),
    "a foreign host": ("GET", KEY, b"", {"Host": "elsewhere.example"}),
    "no host": ("GET", KEY, b"", {"Host": ""}),
    "no token": ("GET", KEY, b"", {"Authorization": ""}),
    "an unknown token": ("PUT", KEY, b'{"value": 1}', {"Authorization": "Bearer nobody's"}),
    "a right that is lacking": ("PUT", KEY, b'{"value": 1}', {"Authorization": "Bearer token-of-reader"}),
    "a right to read that is lacking": ("GET", KEY, b"", {"Authorization": "Bearer token-of-nobody"}),
    "a key of the engine's": ("PUT", "/v1/resources/token/a", b'{"value": 1}', {}),
    "no key": ("PUT", "/v1/resources/project", b'{"value": 1}', {}),
    "an unknown field": ("PUT", KEY, b'{"value": 1, "more": 2}', {}),
    "no JSON": ("PUT", KEY, b'{"value": ', {}),
    "another type": ("PUT", KEY, b'{"value": 1}', {"Content-Type": "text/plain"}),
    "a tag that is none": ("PUT", KEY, b'{"value": 1}', {"If-Match": "W/1"}),
    "two conditions": ("PUT", KEY, b'{"value": 1}', {"If-Match": '"1"', "If-None-Match": "*"}),
    "a lifetime that is none": ("PUT", KEY, b'{"value": 1, "ttl_ms": 0}', {}),
    "too many levels": ("PUT", KEY, b'{"value": ' + b"[" * 200 + b"]" * 200 + b"}", {}),
    "another method": ("DELETE", KEY, b"", {}),
}


@pytest.mark.parametrize("what", NOT_PLAIN)
async def test_what_is_not_plain_goes_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    method, path, body, headers = NOT_PLAIN[what]
    answers = []
    for way in ("as it is", "without a short way"):
        async with wired(tmp_path / way) as wire:
            await write(wire.border.kernel, put("project/a", 1))
            await wire.asks(wire.request("GET", KEY))
            if way != "as it is":
                monkeypatch.setattr(ShortWay, "take", lambda *_: None)
            host = b"Host: " + wire.border.url.removeprefix("http://").encode()
            sent = wire.request(method, path, body, headers)
            answers.append(same((await wire.asks(sent)).replace(host, b"")))
            assert wire.taken() == 0
    assert answers[0] == answers[1]


async def test_a_body_may_come_in_pieces_or_in_chunks(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        whole = wire.request("PUT", KEY, b'{"value": "in pieces"}')
        answer = await wire.asks(whole[:40], whole[40:-9], whole[-9:-3], whole[-3:])
        assert answer.startswith(b"HTTP/1.1 201")
        assert wire.taken() == 1
        chunked = wire.request("PUT", KEY, headers=CHUNKED)
        answer = await wire.asks(chunked + b"5\r\n" + b'{"val' + b"\r\n6\r\n" + b'ue":1}' + b"\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        assert wire.taken() == 0


async def test_requests_sent_in_one_go_are_answered_in_their_order(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        many = [wire.request("PUT", KEY, b'{"value": %d}' % number) for number in range(3)]
        many += [
            wire.request("GET", KEY, headers=ORDINARY),
            wire.request("GET", KEY),
            wire.request("GET", KEY),
        ]
        many += [wire.request("PUT", KEY, b'{"value": "last"}'), wire.request("GET", KEY)]
        wire.writer.write(b"".join(many))
        answers = [(await wire.answer()).partition(b'"value":')[2].partition(b',"rev"')[0] for _ in many]
        assert answers == [b"0", b"1", b"2", b"2", b"2", b"2", b'"last"', b'"last"']


async def test_who_hangs_up_before_the_answer_has_written_all_the_same(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        wire.writer.write(wire.request("PUT", KEY, b'{"value": 1}'))
        await wire.writer.drain()
        wire.writer.close()
        await until(wire.border.kernel, lambda: wire.border.kernel.dispatch.head == 1)
    async with wired(tmp_path) as wire:
        assert b'"value":1' in await wire.asks(wire.request("GET", KEY))


async def test_a_connection_that_nobody_uses_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "LOOK_MAX_S", 0.01)
    monkeypatch.setattr(connection_module, "IDLE_S", 0.05)
    async with wired(tmp_path) as wire:
        await write(wire.border.kernel, put("project/a", 1))
        for _ in range(2):
            await wire.asks(wire.request("GET", KEY))
        assert wire.taken() == 1
        async with asyncio.timeout(4):  # less than what uvicorn's own timer takes
            assert await wire.reader.read() == b""


async def test_what_the_write_path_refuses_is_told_as_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wired(tmp_path) as wire:

        async def full(*_: object) -> None:
            raise Unavailable("the disk is full; free some space", code="insufficient_storage")

        with monkeypatch.context() as patched:
            patched.setattr(wire.border.kernel.database, "write", full)
            answer = await wire.asks(wire.request("PUT", KEY, b'{"value": 1}'))
        assert answer.startswith(b"HTTP/1.1 507")
        assert b"insufficient_storage" in answer
        assert wire.taken() == 1
        assert (await wire.asks(wire.request("PUT", KEY, b'{"value": 1}'))).startswith(b"HTTP/1.1 201")


async def test_a_mistake_in_the_code_is_500_and_the_next_request_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wired(tmp_path) as wire:

        def fails(*_: object) -> bytes:
            raise ZeroDivisionError("a mistake that nobody foresaw")

        with monkeypatch.context() as patched:
            patched.setattr("engine.kernel.records._bounded", fails)
            answer = await wire.asks(wire.request("PUT", KEY, b'{"value": 1}'))
        assert answer.startswith(b"HTTP/1.1 500")
        assert b"foresaw" not in answer
        assert (await wire.asks(wire.request("PUT", KEY, b'{"value": 1}'))).startswith(b"HTTP/1.1 201")


async def test_a_large_body_goes_the_ordinary_way(tmp_path: Path) -> None:
    async with wired(tmp_path) as wire:
        value = b'{"value": "' + b"x" * short_module.BODY_MAX + b'"}'
        assert (await wire.asks(wire.request("PUT", KEY, value))).startswith(b"HTTP/1.1 201")
        assert wire.taken() == 0
