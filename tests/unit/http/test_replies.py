"""The answer to a request with a key is in the commit of its effect: no crash can fall between the two."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.http.idempotency import Idempotency
from tests.http_kit import Border, asked
from tests.kernel_kit import check_invariants

ADD = {"type": "add", "by": [1]}
KEY = {"Idempotency-Key": "k1"}
MERGE = "application/merge-patch+json"


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    async with asked(tmp_path) as opened:
        yield opened
        await check_invariants(opened.kernel)


@pytest.fixture
async def client(border: Border) -> AsyncIterator[httpx.AsyncClient]:
    async with border.asks() as opened:
        yield opened


class Crash(Exception):
    """Stands for the end of the daemon between the commit and what comes after it."""


def commits(border: Border, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Count the commits from here on."""
    found, write = list[Any](), border.kernel.database.write

    async def counted(work: Any) -> Any:
        found.append(work)
        return await write(work)

    monkeypatch.setattr(border.kernel.database, "write", counted)
    return found


async def crashed(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, **request: Any
) -> httpx.Response:
    """Ask, crash once the effect is committed, and ask again; return the answer to the repeat."""

    async def crash(*_: Any) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(Idempotency, "_keep", crash)
        assert (await client.request(**request)).status_code == 500
    return await client.request(**request)


@pytest.mark.parametrize(
    ("method", "path", "content_type", "body", "status", "etag"),
    [
        ("PUT", "/v1/resources/project/new", "application/json", b'{"value": 2}', 201, '"1"'),
        ("PUT", "/v1/resources/project/a", "application/json", b'{"value": 2}', 200, '"2"'),
        ("PATCH", "/v1/resources/project/a", MERGE, b'{"x": 2}', 200, '"2"'),
        (
            "PATCH",
            "/v1/resources/project/a",
            "application/json-patch+json",
            b'[{"op": "add", "path": "/x", "value": 2}]',
            200,
            '"2"',
        ),
        ("DELETE", "/v1/resources/project/a", "application/json", b"", 200, '"2"'),
        (
            "POST",
            "/v1/resources/transaction",
            "application/json",
            b'{"operations": [{"op": "delete", "key": "project/a"}]}',
            200,
            None,
        ),
        ("POST", "/v1/told/a", "application/json", b'{"type": "add", "by": [1]}', 201, None),
    ],
)
async def test_after_a_crash_the_repeat_gets_the_answer_that_would_have_come(
    border: Border,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    content_type: str,
    body: bytes,
    status: int,
    etag: str | None,
) -> None:
    await client.put("/v1/resources/project/a", json={"value": {"x": 1}})
    request = {
        "method": method,
        "url": path,
        "content": body,
        "headers": {**KEY, "content-type": content_type},
    }
    again = await crashed(client, monkeypatch, **request)
    assert (again.status_code, again.headers.get("etag")) == (status, etag)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/json"
    assert border.kernel.dispatch.head == 2


async def test_the_kept_answer_is_the_one_that_went_out(
    client: httpx.AsyncClient, border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it costs no second commit."""
    found = commits(border, monkeypatch)
    await client.post("/v1/told/b", json=ADD, headers={"Idempotency-Key": "first"})  # clears away what is old
    del found[:]
    first, again = [await client.post("/v1/told/a", json=ADD, headers=KEY) for _ in range(2)]
    assert (
        (again.status_code, again.content)
        == (first.status_code, first.content)
        == (
            201,
            b'{"total":1,"by":"ada"}',
        )
    )
    told = dict(again.headers)
    assert told.pop("idempotent-replayed") == "true"
    assert told == dict(first.headers)
    assert len(found) == 1


async def test_without_a_key_nothing_is_kept(
    client: httpx.AsyncClient, border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = commits(border, monkeypatch)
    await client.post("/v1/told/a", json=ADD)
    query = "SELECT count(*) FROM idempotency"
    rows = await border.kernel.database.read(lambda connection: connection.execute(query).fetchone()[0])
    assert (len(found), rows) == (1, 0)


async def test_an_effect_whose_answer_failed_afterwards_has_the_answer_of_the_commit(
    client: httpx.AsyncClient, border: Border
) -> None:
    assert (await client.post("/v1/told-mistakes/a", json=ADD, headers=KEY)).status_code == 500
    again = await client.post("/v1/told-mistakes/a", json=ADD, headers=KEY)
    assert (again.status_code, again.json()["total"], border.kernel.dispatch.head) == (201, 1, 1)


async def test_of_several_commits_the_last_that_has_an_answer_keeps_it(
    client: httpx.AsyncClient, border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = await crashed(client, monkeypatch, method="POST", url="/v1/twice/a", headers=KEY)
    assert (again.status_code, again.json()["total"], border.kernel.dispatch.head) == (200, 2, 2)


async def test_between_several_commits_the_repeat_hears_that_there_is_no_answer(
    client: httpx.AsyncClient, border: Border
) -> None:
    assert (await client.post("/v1/twice/lost", headers=KEY)).status_code == 500
    again = await client.post("/v1/twice/lost", headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
    assert border.kernel.dispatch.head == 1


async def test_a_mistake_in_a_reply_is_its_requests_alone(client: httpx.AsyncClient, border: Border) -> None:
    assert (await client.post("/v1/wrongly", headers=KEY)).status_code == 500
    assert border.kernel.dispatch.head == 0
    assert (await client.post("/v1/told/a", json=ADD, headers=KEY)).status_code == 201


async def test_a_refusal_is_kept_though_it_is_in_no_commit(client: httpx.AsyncClient, border: Border) -> None:
    refused = {"type": "add", "by": [-1]}
    first, again = [await client.post("/v1/told/a", json=refused, headers=KEY) for _ in range(2)]
    assert (first.status_code, again.content) == (422, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert border.kernel.dispatch.head == 0


async def test_what_changed_nothing_is_answered_again_as_well(
    client: httpx.AsyncClient, border: Border
) -> None:
    nothing = {"type": "add", "by": []}
    first = await client.post("/v1/told/a", json=nothing, headers=KEY)
    await client.post("/v1/told/a", json=ADD)
    again = await client.post("/v1/told/a", json=nothing, headers=KEY)
    assert (first.json()["total"], again.content, border.kernel.dispatch.head) == (0, first.content, 1)
