"""Records over HTTP: what is answered, with which status, and what is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cutroom_sdk.wire.resources import OPERATIONS_MAX, TTL_MAX_MS
from engine.http.requests import BODY_MAX
from engine.http.routes import PREFIXES_MAX
from engine.kernel import records
from tests.http_kit import Border, asked
from tests.kernel_kit import ADA, Add, check_invariants

A = "/v1/resources/project/a"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    async with asked(tmp_path) as opened:
        yield opened
        await check_invariants(opened.kernel)


@pytest.fixture
async def client(border: Border) -> AsyncIterator[httpx.AsyncClient]:
    async with border.asks() as opened:
        yield opened


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["status"] == response.status_code
    assert told["type"] == f"urn:cutroom:problem:{told['code']}"
    assert told["title"]
    assert told["detail"]
    return told


async def test_a_record_is_created_replaced_read_and_deleted(client: httpx.AsyncClient) -> None:
    created = await client.put(A, json={"value": {"n": 1}})
    assert (created.status_code, created.headers["etag"]) == (201, '"1"')
    replaced = await client.put(A, json={"value": {"n": 2}})
    assert (replaced.status_code, replaced.headers["etag"]) == (200, '"2"')
    read = await client.get(A)
    assert read.json() == replaced.json()
    assert read.json() | {"updated_at_ms": 0} == {
        "key": "project/a",
        "value": {"n": 2},
        "rev": 2,
        "position": 2,
        "updated_at_ms": 0,
        "updated_by": "ada",
    }
    deleted = await client.delete(A)
    assert (deleted.status_code, deleted.json()) == (200, {"key": "project/a", "rev": 3, "position": 3})
    assert problem(await client.get(A))["code"] == "not_found"
    assert (
        await client.put(A, json={"value": 1})
    ).status_code == 201  # there again, at the rev after the tombstone's
    assert (await client.get(A)).headers["etag"] == '"4"'


async def test_reading_with_the_rev_one_has_costs_no_body(client: httpx.AsyncClient) -> None:
    await client.put(A, json={"value": 1})
    for tag in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = await client.get(A, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    assert (await client.get(A, headers={"If-None-Match": '"2"'})).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_write_at_another_rev_is_refused_with_both(client: httpx.AsyncClient, method: str) -> None:
    await client.put(A, json={"value": {}})
    content = b'{"value": 1}' if method == "PUT" else b"{}"
    kind = MERGE if method == "PATCH" else {"Content-Type": "application/json"}
    refused = await client.request(method, A, content=content, headers={"If-Match": '"7"', **kind})
    told = problem(refused)
    assert (refused.status_code, told["code"]) == (412, "revision_conflict")
    assert (told["key"], told["expected"], told["actual"], told["instance"]) == ("project/a", 7, 1, A)
    taken = await client.request(method, A, content=content, headers={"If-Match": '"1"', **kind})
    assert taken.status_code == 200


async def test_create_only_creates_once(client: httpx.AsyncClient) -> None:
    asked_ = [client.put(A, json={"value": n}, headers={"If-None-Match": "*"}) for n in range(10)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked_))
    assert statuses == [201] + [412] * 9


@pytest.mark.parametrize("headers", [{"If-Match": "*"}, {"If-Match": 'W/"1"'}, {"If-None-Match": '"1"'}])
async def test_a_precondition_that_is_not_understood_is_never_passed_over(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.put(A, json={"value": 1}, headers=headers)
    assert (answer.status_code, problem(answer)["field"]) == (400, next(iter(headers)))


async def test_every_writer_is_told_its_own_rev_and_value(client: httpx.AsyncClient) -> None:
    """Were a later write's rev answered, its writer would overwrite that one without knowing."""
    answers = await asyncio.gather(*(client.put(A, json={"value": n}) for n in range(40)))
    told = {answer.json()["value"]: answer.json()["rev"] for answer in answers}
    assert sorted(told) == list(range(40))
    assert sorted(told.values()) == list(range(1, 41))
    assert [answer.status_code for answer in answers].count(201) == 1
    for answer in answers:
        at = await client.get(A, params={"at": answer.json()["position"]})
        assert at.json() == answer.json()


async def test_a_patch_merges_on_the_server(client: httpx.AsyncClient) -> None:
    await client.put(A, json={"value": {"a": {"b": 1, "c": 2}, "d": 3}})
    answer = await client.patch(A, content=b'{"a": {"b": null, "e": 4}}', headers=MERGE)
    assert (answer.json()["value"], answer.json()["rev"]) == ({"a": {"c": 2, "e": 4}, "d": 3}, 2)


