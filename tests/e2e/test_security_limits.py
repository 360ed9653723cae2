"""Whoever sends too much, too slowly or too often gets an answer or is let go; nobody else notices."""

import contextlib
import re
import socket
from collections.abc import Iterator

import pytest

from tests.e2e.outside import Outside, closed, read_answer

CONNECTIONS = 12


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """A daemon that waits for no request longer than a second, and takes few connections."""
    folder, footage = tmp_path_factory.mktemp("strict") / "state", tmp_path_factory.mktemp("footage")
    limits = {"CUTROOM_REQUEST_S": "1", "CUTROOM_CONNECTIONS": str(CONNECTIONS)}
    with Outside(folder, footage, **limits) as found:
        yield found


def test_a_head_that_does_not_end_is_not_waited_for(strict: Outside) -> None:
    with contextlib.ExitStack() as stack:
        silent, half = (stack.enter_context(strict.connect()) for _ in range(2))
        half.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        for one in (silent, half):
            status, answer = read_answer(one)
            assert status == 408
            assert b"request_timeout" in answer
            assert closed(one)


def test_a_second_request_on_a_connection_has_no_more_time(strict: Outside) -> None:
    with strict.connect() as connection:
        connection.sendall(strict.head_of("GET", "/health"))
        assert read_answer(connection)[0] == 200
        connection.sendall(b"\r\n")
        assert read_answer(connection)[0] == 408


def test_a_body_that_stops_coming_is_not_waited_for(strict: Outside) -> None:
    kind = {"Content_Type": "application/json", "Content_Length": "1000"}
    with strict.connect() as connection:
        connection.sendall(strict.head_of("PUT", "/v1/resources/project/slow", **kind) + b'{"value":')
        status, answer = read_answer(connection)
        assert (status, b"request_timeout" in answer) == (408, True)
        assert closed(connection)
    assert strict.refused("GET", "/v1/resources/project/slow") == (404, "not_found")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % number for number in range(101)) + b"\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 33_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 100_000,
        b"GET /" + b"a" * 100_000,
    ],
    ids=["address", "fields", "bytes", "endless header", "endless address"],
)
def test_a_head_has_a_size(strict: Outside, head: bytes) -> None:
    status, answer = strict.answered(head)
    assert (status, b"head_too_large" in answer) == (431, True)


def _cut_short(outside: Outside, status: int) -> float:
    told = outside.asks("GET", "/metrics")[2].text
    found = re.search(rf'cutroom_http_cut_short_total\{{status="{status}"\}} (\d+)', told)
    return int(found[1]) if found else 0


def test_what_never_became_a_request_is_counted(strict: Outside) -> None:
    before = {status: _cut_short(strict, status) for status in (400, 408, 431)}
    strict.answered(b"\x16\x03\x01 hello\r\n\r\n")
    strict.answered(b"GET /" + b"a" * 100_000)
    with strict.connect() as silent:
        read_answer(silent)
    assert {status: _cut_short(strict, status) - count for status, count in before.items()} == {
        400: 1,
        408: 1,
        431: 1,
    }


def test_what_is_no_http_is_a_problem(strict: Outside) -> None:
    status, answer = strict.answered(b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, b"invalid_request" in answer) == (400, True)


def test_connections_beyond_the_limit_are_turned_away_and_streams_count_apart(strict: Outside) -> None:
    stream = strict.head_of("GET", "/v1/resources/events")
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS + 3):
            one = stack.enter_context(strict.connect())
            one.sendall(stream)
            assert one.recv(12) == b"HTTP/1.1 200"
        assert strict.refused("GET", "/v1/resources")[0] == 200, "streams take no connection from requests"
        idle = list[socket.socket]()
        while len(idle) <= CONNECTIONS:
            one = stack.enter_context(strict.connect())
            one.sendall(strict.head_of("GET", "/ready"))
            status, answer = read_answer(one)
            if status == 503:
                break
            idle.append(one)
        assert (status, b"retry-after" in answer.lower(), b"unavailable" in answer) == (503, True, True)
        assert closed(one)
        assert len(idle) <= CONNECTIONS
    assert strict.refused("GET", "/ready")[0] == 200, "there is room again"
