import httpx
import pytest

from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address
from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.wire.problems import NOT_FOUND, UNAVAILABLE
from cutroom_sdk.wire.resources import Record

PROBLEM = {
    "type": "urn:cutroom:problem:mission_not_found",
    "title": "No mission has this id",
    "status": 404,
    "detail": "there is no mission x",
    "code": "mission_not_found",
    "instance": "/v1/missions/x",
    "near": ["y"],
}


def client(answer: httpx.Response | Exception, asked: list[httpx.Request] | None = None) -> Client:
    def handle(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    address = Address(url="http://127.0.0.1:1", token="secret")
    return Client(lambda: address, transport=httpx.MockTransport(handle))


async def test_a_problem_becomes_an_error_with_its_code_its_fields_and_an_exit_code() -> None:
    async with client(httpx.Response(404, json=PROBLEM)) as studio:
        with pytest.raises(SdkError, match="there is no mission x") as caught:
            await studio.mission("x")
    assert (caught.value.code, caught.value.status, caught.value.exit) == (
        "mission_not_found",
        404,
        NOT_FOUND,
    )
    assert caught.value.extra == {"near": ["y"]}


async def test_an_answer_that_is_no_problem_is_quoted() -> None:
    async with client(httpx.Response(502, text="<html>proxy</html>")) as studio:
        with pytest.raises(SdkError, match="502 with <html>proxy"):
            await studio.health()


async def test_silence_is_unreachable() -> None:
    async with client(httpx.ConnectError("refused")) as studio:
        with pytest.raises(Unreachable, match="nothing answers at http://") as caught:
            await studio.health()
    assert caught.value.exit == UNAVAILABLE


async def test_without_a_daemon_it_says_how_to_get_one() -> None:
    async with Client(lambda: None) as studio:
        with pytest.raises(Unreachable, match="'cutroom serve' starts one"):
            await studio.health()


async def test_an_answer_of_another_shape_names_the_field() -> None:
    async with client(httpx.Response(200, json={"key": 1})) as studio:
        with pytest.raises(SdkError, match="key"):
            await studio.get("/v1/resources/a/b", Record)


async def test_who_is_refused_looks_for_the_token_anew() -> None:
    tokens = iter(["old", "new"])
    answers = {"Bearer old": httpx.Response(401, json=PROBLEM | {"code": "unauthenticated", "status": 401})}

    def handle(request: httpx.Request) -> httpx.Response:
        known = httpx.Response(200, json={"status": "ok", "version": "1", "pid": 1})
        return answers.get(request.headers["authorization"], known)

    def locate() -> Address:
        return Address(url="http://127.0.0.1:1", token=next(tokens))

    async with Client(locate, transport=httpx.MockTransport(handle)) as studio:
        with pytest.raises(SdkError):
            await studio.health()
        assert (await studio.health()).status == "ok"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "99999999999999"}, 300.0),
        ({"Retry-After": "-1"}, None),
        ({}, None),
        ({"Date": "Sat, 21 Nov 2026 10:00:00 GMT", "Retry-After": "Sat, 21 Nov 2026 10:00:09 GMT"}, 9.0),
        ({"Date": "Sat, 21 Nov 2026 10:00:00 GMT", "Retry-After": "Sat, 21 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sat, 21 Nov 2026 10:00:09 GMT"}, None),
    ],
)
async def test_an_error_says_when_to_try_again(headers: dict[str, str], seconds: float | None) -> None:
    busy = httpx.Response(503, json=PROBLEM | {"code": "unavailable", "status": 503}, headers=headers)
    async with client(busy) as studio:
        with pytest.raises(SdkError) as caught:
            await studio.health()
    assert caught.value.retry_after_s == seconds


async def test_lists_are_read_to_their_last_page_and_the_token_goes_along() -> None:
    asked: list[httpx.Request] = []
    pages = {
        "": {"items": [1, 2], "next": "b", "position": 3},
        "b": {"items": [3], "next": None, "position": 3},
    }

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=pages[request.url.params.get("cursor", "")])

    address = Address(url="http://127.0.0.1:1", token="secret")
    async with Client(lambda: address, transport=httpx.MockTransport(handle)) as studio:
        assert await studio.every("/v1/things", int) == [1, 2, 3]
    assert {request.headers["authorization"] for request in asked} == {"Bearer secret"}