async def test_a_json_patch_is_carried_out_on_the_server_whole_or_not_at_all(
    client: httpx.AsyncClient,
) -> None:
    async def ask(*operations: dict[str, Any], **headers: str) -> httpx.Response:
        return await client.patch(A, content=json.dumps(operations), headers=JSON_PATCH | headers)

    await client.put(A, json={"value": {"takes": [1, 2]}})
    more, less = {"op": "add", "path": "/takes/-", "value": 3}, {"op": "remove", "path": "/takes/0"}
    done = await ask(more, less)
    assert (done.status_code, done.json()["value"], done.json()["rev"]) == (200, {"takes": [2, 3]}, 2)
    refused = await ask(more, {"op": "test", "path": "/takes/0", "value": 1})
    told = problem(refused)
    assert (refused.status_code, told["code"], told["reason"]) == (422, "event_rejected", "test_failed")
    assert (told["operation"], told["path"]) == (1, "/takes/0")
    assert problem(await ask({"op": "put", "path": "/a"}))["field"] == "[0].op"
    assert problem(await ask({"op": "add", "path": "/a"}))["field"] == "[0].value"
    assert (await ask(more, **{"If-Match": '"1"'})).status_code == 412
    assert (await client.get(A)).json()["value"] == {"takes": [2, 3]}
    await client.delete(A)
    assert problem(await ask(more))["code"] == "not_found"


async def test_a_record_may_be_given_a_time_to_live(client: httpx.AsyncClient) -> None:
    told = (await client.put(A, json={"value": 1, "ttl_ms": TTL_MAX_MS})).json()
    assert (told["ttl_ms"], told["expires_at_ms"]) == (TTL_MAX_MS, told["updated_at_ms"] + TTL_MAX_MS)
    assert (await client.get(A)).json() == told
    assert (await client.get("/v1/resources")).json()["items"] == [told]
    assert (await client.get(A, params={"at": 1})).json() == told
    for ttl_ms in (0, -1, TTL_MAX_MS + 1, 1.5, "60", True):
        answer = await client.put(A, json={"value": 1, "ttl_ms": ttl_ms})
        assert (answer.status_code, problem(answer)["field"]) == (400, "ttl_ms"), ttl_ms
    for unset in ({}, {"ttl_ms": None}):
        lives_on = (await client.put(A, json={"value": 2, **unset})).json()
        assert not lives_on.keys() & {"ttl_ms", "expires_at_ms"}


async def test_concurrent_json_patches_are_all_in(client: httpx.AsyncClient) -> None:
    await client.put(A, json={"value": []})
    patches = [json.dumps([{"op": "add", "path": "/-", "value": n}]) for n in range(20)]
    await asyncio.gather(*(client.patch(A, content=patch, headers=JSON_PATCH) for patch in patches))
    assert sorted((await client.get(A)).json()["value"]) == list(range(20))


async def test_concurrent_patches_are_all_in(client: httpx.AsyncClient) -> None:
    await client.put(A, json={"value": {}})
    patches = [b'{"k%d": %d}' % (n, n) for n in range(20)]
    await asyncio.gather(*(client.patch(A, content=patch, headers=MERGE) for patch in patches))
    assert (await client.get(A)).json()["value"] == {f"k{n}": n for n in range(20)}


async def test_other_types_of_content_are_named_as_not_understood(client: httpx.AsyncClient) -> None:
    for method, kind in (
        ("PUT", "text/plain"),
        ("PUT", "application/x-www-form-urlencoded"),
        ("PATCH", "application/json"),
    ):
        answer = await client.request(method, A, content=b'{"value":1}', headers={"Content-Type": kind})
        assert (answer.status_code, problem(answer)["code"]) == (415, "unsupported_media_type")
    assert (await client.put(A, content=b'{"value":1}')).status_code == 415
    given = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await client.put(A, content=b'{"value":1}', headers=given)).status_code == 201


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[]", "body"),
        (b"{}", "value"),
        (b'{"value": 1, "ttl": 5}', "ttl"),
        (b'{"value": NaN}', "body"),
        (b'{"value": 1e999}', "value"),
        (b'{"value": "\\ud800"}', "body"),
        (b'{"value": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "body"),
    ],
)
async def test_a_body_that_is_wrong_is_named_by_its_field(
    client: httpx.AsyncClient, content: bytes, field: str
) -> None:
    answer = await client.put(A, content=content, headers={"Content-Type": "application/json"})
    told = problem(answer)
    assert (answer.status_code, told["code"], told["field"]) == (400, "invalid_request", field)


