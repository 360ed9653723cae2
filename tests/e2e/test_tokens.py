"""Tokens as people use them: on the command line, in a browser's window, and on a stream that they opened."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address, find
from cutroom_sdk.errors import SdkError
from cutroom_sdk.wire.problems import DONE, NOT_FOUND, REFUSED, USAGE
from cutroom_sdk.wire.tokens import IssuedToken, TokenRequest
from tests.daemons import Daemon
from tests.e2e import browser
from tests.e2e.studio import cutroom

ENTER = """
async (ticket) => {
  const answer = await fetch('/v1/enter', {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({ticket}),
  });
  return {status: answer.status, seen: document.cookie};
}
"""
WATCH = """
() => new Promise((done, fail) => {
  const source = new EventSource('/v1/resources/events?snapshot=1&prefix=project');
  const keys = [];
  source.addEventListener('resource.updated', (event) => {
    keys.push(JSON.parse(event.data).key);
    if (keys.length === 1) fetch('/v1/resources/project/second', {
      method: 'PUT', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({value: 2}),
    });
    if (keys.length === 2) { source.close(); done(keys); }
  });
  source.onerror = () => { source.close(); fail(new Error('the stream broke')); };
})
"""


@pytest.fixture
async def daemon(state_dir: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir) as running:
        yield running


def holder(daemon: Daemon, token: str) -> Client:
    def locate() -> Address | None:
        address = find(daemon.folder)
        return address and Address(url=address.url, token=token)

    return Client(locate)


async def issue(daemon: Daemon, *capabilities: str) -> IssuedToken:
    async with daemon.client() as operator:
        return await operator.issue_token(TokenRequest(actor="ada", capabilities=capabilities))


async def test_create_prints_the_secret_once_and_revoke_ends_it(daemon: Daemon) -> None:
    created = await cutroom(
        daemon,
        *("--json", "token", "create", "--actor", "cutter"),
        *("--capabilities", "log:read, media:read", "--human", "--expires", "24h"),
    )
    assert created.code == DONE, created.talk
    assert list(created.json) == [
        "token_id",
        "token",
        "actor",
        "human",
        "tenant",
        "env",
        "capabilities",
        "expires_at_ms",
    ]
    assert (created.json["actor"], created.json["human"]) == ("cutter", True)
    assert created.json["capabilities"] == ["log:read", "media:read"]
    async with holder(daemon, created.json["token"]) as cutter:
        await cutter.log()
        listed = await cutroom(daemon, "--json", "token", "list")
        assert [one["token_id"] for one in listed.json["items"]] == [created.json["token_id"]]
        assert created.json["token"] not in listed.out
        revoked = await cutroom(daemon, "token", "revoke", created.json["token_id"])
        assert revoked.code == DONE, revoked.talk
        with pytest.raises(SdkError) as refused:
            await cutter.log()
    assert refused.value.code == "unauthenticated"


async def test_without_json_the_secret_alone_is_on_standard_output(daemon: Daemon) -> None:
    created = await cutroom(daemon, "token", "create", "--actor", "a", "--capabilities", "log:read")
    assert created.code == DONE, created.talk
    secret, rest = created.out.split("\n", 1)
    assert rest == ""
    assert secret not in created.talk
    async with holder(daemon, secret) as client:
        await client.log()
    table = await cutroom(daemon, "token", "list")
    assert "log:read" in table.out
    assert secret not in table.out


async def test_the_command_line_says_what_is_wrong(daemon: Daemon) -> None:
    create = ("token", "create", "--actor")
    unknown = await cutroom(daemon, *create, "a", "--capabilities", "log:raed")
    assert (unknown.code, "log:read" in unknown.talk) == (USAGE, True)
    taken = await cutroom(daemon, *create, "engine", "--capabilities", "log:read")
    assert taken.code == REFUSED
    assert (await cutroom(daemon, "token", "revoke", "none")).code == NOT_FOUND


async def test_a_stream_ends_when_its_token_is_revoked(daemon: Daemon) -> None:
    issued = await issue(daemon, "resources:read")
    async with holder(daemon, issued.token) as ada, daemon.client() as operator:
        stream = ada.resource_stream(None)
        assert (await anext(stream)).event == "ready"
        await operator.revoke_token(issued.token_id)
        async with asyncio.timeout(10):
            rest = [message.event async for message in stream]
        assert rest == []
        with pytest.raises(SdkError):
            await anext(ada.resource_stream(None))


async def test_what_was_issued_is_known_after_a_kill(daemon: Daemon) -> None:
    issued = await issue(daemon, "log:read")
    await asyncio.to_thread(daemon.kill)
    await asyncio.to_thread(daemon.start)
    async with holder(daemon, issued.token) as ada:
        await ada.log()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    # The page is `/health`, whose policy lets it load nothing; a window's own page will bring a policy of its own.
    async with browser.opened(bypass_csp=True) as page:
        yield page


async def test_a_window_gets_in_with_a_ticket_once_and_follows_by_its_cookie(
    daemon: Daemon, page: Page
) -> None:
    issued = await issue(daemon, "resources:read", "resources:write")
    address = find(daemon.folder)
    assert address is not None
    async with holder(daemon, issued.token) as ada:
        await ada.request("PUT", "/v1/resources/project/first", body={"value": 1})
        ticket = (await ada.ticket()).ticket
    await page.goto(f"{address.url}/health")
    assert await page.evaluate("fetch('/v1/resources').then((answer) => answer.status)") == 401
    assert await page.evaluate(ENTER, ticket) == {"status": 200, "seen": ""}, "no script sees the cookie"
    assert (await page.evaluate(ENTER, ticket))["status"] == 403
    assert await page.evaluate(WATCH) == ["project/first", "project/second"]
    (cookie,) = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    async with daemon.client() as operator:
        await operator.revoke_token(issued.token_id)
    assert await page.evaluate("fetch('/v1/resources').then((answer) => answer.status)") == 401
