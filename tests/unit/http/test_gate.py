"""Nobody gets in from another place, another page, or without a token; and every answer is locked down."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.http_kit import HOST, Border, asked


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    async with asked(tmp_path) as opened:
        yield opened


def code(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("host", ["127.0.0.1:7718", "127.0.0.1", "evil.example:7717", "evil.example", ""])
@pytest.mark.parametrize("path", ["/health", "/v1/resources", "/v1/resources/events", "/nowhere"])
async def test_another_host_is_refused_on_every_path_port_included(
    border: Border, host: str, path: str
) -> None:
    async with border.asks() as client:
        assert code(await client.get(path, headers={"Host": host})) == (403, "origin_refused")


async def test_two_hosts_are_no_host(border: Border) -> None:
    async with border.asks() as client:
        request = client.build_request("GET", "/health")
        request.headers = httpx.Headers([("Host", HOST), ("Host", "evil.example")])
        assert code(await client.send(request)) == (403, "origin_refused")


async def test_the_allowed_names_are_taken_in_any_case(border: Border) -> None:
    async with border.asks() as client:
        for host in (HOST, "localhost:7717", "LocalHost:7717"):
            assert (await client.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "https://127.0.0.1:7717"},
        {"Origin": f"http://{HOST}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_foreign_page_sees_and_changes_nothing(
    border: Border, headers: dict[str, str], method: str
) -> None:
    async with border.asks(**headers) as client:
        response = await client.request(method, "/v1/resources/project/a", json={"value": 1})
        assert code(response) == (403, "origin_refused")
    assert border.kernel.dispatch.head == 0


async def test_a_link_from_elsewhere_may_be_followed(border: Border) -> None:
    async with border.asks(**{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}) as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.put("/v1/resources/project/a", json={"value": 1})).status_code == 403


async def test_the_own_page_may_write(border: Border) -> None:
    async with border.asks(**{"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}) as client:
        assert (await client.put("/v1/resources/project/a", json={"value": 1})).status_code == 201


@pytest.mark.parametrize(
    "token", [None, "Bearer", "Bearer ", "Bearer  ", "Bearer wrong", "Basic token-of-ada"]
)
async def test_without_a_token_that_is_known_there_is_nothing(border: Border, token: str | None) -> None:
    async with border.asks(None, **({"Authorization": token} if token else {})) as client:
        for path in ("/v1/resources", "/v1/log", "/v1/resources/events", "/ready", "/nowhere"):
            response = await client.get(path)
            assert code(response) == (401, "unauthenticated")
            assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_the_windows_cookie_counts_as_its_token(border: Border) -> None:
    async with border.asks(None, Cookie="other=1; cutroom_session=token-of-ada") as client:
        assert (await client.get("/v1/resources")).status_code == 200
    async with border.asks(None, Cookie="cutroom_session=wrong") as client:
        assert code(await client.get("/v1/resources")) == (401, "unauthenticated")


async def test_a_token_is_never_taken_from_the_address(border: Border) -> None:
    async with border.asks(None) as client:
        for name in ("token", "access_token", "cutroom_session"):
            response = await client.get("/v1/resources", params={name: "token-of-ada"})
            assert code(response) == (401, "unauthenticated")


async def test_health_needs_no_token_and_tells_nothing_private(border: Border) -> None:
    async with border.asks(None) as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        response = await client.post("/health", headers={"Idempotency-Key": "k"})
        assert code(response) == (405, "method_not_allowed")


async def test_every_answer_is_locked_down_whatever_it_is(border: Border) -> None:
    async with border.asks() as client:
        answers = [
            await client.get("/v1/resources"),
            await client.get("/v1/resources/project/none"),
            await client.get("/nowhere"),
            await client.get("/v1/mistakes"),
            await client.get("/v1/resources", headers={"Authorization": "Bearer wrong"}),
            await client.get("/health", headers={"Host": "evil.example"}),
            await client.put("/v1/resources/project/a", json={"value": 1}, headers={"Idempotency-Key": "k"}),
            await client.put("/v1/resources/project/a", json={"value": 1}, headers={"Idempotency-Key": "k"}),
        ]
        assert [answer.status_code for answer in answers] == [200, 404, 404, 500, 401, 403, 201, 201]
        for answer in answers:
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "access-control-allow-origin" not in answer.headers
            assert len(answer.headers.get_list("cache-control")) == 1


async def test_a_mistake_in_the_code_tells_the_caller_nothing_of_it(border: Border) -> None:
    async with border.asks() as client:
        response = await client.get("/v1/mistakes")
        assert code(response) == (500, "internal")
        assert "ZeroDivision" not in response.text
        assert "Traceback" not in response.text
