"""What leaves the machine and what comes back from others: where requests may go, secrets, and signed deliveries."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from cutroom_sdk.wire.problems import DONE, NOT_FOUND, USAGE
from engine.webhooks.signature import key_of, sign
from tests.e2e.outside import Outside
from tests.e2e.studio import cutroom
from tests.sink import Sink

SECRET: Final = "s3cr\u00e9t/with+odd\\chars&more"
CLOSED: Final = (
    "127.0.0.1:{other}/",
    "localhost:{port}/",
    "127.1:{port}/",
    "2130706433:{port}/",
    "0x7f000001:{port}/",
    "0177.0.0.1:{port}/",
    "[::ffff:127.0.0.1]:{port}/",
    "[::1]:{port}/",
    "[64:ff9b::7f00:1]/",
    "[2002:7f00:1::]/",
    "169.254.169.254/latest/meta-data/",
    "10.0.0.1/",
    "100.64.0.1/",
    "[fe80::1%25lo]/",
    "0.0.0.0:{port}/",
)


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as found:
        yield found


@pytest.fixture(scope="module")
def other() -> Iterator[Sink]:
    """A server that nobody allowed."""
    with Sink() as found:
        yield found


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory, sink: Sink, other: Sink) -> Iterator[Outside]:
    folder, footage = tmp_path_factory.mktemp("outbound") / "state", tmp_path_factory.mktemp("footage")
    environment = {
        "CUTROOM_OUTBOUND_ALLOW": f"127.0.0.1:{sink.port}",
        "CUTROOM_LOG_LEVEL": "debug",
        "http_proxy": other.url,
        "https_proxy": other.url,
        "all_proxy": other.url,
    }
    with Outside(folder, footage, **environment) as found:
        found.refused("PUT", "/v1/secrets/KEY", json={"value": SECRET})
        yield found


def carried_out(outside: Outside, *inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """Have a mission send requests, nobody asking; return their runs when it is over."""
    items = [
        {
            "work_item_id": f"send-{number}",
            "title": "send",
            "kind": "http_request",
            "input": one,
            "gates": {"review": "none", "test": "none"},
        }
        for number, one in enumerate(inputs)
    ]
    body = {
        "title": "Tell them",
        "goal": "told",
        "work_items": items,
        "capabilities": ["outbound:request", "effects:external"],
        "start": True,
        "budgets": {"max_attempts": 1},
    }
    status, _, answer = outside.asks("POST", "/v1/missions", json=body)
    assert status == 201, answer.text
    mission_id = answer.json()["mission_id"]
    return [
        outside.first("run", f'"{mission_id}"', f'"{one["work_item_id"]}"', '"finished_at_ms":1')
        for one in items
    ]


def test_a_request_goes_to_public_addresses_and_to_the_operators_own_alone(
    outside: Outside, sink: Sink, other: Sink
) -> None:
    inputs = [
        {"url": "http://" + one.format(port=sink.port, other=other.port), "limit_s": 5} for one in CLOSED
    ]
    sink.calls.clear()
    refused = 0
    for asked in inputs:
        (run,) = carried_out(outside, asked)
        assert run["status"] == "failed", asked
        assert run["error"]["code"] in ("address_refused", "invalid_request"), (asked, run["error"])
        refused += 1
    assert (refused, sink.calls, other.calls) == (len(CLOSED), [], [])
    (run,) = carried_out(outside, {"url": f"{sink.url}/hello?a=b"})
    assert (run["status"], run["output"]["status"]) == ("succeeded", 200)
    assert [(one.method, one.path, one.headers["host"]) for one in sink.calls] == [
        ("GET", "/hello?a=b", f"127.0.0.1:{sink.port}")
    ]
    assert other.calls == [], "the environment's proxies are nobody's business here"


def test_a_redirect_is_told_and_not_followed(outside: Outside, sink: Sink, other: Sink) -> None:
    sink.answers["/away"] = (302, {"Location": f"{other.url}/inner"}, b"")
    (run,) = carried_out(outside, {"url": f"{sink.url}/away", "statuses": [302]})
    assert run["output"]["headers"]["location"] == f"{other.url}/inner"
    assert other.calls == []


def test_an_answer_is_read_up_to_a_limit_and_never_unpacked(outside: Outside, sink: Sink) -> None:
    sink.answers["/long"] = (200, {}, b"x" * 3_000_000)
    sink.answers["/gzip"] = (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b" + b"\0" * 30)
    (long,) = carried_out(outside, {"url": f"{sink.url}/long", "max_bytes": 1000})
    assert (long["output"]["bytes"], long["output"]["truncated"]) == (1000, True)
    (packed,) = carried_out(outside, {"url": f"{sink.url}/gzip"})
    assert (packed["output"]["bytes"], sink.calls[-1].headers["accept-encoding"]) == (32, "identity")


def test_a_tool_is_sent_nowhere_without_the_capability(outside: Outside, sink: Sink) -> None:
    writer = outside.issue(capabilities=["missions:write"])
    item = {"title": "send", "kind": "http_request", "input": {"url": sink.url}}
    asked = {"title": "t", "goal": "g", "work_items": [item]}
    assert outside.refused("POST", "/v1/missions", token=writer, json=asked) == (403, "forbidden")
    for headers in ({"Host": "evil.example"}, {"Transfer-Encoding": "chunked"}, {"A": "b\r\nC: d"}):
        (run,) = carried_out(outside, {"url": sink.url, "headers": headers})
        assert run["error"]["code"] == "invalid_request"


def test_a_secret_reaches_whom_it_is_for_and_stays_in_no_file_but_its_own(
    outside: Outside, sink: Sink
) -> None:
    ref = {"secret": "KEY"}
    sink.answers["/fails"] = (500, {}, f"no: {SECRET}".encode())
    plain = "an-ascii-secret"
    outside.refused("PUT", "/v1/secrets/PLAIN", json={"value": plain})
    sink.calls.clear()
    asked = {
        "url": f"{sink.url}/echo",
        "method": "POST",
        "headers": {"Authorization": {"secret": "PLAIN", "prefix": "Bearer "}},
        "body": {"user": {"pass": ref}, "list": [ref]},
    }
    echoed, failed = carried_out(outside, asked, asked | {"url": f"{sink.url}/fails"})
    assert sink.calls[0].headers["authorization"] == f"Bearer {plain}"
    assert json.loads(sink.calls[0].body) == {"user": {"pass": SECRET}, "list": [SECRET]}
    assert echoed["input"]["headers"] == asked["headers"]
    assert "Bearer [secret PLAIN]" in echoed["output"]["text"]
    assert '{"user":{"pass":"[secret KEY]"},"list":["[secret KEY]"]}' in echoed["output"]["text"]
    assert "no: [secret KEY]" in failed["error"]["detail"]
    names = [one["name"] for one in outside.asks("GET", "/v1/secrets")[2].json()["items"]]
    assert names == ["KEY", "PLAIN"]
    outside.daemon.kill()
    assert _files_with(outside.daemon.folder, SECRET, plain) == {"secrets.json"}
    outside.restart()


def _files_with(folder: Path, *secrets: str) -> set[str]:
    """The files that have a secret in them, in any of the forms in which it could have got there."""
    forms = set[bytes]()
    for one in secrets:
        raw = one.encode()
        forms |= {raw, json.dumps(one).encode()[1:-1], json.dumps(one, ensure_ascii=False).encode()[1:-1]}
        forms |= {
            base64.b64encode(raw)[:-4],
            base64.b64encode(b"x" + raw)[4:-4],
            base64.b64encode(b"xx" + raw)[4:-4],
        }
    files = [one for one in folder.rglob("*") if one.is_file()]
    assert any(one.suffix == ".sqlite3" for one in files)
    return {one.name for one in files if any(form in one.read_bytes() for form in forms)}


def test_a_value_is_shown_to_nobody(outside: Outside) -> None:
    for method, path in (
        ("GET", "/v1/secrets/KEY"),
        ("GET", "/v1/secrets"),
        ("GET", "/v1/resources/secret/KEY"),
    ):
        assert SECRET not in outside.asks(method, path)[2].text
    for path in ("/v1/log?limit=1000", "/v1/audit?limit=1000", "/v1/log/export", "/v1/resources?limit=1000"):
        assert SECRET not in outside.asks("GET", path)[2].text
    assert outside.refused("PUT", "/v1/secrets/KEY", json={"value": "short"}) == (400, "invalid_request")
    assert (
        "short"
        not in json.loads(outside.asks("PUT", "/v1/secrets/K", json={"value": "short"})[2].text)["detail"][
            :40
        ]
    )


def _delivery(body: bytes, key: str, at_s: int) -> dict[str, Any]:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{sign(key_of(key), 'msg_1', str(at_s), body)}",
        "Content-Type": "application/json",
    }
    return {"content": body, "headers": headers, "token": ""}


def test_a_delivery_is_taken_once_from_who_knows_the_secret_also_after_a_crash(outside: Outside) -> None:
    key, other = f"whsec_{'A' * 43}=", f"whsec_{'B' * 43}="
    outside.refused("PUT", "/v1/secrets/HOOK", json={"value": key})
    assert outside.refused("PUT", "/v1/webhooks/builds", json={"secrets": ["HOOK"]})[0] == 201
    now = outside.now_s()
    at, right = "/v1/webhooks/builds", _delivery(b'{"n": 1}', key, now)
    assert outside.refused("POST", at, token="", json={}) == (401, "signature_refused")
    assert outside.refused("POST", at, **_delivery(b"{}", other, now)) == (401, "signature_refused")
    assert outside.refused("POST", at, **_delivery(b"{}", key, now - 400)) == (401, "signature_refused")
    assert outside.refused("POST", at, **right | {"content": b'{"n": 2}'}) == (401, "signature_refused")
    assert outside.refused("POST", "/v1/webhooks/none", **right) == (401, "signature_refused")
    assert outside.refused("POST", at, **right)[0] == 202
    assert outside.refused("POST", at, **right) == (409, "delivery_replayed")
    outside.daemon.kill()
    outside.restart()
    assert outside.refused("POST", at, **right) == (409, "delivery_replayed")
    events = outside.asks("GET", "/v1/log?type=webhook.received")[2].json()["items"]
    assert [one["data"]["payload"] for one in events] == [{"n": 1}]
    assert outside.refused("POST", at, **_delivery(b" " * (1 << 17), key, now)) == (413, "payload_too_large")


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_no_other_sites_page_delivers(outside: Outside, headers: dict[str, str]) -> None:
    assert outside.refused("POST", "/v1/webhooks/builds", token="", headers=headers) == (
        403,
        "origin_refused",
    )


async def test_a_person_keeps_secrets_and_webhooks_from_the_command_line(outside: Outside) -> None:
    daemon, value = outside.daemon, f"whsec_{'typed/by+a/perso' * 2}"
    kept = await cutroom(daemon, "secret", "set", "TYPED", "--json", given=value + "\n")
    assert (kept.code, kept.json["name"]) == (DONE, "TYPED"), kept.talk
    assert (await cutroom(daemon, "webhook", "set", "typed", "--secret", "TYPED", "--json")).json["enabled"]
    delivery = _delivery(b'{"by": "hand"}', value, outside.now_s())
    assert outside.refused("POST", "/v1/webhooks/typed", **delivery)[0] == 202, (
        "the line's end is no part of it"
    )
    listed = await asyncio.gather(*(cutroom(daemon, kind, "list") for kind in ("secret", "webhook")))
    assert "TYPED" in listed[0].out
    assert "1 received" in listed[1].out
    assert value not in listed[0].out + listed[1].out
    removed = await asyncio.gather(
        cutroom(daemon, "webhook", "remove", "typed"),
        cutroom(daemon, "secret", "remove", "TYPED"),
        cutroom(daemon, "secret", "remove", "NOBODYS"),
        cutroom(daemon, "secret", "set", "SHORT", given="short"),
    )
    assert [one.code for one in removed] == [DONE, DONE, NOT_FOUND, USAGE]
    assert "8 to 4096" in removed[-1].talk