async def test_a_body_of_more_than_a_mebibyte_is_too_large(client: httpx.AsyncClient, border: Border) -> None:
    given = {"Content-Type": "application/json"}
    large = b'{"value": "' + b"x" * BODY_MAX + b'"}'
    for headers in (given, given | {"Idempotency-Key": "k"}):
        answer = await client.put(A, content=large, headers=headers)
        assert (answer.status_code, problem(answer)["code"]) == (413, "payload_too_large")
    assert border.kernel.dispatch.head == 0


async def test_whole_numbers_beyond_those_of_floats_survive_every_way_of_writing(
    client: httpx.AsyncClient,
) -> None:
    large, given = 2**53 + 1, {"Content-Type": "application/json"}
    await client.put(A, content=b'{"value": {"a": %d, "b": %d}}' % (10**30, large), headers=given)
    await client.patch(A, content=b'{"c": %d}' % -large, headers=MERGE)
    test = {"op": "test", "path": "/b", "value": large}
    await client.patch(A, json=[test, {"op": "copy", "from": "/a", "path": "/d"}], headers=JSON_PATCH)
    value = (await client.get(A)).json()["value"]
    assert value == {"a": 10**30, "b": large, "c": -large, "d": 10**30}
    almost = [test | {"value": large - 1}]
    assert problem(await client.patch(A, json=almost, headers=JSON_PATCH))["reason"] == "test_failed"


async def test_of_a_name_that_is_there_twice_the_last_counts(client: httpx.AsyncClient) -> None:
    given = {"Content-Type": "application/json"}
    await client.put(A, content=b'{"value": 1, "value": {"a": 1, "a": 2}}', headers=given)
    await client.patch(A, content=b'{"b": 3, "b": 4}', headers=MERGE)
    assert (await client.get(A)).json()["value"] == {"a": 2, "b": 4}


async def test_what_is_no_number_is_no_json_in_a_patch_either(client: httpx.AsyncClient) -> None:
    await client.put(A, json={"value": {}})
    for content in (b'{"a": NaN}', b'{"a": -Infinity}'):
        answer = await client.patch(A, content=content, headers=MERGE)
        assert (answer.status_code, problem(answer)["field"]) == (400, "body")
    answer = await client.patch(A, content=b'[{"op": "add", "path": "/a", "value": NaN}]', headers=JSON_PATCH)
    assert (answer.status_code, problem(answer)["field"]) == (400, "body")


@pytest.mark.parametrize(("levels", "field"), [(100, None), (101, "value"), (127, "value"), (128, "body")])
async def test_depth_has_a_bound_for_values_and_for_bodies(
    client: httpx.AsyncClient, levels: int, field: str | None
) -> None:
    content = b'{"value": ' + b"[" * levels + b'"]]"' + b"]" * levels + b"}"
    answer = await client.put(A, content=content, headers={"Content-Type": "application/json"})
    if field is None:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, problem(answer)["field"]) == (400, field)


async def test_keys_that_are_malformed_or_the_engines_own_are_refused(client: httpx.AsyncClient) -> None:
    for key, status, name in (
        ("project", 400, "invalid_key"),
        ("project/a%20b", 400, "invalid_key"),
        ("project//a", 400, "invalid_key"),
        ("project/%2e%2e/mission/m1", 400, "invalid_key"),
        ("project/%2e", 400, "invalid_key"),
        ("mission/m1", 403, "engine_owned"),
        ("outbox/c", 403, "engine_owned"),
    ):
        answer = await client.put(f"/v1/resources/{key}", json={"value": 1})
        assert (answer.status_code, problem(answer)["code"]) == (status, name), key


async def test_what_the_engine_owns_can_be_read(client: httpx.AsyncClient, border: Border) -> None:
    await border.kernel.dispatch.propose("counter/a", Add(by=(3,)), ADA)
    answer = await client.get("/v1/resources/counter/a")
    assert answer.json()["value"] == {"total": 3, "by": "ada"}


