"""The same key with the same request: one effect, and the same answer again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.http.idempotency import PRUNE_MS
from engine.kernel.context import KEPT_MS
from engine.kernel.errors import Unavailable
from tests.http_kit import Border, asked
from tests.kernel_kit import FakeClock, check_invariants

ADD = {"type": "add", "by": [1]}
KEY = {"Idempotency-Key": "k1"}


@pytest.fixture
def moment() -> FakeClock:
    return FakeClock(KEPT_MS * 10)


@pytest.fixture
async def border(tmp_path: Path, moment: FakeClock) -> AsyncIterator[Border]:
    async with asked(tmp_path, clock=moment) as opened:
        yield opened
        await check_invariants(opened.kernel)


@pytest.fixture
async def client(border: Border) -> AsyncIterator[httpx.AsyncClient]:
    async with border.asks() as opened:
        yield opened


async def add(client: httpx.AsyncClient, name: str = "a", **headers: str) -> httpx.Response:
    return await client.post(f"/v1/counters/{name}", json=ADD, headers={**KEY, **headers})


async def test_a_repeat_gets_the_same_answer_and_has_no_effect(
    client: httpx.AsyncClient, border: Border
) -> None:
    first, again = await add(client), await add(client)
    assert (
        (again.status_code, again.content)
        == (first.status_code, first.content)
        == (201, b'{"total":1,"by":"ada"}')
    )
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/json"
    assert border.kernel.dispatch.head == 1


async def test_without_a_key_every_request_counts(client: httpx.AsyncClient, border: Border) -> None:
    for _ in range(2):
        await client.post("/v1/counters/a", json=ADD)
    assert border.kernel.dispatch.head == 2


async def test_the_etag_is_kept_with_the_answer(client: httpx.AsyncClient) -> None:
    answers = [await client.put("/v1/resources/project/a", json={"value": 1}, headers=KEY) for _ in range(2)]
    assert [(answer.status_code, answer.headers["etag"]) for answer in answers] == [(201, '"1"')] * 2


async def test_the_key_of_another_request_is_a_mismatch(client: httpx.AsyncClient, border: Border) -> None:
    await add(client)
    others = [
        await add(client, "b"),
        await client.post("/v1/counters/a", json={"type": "add", "by": [2]}, headers=KEY),
        await client.post("/v1/counters/a?x=1", json=ADD, headers=KEY),
        await client.put("/v1/counters/a", json=ADD, headers=KEY),
        await add(client, **{"If-Match": '"1"'}),
    ]
    for other in others:
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert border.kernel.dispatch.head == 1


async def test_a_refusal_by_state_is_kept(client: httpx.AsyncClient) -> None:
    """Asked again it is refused again, even when the state would allow it by now."""
    path = "/v1/resources/project/a"
    first = await client.put(path, json={"value": 1}, headers={**KEY, "If-Match": '"1"'})
    await client.put(path, json={"value": 0})
    again = await client.put(path, json={"value": 1}, headers={**KEY, "If-Match": '"1"'})
    assert (first.status_code, again.status_code, again.content) == (412, 412, first.content)
    assert again.headers["content-type"] == "application/problem+json"


async def test_a_mistake_in_the_request_leaves_the_key_free(client: httpx.AsyncClient) -> None:
    wrong = await client.post("/v1/counters/a", json={"type": "add", "by": "one"}, headers=KEY)
    assert wrong.status_code == 400
    assert (await add(client)).status_code == 201


async def test_what_could_not_be_done_now_leaves_the_key_free(
    client: httpx.AsyncClient, border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_work: Any) -> Any:
        raise Unavailable("the disk is full", code="insufficient_storage")

    with monkeypatch.context() as patched:
        patched.setattr(border.kernel.database, "write", full)
        assert (await add(client)).status_code == 507
    assert (await add(client)).status_code == 201


async def test_duplicates_at_the_same_time_have_one_effect_and_one_answer(
    client: httpx.AsyncClient, border: Border
) -> None:
    answers = await asyncio.gather(*(add(client) for _ in range(30)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, b'{"total":1,"by":"ada"}')}
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 29
    assert border.kernel.dispatch.head == 1


async def test_a_key_belongs_to_its_actor(border: Border) -> None:
    for name in ("ada", "bob", "eve"):
        async with border.asks(name) as client:
            answer = await add(client)
            assert (answer.json()["by"], "idempotent-replayed" in answer.headers) == (name, False)
    assert border.kernel.dispatch.head == 3


async def test_an_effect_whose_answer_was_lost_is_not_had_twice(
    client: httpx.AsyncClient, border: Border
) -> None:
    """The effect is in the log; the daemon failed before it could answer."""
    failed = await client.post("/v1/mistakes/a", json=ADD, headers=KEY)
    assert failed.status_code == 500
    again = await client.post("/v1/mistakes/a", json=ADD, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
    assert border.kernel.dispatch.head == 1


async def test_answers_are_kept_across_a_restart(tmp_path: Path) -> None:
    heads = []
    for _ in range(2):
        async with asked(tmp_path) as border, border.asks() as client:
            assert (await add(client)).json()["total"] == 1
            heads.append(border.kernel.dispatch.head)
    assert heads == [1, 1]


async def test_a_key_is_free_again_after_a_day(client: httpx.AsyncClient, moment: FakeClock) -> None:
    await add(client)
    moment.at_ms += KEPT_MS - 1
    assert "idempotent-replayed" in (await add(client)).headers
    moment.at_ms += 2
    again = await add(client)
    assert ("idempotent-replayed" in again.headers, again.json()["total"]) == (False, 2)
    assert "idempotent-replayed" in (await add(client)).headers


async def test_an_old_key_used_anew_protects_anew(client: httpx.AsyncClient, moment: FakeClock) -> None:
    """The claim of a day ago must not stand in the way of the claim of today."""
    await client.post("/v1/counters/b", json=ADD, headers=KEY)
    moment.at_ms += KEPT_MS + 1
    assert (await client.post("/v1/mistakes/a", json=ADD, headers=KEY)).status_code == 500
    assert (await client.post("/v1/mistakes/a", json=ADD, headers=KEY)).status_code == 409


async def test_old_answers_are_cleared_away(
    client: httpx.AsyncClient, border: Border, moment: FakeClock
) -> None:
    async def rows() -> int:
        query = "SELECT count(*) FROM idempotency"
        found: int = await border.kernel.database.read(
            lambda connection: connection.execute(query).fetchone()[0]
        )
        return found

    for number in range(5):
        await add(client, **{"Idempotency-Key": f"k{number}"})
    assert await rows() == 5
    moment.at_ms += KEPT_MS + PRUNE_MS
    await add(client, **{"Idempotency-Key": "new"})
    assert await rows() == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_named(client: httpx.AsyncClient, key: str) -> None:
    answer = await add(client, **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


async def test_half_a_request_is_no_request(border: Border) -> None:
    """The client goes away in the middle of its body: what came of it must not be carried out."""
    messages: list[Any] = [
        {"type": "http.request", "body": b'{"type": "add"}', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {
        "host": "127.0.0.1:7717",
        "authorization": "Bearer token-of-ada",
        "content-type": "application/json",
        **{name.lower(): value for name, value in KEY.items()},
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/counters/a",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await border.app(scope, receive, send)
    assert (sent, border.kernel.dispatch.head) == ([], 0)
