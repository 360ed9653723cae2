"""The TypeScript SDK in a real browser: its `EventSource`, its cookie, its module loader."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address, find
from cutroom_sdk.wire.tokens import Ticket
from tests.daemons import Daemon
from tests.deno import DENO, ENVIRONMENT, SDK
from tests.e2e import browser

FOLLOW = """
async (ticket) => {
  const {Client, Replica, eventSourceTransport} = await import('/sdk/mod.ts');
  const client = new Client({url: ''});
  await client.call('POST /v1/enter', {body: {ticket}});
  const replica = new Replica(eventSourceTransport('', {prefixes: ['project/page']}));
  await replica.start();
  const text = 'Größe';
  await client.put('project/page/a', {text}, {ifAbsent: true});
  const operations = ['x', 'y'].map((name) => ({op: 'put', key: `project/page/${name}`, value: name}));
  const {position} = await client.call('POST /v1/resources/transaction', {body: {operations}});
  await replica.waitUntil(position);
  const refusal = await client.put('project/page/a', 1, {ifMatch: 7}).catch((error) => error);
  const seen = {keys: replica.shelf.keys(), value: replica.shelf.value('project/page/a'), code: refusal.code};
  await replica.stop();
  return seen;
}
"""
REFUSED = """
async () => {
  const {Replica, eventSourceTransport} = await import('/sdk/mod.ts');
  const replica = new Replica(eventSourceTransport());
  return await replica.start().catch((error) => error.code);
}
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK as a browser takes it: each file without its types."""
    folder = tmp_path_factory.mktemp("sdk")
    sources = [str(path) for path in sorted((SDK / "src").glob("*.ts"))]
    command = [DENO, "transpile", "--quiet", "--no-config", "--no-remote", "--outdir", str(folder), *sources]
    subprocess.run(command, cwd=SDK, env=ENVIRONMENT, check=True, capture_output=True)
    return next(folder.rglob("mod.js")).parent


@pytest.fixture
async def address(state_dir: Path) -> AsyncIterator[Address]:
    async with Daemon(state_dir):
        found = await asyncio.to_thread(find, state_dir)
        assert found is not None
        yield found


@pytest.fixture
async def page(address: Address, modules: Path) -> AsyncIterator[Page]:
    """A page at the daemon's own address, to which the SDK is served beside it."""

    async def module(route: Route) -> None:
        file = modules / Path(route.request.url).with_suffix(".js").name
        await route.fulfill(body=file.read_text(), content_type="text/javascript; charset=utf-8")

    # The daemon's answers may load nothing; a page of its own would say what it may.
    async with browser.opened(bypass_csp=True) as page:
        await page.route("**/sdk/*.ts", module)
        await page.goto(f"{address.url}/health")
        yield page


async def test_a_page_enters_with_a_ticket_and_then_writes_and_follows_with_its_cookie_alone(
    page: Page, address: Address
) -> None:
    async with Client(lambda: address) as client:
        ticket = await client.post("/v1/tickets", None, Ticket)
    seen = await page.evaluate(FOLLOW, ticket.ticket)
    assert seen["keys"] == ["project/page/a", "project/page/x", "project/page/y"]
    assert (seen["value"], seen["code"]) == ({"text": "Größe"}, "revision_conflict")


async def test_a_page_without_a_cookie_is_told_why_it_may_not_follow(page: Page) -> None:
    assert await page.evaluate(REFUSED) == "unauthenticated"