async def test_a_transaction_is_all_or_nothing_at_one_position(client: httpx.AsyncClient) -> None:
    async def ask(*operations: dict[str, Any]) -> httpx.Response:
        return await client.post("/v1/resources/transaction", json={"operations": operations})

    answer = await ask(
        {"op": "put", "key": "project/a", "value": 1, "if_match_rev": 0},
        {"op": "check", "key": "project/b", "if_match_rev": 0},
        {"op": "put", "key": "team/c", "value": {"x": 1}},
    )
    assert answer.json() == {
        "position": 1,
        "results": [
            {"op": "put", "key": "project/a", "rev": 1},
            {"op": "check", "key": "project/b", "rev": 0},
            {"op": "put", "key": "team/c", "rev": 1},
        ],
    }
    refused = await ask(
        {"op": "delete", "key": "project/a"}, {"op": "check", "key": "team/c", "if_match_rev": 9}
    )
    assert (refused.status_code, problem(refused)["key"]) == (412, "team/c")
    done = await ask(
        {"op": "delete", "key": "project/a", "if_match_rev": 1},
        {"op": "patch", "key": "team/c", "value": {"y": 2}},
    )
    assert done.json()["position"] == 2
    listed = (await client.get("/v1/resources")).json()
    assert [(record["key"], record["value"]) for record in listed["items"]] == [("team/c", {"x": 1, "y": 2})]


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ({"op": "put", "key": "project/a", "value": 1, "if_match": 3}, "operations[0].if_match"),
        ({"op": "put", "key": "project/a"}, "value"),
        ({"op": "put", "key": "project/a", "value": 1, "ttl_ms": 0}, "operations[0].ttl_ms"),
        ({"op": "check", "key": "project/a", "if_match_rev": 0, "ttl_ms": 5}, "ttl_ms"),
        ({"op": "check", "key": "project/a"}, "if_match_rev"),
        ({"op": "replace", "key": "project/a", "value": 1}, "operations[0].op"),
        ({"op": "delete", "key": "project"}, None),
    ],
)
async def test_an_operation_that_is_wrong_is_named(
    client: httpx.AsyncClient, operation: dict[str, Any], field: str | None
) -> None:
    answer = await client.post("/v1/resources/transaction", json={"operations": [operation]})
    assert answer.status_code == 400
    assert problem(answer).get("field") == field


async def test_a_transaction_has_one_operation_and_not_more_than_it_may(client: httpx.AsyncClient) -> None:
    def asked(count: int) -> dict[str, Any]:
        put = {"op": "put", "key": "project/a", "value": 1}
        return {"operations": [put] * count}

    for count in (0, OPERATIONS_MAX + 1):
        answer = await client.post("/v1/resources/transaction", json=asked(count))
        assert (answer.status_code, problem(answer)["field"]) == (400, "operations")
    most = (await client.post("/v1/resources/transaction", json=asked(OPERATIONS_MAX))).json()
    assert [result["rev"] for result in most["results"]] == list(range(1, OPERATIONS_MAX + 1))


