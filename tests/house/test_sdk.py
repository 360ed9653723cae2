"""Every route can be called with a typed method, in each of the languages, and says what the contract lets it say."""

import asyncio
import contextlib
import inspect
import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from cutroom_sdk.client import Client
from cutroom_sdk.connection import Connection
from cutroom_sdk.discovery import Address
from cutroom_sdk.errors import SdkError
from cutroom_sdk.sync.client import Client as SyncClient
from cutroom_sdk.wire.codec import decode
from tests.conformance.calls import CALLS, NOT_FOR_PROGRAMS, Call
from tests.deno import SDK
from tests.house.source import ROOT, imported
from tools import api, unasync
from tools.pages import stale

ADDRESS = Address(url="http://127.0.0.1:1", token="secret")
REFUSAL = {"code": "not_found", "detail": "nothing is here", "title": "", "status": 404}
EVERY = sorted(CALLS)
# What is there for comfort: another way to ask for a route that has its own method.
SECOND_WAYS = {"newer_record", "value", "patch", "register_upload"}


class Deaf:
    """A daemon that refuses everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.heard: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        return httpx.Response(404, json=REFUSAL)


async def _asked(route: str) -> httpx.Request:
    """What the client that does not wait sends for a route."""
    daemon = Deaf()
    async with Client(lambda: ADDRESS, transport=httpx.MockTransport(daemon)) as studio:
        with pytest.raises(SdkError, match="nothing is here"):
            await _carried_out(CALLS[route](studio))
    (request,) = daemon.heard
    return request


async def _carried_out(work: Any) -> None:
    if isinstance(work, AsyncGenerator):
        await anext(work)
    elif isinstance(work, contextlib.AbstractAsyncContextManager):
        async with work:
            pytest.fail("it was opened")
    else:
        await work


def _asked_waiting(route: str) -> httpx.Request:
    """What the client that waits sends for a route."""
    daemon = Deaf()
    with SyncClient(lambda: ADDRESS, transport=httpx.MockTransport(daemon)) as studio:
        with pytest.raises(SdkError, match="nothing is here"):
            _begin(CALLS[route], studio)
    (request,) = daemon.heard
    return request


def _begin(call: Call, studio: SyncClient) -> None:
    work = call(studio)
    if inspect.isgenerator(work):
        next(work)
    elif isinstance(work, contextlib.AbstractContextManager):
        work.__enter__()


def test_every_route_has_a_call_or_a_reason_why_not() -> None:
    assert CALLS.keys() | NOT_FOR_PROGRAMS.keys() == api.OPERATIONS.keys()
    assert not CALLS.keys() & NOT_FOR_PROGRAMS.keys()


def test_every_method_is_some_routes_call() -> None:
    table = (ROOT / "tests" / "conformance" / "calls.py").read_text()
    called = set(re.findall(r"studio\.(\w+)\(", table))
    public = {name for name, _ in inspect.getmembers(Client, callable) if not name.startswith("_")}
    own = public - {name for name, _ in inspect.getmembers(Connection, callable)}
    assert own - SECOND_WAYS == called


@pytest.mark.parametrize("route", EVERY)
async def test_a_call_asks_for_its_route_and_sends_what_the_contract_takes(route: str) -> None:
    request, contract = await _asked(route), api.OPERATIONS[route]
    method, _, path = route.partition(" ")
    places = re.sub(r"\\\{key\\\}", ".+", re.escape(path))
    assert request.method == method
    assert re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", places), request.url.path)
    assert set(request.url.params) <= {api.said(one) for one in contract.query}
    spoken = {name for name in api.HEADERS if name.lower() in request.headers}
    assert spoken <= set(contract.headers)
    if contract.request is not None:
        _check_body(request, contract)


def _check_body(request: httpx.Request, contract: api.Operation) -> None:
    bodies = {contract.takes: contract.request, **dict(contract.also)}
    if isinstance(contract.request, api.Bytes):
        bodies = {contract.request.type: contract.request}
    kind = bodies[request.headers["content-type"]]
    assert isinstance(kind, api.Bytes) or decode(request.content, kind) is not None


@pytest.mark.parametrize("route", EVERY)
def test_the_client_that_waits_says_the_same(route: str) -> None:
    waited, asked = _asked_waiting(route), asyncio.run(_asked(route))
    assert (waited.method, waited.url, waited.content) == (asked.method, asked.url, asked.content)
    assert _told(waited) == _told(asked)


def _told(request: httpx.Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name != "user-agent"}


def test_the_client_that_waits_is_made_from_the_one_that_does_not() -> None:
    made = unasync.files()
    assert not stale(made, within=unasync.FOLDER), "cutroom_sdk/sync is stale; `just specs` rewrites it"
    written = {path for path in unasync.FOLDER.rglob("*.py") if path not in made}
    assert {path.name for path in written} <= {"__init__.py", "replica.py"}, "what nothing makes any more"
    assert not {"asyncio", "anyio"} & {name for path in made for name in imported(path)}


def test_every_route_is_typed_in_typescript() -> None:
    wire = (SDK / "src" / "wire.ts").read_text()
    assert set(re.findall(r'^  "([A-Z]+ /.*)": \{$', wire, re.MULTILINE)) == api.OPERATIONS.keys()
