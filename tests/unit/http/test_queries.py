"""What a request asks for beside its path is known to its route, or refused by its name: nothing is left out in silence."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.http_kit import asked


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with asked(tmp_path) as border, border.asks() as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?prefx=project", "prefx"),
        ("?prefix=project&Limit=5", "Limit"),
        ("/project/a?At=1", "At"),
        ("/events?from=1", "from"),
        ("/events?snapshot=yes", "snapshot"),
        ("?prefix=project//a", "prefix"),
        ("?prefix=team&prefix=..", "prefix"),
        ("/events?prefix=a%20b", "prefix"),
        ("?prefix=" + "a/" * 8 + "a", "prefix"),
    ],
)
async def test_a_parameter_that_means_nothing_is_named(
    client: httpx.AsyncClient, query: str, field: str
) -> None:
    answer = await client.get(f"/v1/resources{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["field"] == field


@pytest.mark.parametrize("prefix", ["", "/", "project", "project/", "project/a", "a/" * 8])
async def test_a_prefix_is_none_or_whole_segments(client: httpx.AsyncClient, prefix: str) -> None:
    assert (await client.get("/v1/resources", params={"prefix": prefix})).status_code == 200


async def test_a_write_takes_no_parameters(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v1/resources/project/a?at=3", json={"value": 1})
    assert (answer.status_code, answer.json()["field"]) == (400, "at")