async def test_lists_are_pages_with_the_position_of_the_read(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await client.put(f"/v1/resources/project/{number}", json={"value": number})
    first = (await client.get("/v1/resources", params={"prefix": "project", "limit": 3})).json()
    assert ([record["value"] for record in first["items"]], first["position"]) == ([0, 1, 2], 5)
    rest = (await client.get("/v1/resources", params={"limit": 3, "cursor": first["next"]})).json()
    assert ([record["value"] for record in rest["items"]], rest["next"]) == ([3, 4], None)
    for limit in ("0", "1001", "-1", "x", "1.5", ""):
        answer = await client.get("/v1/resources", params={"limit": limit})
        assert (answer.status_code, problem(answer)["field"]) == (400, "limit"), limit


async def test_lists_take_several_prefixes_but_not_any_number(client: httpx.AsyncClient) -> None:
    for key in ("project/a", "project/b", "team/a"):
        await client.put(f"/v1/resources/{key}", json={"value": 1})
    listed = await client.get("/v1/resources", params={"prefix": ["team", "project/b"]})
    assert [record["key"] for record in listed.json()["items"]] == ["project/b", "team/a"]
    for path in ("/v1/resources", "/v1/resources/events"):
        answer = await client.get(path, params={"prefix": ["project"] * (PREFIXES_MAX + 1)})
        assert (answer.status_code, problem(answer)["field"]) == (400, "prefix")


async def test_the_past_can_be_read_and_the_future_cannot(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.put(A, json={"value": number})
    await client.delete(A)
    values = []
    for at in range(5):
        answer = await client.get(A, params={"at": at})
        values.append(answer.json()["value"] if answer.status_code == 200 else answer.status_code)
    assert values == [404, 0, 1, 2, 404]
    ahead = await client.get(A, params={"at": 5})
    assert (ahead.status_code, problem(ahead)["code"], problem(ahead)["head"]) == (409, "position_ahead", 4)


async def test_a_token_does_what_its_capabilities_say(border: Border) -> None:
    await border.kernel.dispatch.propose("counter/a", Add(), ADA)
    async with border.asks("ada") as ada:
        await ada.put(A, json={"value": 1})
    async with border.asks("reader") as reader:
        listed = (await reader.get("/v1/resources")).json()
        assert [record["key"] for record in listed["items"]] == ["project/a"]  # counters need `counters:read`
        for answer in (
            await reader.put(A, json={"value": 2}),
            await reader.get("/v1/resources/counter/a"),
            await reader.get("/v1/log"),
            await reader.post("/v1/counters/a", json={"type": "add", "by": [1]}),
        ):
            assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")


async def test_a_check_tells_nothing_of_what_the_caller_may_not_read(border: Border) -> None:
    await border.kernel.dispatch.propose("counter/a", Add(), ADA)
    async with border.asks("nobody") as nobody:
        operation = {"op": "check", "key": "counter/a", "if_match_rev": 9}
        answer = await nobody.post("/v1/resources/transaction", json={"operations": [operation]})
        assert (answer.status_code, "actual" in answer.json()) == (403, False)


async def test_tenants_do_not_see_each_other(border: Border) -> None:
    async with border.asks("ada") as ada, border.asks("eve") as eve:
        await ada.put(A, json={"value": 1})
        assert (await eve.get(A)).status_code == 404
        assert (await eve.get("/v1/resources")).json()["items"] == []
        assert (await eve.get("/v1/log")).json()["items"] == []
        assert (await eve.put(A, json={"value": 2}, headers={"If-None-Match": "*"})).status_code == 201
        assert (await ada.get(A)).json()["value"] == 1


async def test_what_is_not_there_and_what_is_not_possible_are_problems(client: httpx.AsyncClient) -> None:
    nowhere = await client.get("/v1/nowhere")
    assert (nowhere.status_code, problem(nowhere)["code"], problem(nowhere)["instance"]) == (
        404,
        "not_found",
        "/v1/nowhere",
    )
    impossible = await client.post("/v1/log")
    assert (impossible.status_code, problem(impossible)["code"]) == (405, "method_not_allowed")
    assert "GET" in impossible.headers["allow"]
    assert problem(await client.delete(A))["key"] == "project/a"


async def test_a_full_disk_is_507_while_reads_go_on(client: httpx.AsyncClient, border: Border) -> None:
    await client.put(A, json={"value": 1})

    def fill(connection: Any) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}").fetchone()

    await border.kernel.database.write(fill)
    answer = await client.put(A, json={"value": "x" * (records.MAX_VALUE_BYTES - 2)})
    assert (answer.status_code, problem(answer)["code"]) == (507, "insufficient_storage")
    assert (await client.get(A)).json()["value"] == 1
    await border.kernel.database.write(
        lambda connection: connection.execute("PRAGMA max_page_count=100000").fetchone()
    )
    assert (await client.put(A, json={"value": 2})).status_code == 200


async def test_the_log_is_read_in_pages_by_stream_and_by_type(border: Border) -> None:
    async with border.asks() as client:
        for name in "aba":
            await client.post(f"/v1/counters/{name}", json={"type": "add", "by": [1]})
        await client.put(A, json={"value": 1})
        first = (await client.get("/v1/log", params={"limit": 2})).json()
        assert [event["position"] for event in first["items"]] == [1, 2]
        rest = (await client.get("/v1/log", params={"limit": 2, "cursor": first["next"]})).json()
        assert [event["type"] for event in rest["items"]] == ["counter.added", "resources.changed"]
        assert rest["items"][0]["data"] == {"type": "counter.added", "by": 1}
        own = (await client.get("/v1/log", params={"stream": "counter/a"})).json()
        assert [event["position"] for event in own["items"]] == [1, 3]
        typed = (await client.get("/v1/log", params={"type": "resources", "after": 1})).json()
        assert [event["position"] for event in typed["items"]] == [4]


async def test_the_log_shows_each_reader_what_its_capabilities_let_it_see(border: Border) -> None:
    async with border.asks() as ada, border.asks("auditor") as auditor:
        await ada.post("/v1/counters/a", json={"type": "add", "by": [1, 1]})
        await border.kernel.dispatch.propose(
            "counter/a", Add(by=(5,)), ADA
        )  # and a command, which `log:read` shows
        page = (await auditor.get("/v1/log")).json()
        assert [(event["stream"].partition("/")[0], event["position"]) for event in page["items"]] == [
            ("outbox", 4)
        ]
        short = (await auditor.get("/v1/log", params={"limit": 2})).json()
        assert (short["items"], short["next"]) == ([], "2")  # a short page, and there is more
