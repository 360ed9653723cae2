"""A delivery is taken once, from who knows the secret, within five minutes: also after a restart."""

import contextlib
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.http.app import build_app
from engine.kernel.context import Context
from engine.kernel.errors import StudioError
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Envelope
from engine.webhooks import reducer
from engine.webhooks.routes import routes
from engine.webhooks.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, key_of, sign
from tests.kernel_kit import ADA, ELSEWHERE, FakeClock, events_of

HOST = "127.0.0.1:7717"
NOW_S = 1_700_000_000
KEY, NEXT, EVES = (f"whsec_{b64encode(bytes([n]) * 32).decode()}" for n in (1, 2, 3))
CALLERS = {
    "ada": ADA,
    "eve": ELSEWHERE,
    "reader": Context(actor="r", capabilities=frozenset({"webhooks:read"})),
}


def signature(key: str, delivery: str, at_s: int | str, body: bytes) -> str:
    return f"v1,{sign(key_of(key), delivery, str(at_s), body)}"


def headers_of(delivery: str, at_s: int | str, signed: str) -> dict[str, str]:
    return {
        ID_HEADER: delivery,
        TIME_HEADER: str(at_s),
        SIGNATURE_HEADER: signed,
        "content-type": "application/json",
    }


@dataclass(frozen=True)
class Room:
    kernel: Kernel
    clock: FakeClock
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, name: str = "ada", **asked: Any) -> httpx.Response:
        return await self.http.request(method, path, headers={"Authorization": f"Bearer {name}"}, **asked)

    async def send(
        self,
        name: str = "builds",
        body: bytes = b'{"n": 1}',
        *,
        key: str = KEY,
        at_s: int = NOW_S,
        delivery: str = "msg_1",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        signed = headers_of(delivery, at_s, signature(key, delivery, at_s, body))
        return await self.http.post(f"/v1/webhooks/{name}", content=body, headers=signed | (headers or {}))


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Room]:
    clock = FakeClock(NOW_S * 1000)
    kernel = await Kernel.open(folder, [reducer.WEBHOOK], clock)
    app = build_app(
        kernel,
        features=routes,
        check_token=CALLERS.get,
        hosts=lambda: frozenset({HOST}),
        health=dict,
        readiness=dict,
    )
    transport = httpx.ASGITransport(app)
    async with (
        kernel.running(),
        httpx.AsyncClient(
            transport=transport, base_url=f"http://{HOST}", trust_env=False, verify=False
        ) as http,
    ):
        yield Room(kernel, clock, http)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with opened(tmp_path) as found:
        await found.kernel.vault.keep(ADA.partition, "KEY", KEY)
        await found.kernel.vault.keep(ADA.partition, "NEXT", NEXT)
        assert (await found.ask("PUT", "/v1/webhooks/builds", json={"secrets": ["KEY"]})).status_code == 201
        yield found


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_a_signed_delivery_is_on_record_when_it_is_answered(room: Room) -> None:
    answered = await room.send(body=b'{"built": [1, 2]}')
    assert answered.status_code == 202
    last = (await events_of(room.kernel))[-1]
    assert (last.type, last.position, last.actor) == (
        "webhook.received",
        answered.json()["position"],
        "engine:webhook:builds",
    )
    told = json.loads(bytes(last.data))
    assert (told["payload"], told["delivery_id"]) == ({"built": [1, 2]}, answered.json()["delivery_id"])
    hook = (await room.ask("GET", "/v1/webhooks/builds", "reader")).json()
    assert (hook["received"], hook["last_at_ms"], hook["secrets"]) == (1, NOW_S * 1000, ["KEY"])


async def test_text_is_taken_as_text_and_anything_else_is_not(room: Room) -> None:
    assert (
        await room.send(body="h\u00e9llo".encode(), headers={"content-type": "text/plain"})
    ).status_code == 202
    assert json.loads(bytes((await events_of(room.kernel))[-1].data))["text"] == "h\u00e9llo"
    assert code(await room.send(body=b"\xff\xfe", headers={"content-type": "text/plain"})) == (
        415,
        "unsupported_media_type",
    )
    assert code(await room.send(body=b"{")) == (400, "invalid_request")
    assert code(await room.send(body=b"[" * 200 + b"]" * 200)) == (400, "invalid_request")
    assert code(await room.send(body=b'"' + b"x" * 70_000 + b'"')) == (413, "payload_too_large")


RIGHT = signature(KEY, "m", NOW_S, b"{}")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SIGNATURE_HEADER: RIGHT},
        headers_of("m", NOW_S, ""),
        headers_of("m", "", RIGHT),
        headers_of("", NOW_S, RIGHT),
        headers_of("n", NOW_S, RIGHT),
        headers_of("m", NOW_S + 1, RIGHT),
        headers_of("m", f"0{NOW_S}", signature(KEY, "m", f"0{NOW_S}", b"{}")),
        headers_of("m.1", NOW_S, signature(KEY, "m.1", NOW_S, b"{}")),
        headers_of("m" * 257, NOW_S, signature(KEY, "m" * 257, NOW_S, b"{}")),
        headers_of("m", NOW_S, signature(NEXT, "m", NOW_S, b"{}")),
        headers_of("m", NOW_S, signature(KEY, "m", NOW_S, b"{} ")),
        headers_of("m", NOW_S, RIGHT.lower()),
        headers_of("m", NOW_S, RIGHT.replace("v1,", "v1a,")),
        headers_of("m", NOW_S, RIGHT.replace("v1,", "v1=")),
        headers_of("m", NOW_S, f"{'v1,AAAA ' * 8}{RIGHT}"),
    ],
)
async def test_without_a_right_signature_nothing_is_taken(room: Room, headers: dict[str, str]) -> None:
    before = len(await events_of(room.kernel))
    refused = await room.http.post("/v1/webhooks/builds", content=b"{}", headers=headers)
    assert code(refused) == (401, "signature_refused")
    unknown = await room.http.post("/v1/webhooks/nobody", content=b"{}", headers=headers)
    assert unknown.json() | {"instance": ""} == refused.json() | {"instance": ""}, (
        "nobody learns which names there are"
    )
    assert len(await events_of(room.kernel)) == before


@pytest.mark.parametrize(("off_s", "status"), [(-301, 401), (-300, 202), (300, 202), (301, 401)])
async def test_five_minutes_either_way(room: Room, off_s: int, status: int) -> None:
    assert (await room.send(at_s=NOW_S + off_s)).status_code == status


async def test_a_delivery_is_not_taken_twice_whatever_happens_in_between(room: Room) -> None:
    assert (await room.send(at_s=NOW_S + 300)).status_code == 202
    assert code(await room.send(at_s=NOW_S + 300)) == (409, "delivery_replayed")
    assert (await room.ask("DELETE", "/v1/webhooks/builds")).status_code == 200
    assert code(await room.send(at_s=NOW_S + 300)) == (401, "signature_refused")
    assert (
        await room.ask("PUT", "/v1/webhooks/builds", json={"secrets": ["NEXT", "KEY"]})
    ).status_code == 201
    room.clock.at_ms += 599_000
    assert code(await room.send(at_s=NOW_S + 300)) == (409, "delivery_replayed"), (
        "for as long as its time is right"
    )
    room.clock.at_ms += 2_000
    assert code(await room.send(at_s=NOW_S + 300)) == (401, "signature_refused"), "then it is too late"


async def test_a_restart_forgets_no_delivery(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        await room.kernel.vault.keep(ADA.partition, "KEY", KEY)
        await room.ask("PUT", "/v1/webhooks/builds", json={"secrets": ["KEY"]})
        assert (await room.send()).status_code == 202
    async with opened(tmp_path) as room:
        assert code(await room.send()) == (409, "delivery_replayed")


async def test_a_delivery_that_is_tried_again_is_answered_again_and_is_one_event(room: Room) -> None:
    first = await room.send()
    room.clock.at_ms += 3 * 24 * 3600 * 1000
    later = await room.send(at_s=NOW_S + 3 * 24 * 3600)
    assert (later.status_code, later.json()["delivery_id"]) == (202, first.json()["delivery_id"])
    received = [one for one in await events_of(room.kernel) if one.type == "webhook.received"]
    assert len(received) == 1
    assert (await room.send(at_s=NOW_S + 3 * 24 * 3600, delivery="msg_2")).status_code == 202
    assert (await room.ask("GET", "/v1/webhooks/builds")).json()["received"] == 2


@pytest.mark.parametrize(
    "secret", ["the first key", KEY[6:], "whsec_AAAA", "whsec_" + "A" * 90, "whsec_" + "-" * 32]
)
async def test_a_secret_is_written_as_the_standard_says(room: Room, secret: str) -> None:
    await room.kernel.vault.keep(ADA.partition, "OTHER", secret)
    refused = await room.ask("PUT", "/v1/webhooks/other", json={"secrets": ["KEY", "OTHER"]})
    assert code(refused) == (400, "invalid_request")
    assert "openssl rand" in refused.json()["detail"]
    assert secret not in refused.text
    await room.kernel.vault.keep(ADA.partition, "KEY", secret)
    assert (await room.send()).status_code == 401, "changed since, it signs nothing"


async def test_one_secret_follows_another_without_a_gap(room: Room) -> None:
    both = f"{signature(NEXT, '1', NOW_S, b'1')} {signature(KEY, '1', NOW_S, b'1')}"
    assert (await room.send(body=b"1", headers=headers_of("1", NOW_S, both))).status_code == 202
    assert (
        await room.ask("PUT", "/v1/webhooks/builds", json={"secrets": ["KEY", "NEXT"]})
    ).status_code == 200
    assert (await room.send(body=b"2", delivery="2", key=KEY)).status_code == 202
    assert (await room.send(body=b"3", delivery="3", key=NEXT)).status_code == 202
    await room.kernel.vault.drop(ADA.partition, "KEY")
    assert (await room.send(body=b"4", delivery="4", key=KEY)).status_code == 401
    assert (await room.send(body=b"4", delivery="4", key=NEXT)).status_code == 202


async def test_a_secret_in_a_delivery_is_not_kept(room: Room) -> None:
    assert (await room.send(body=json.dumps({"echo": KEY}).encode())).status_code == 202
    assert json.loads(bytes((await events_of(room.kernel))[-1].data))["payload"] == {"echo": "[secret KEY]"}


async def test_a_partition_has_names_of_its_own(room: Room) -> None:
    assert code(await room.ask("PUT", "/v1/webhooks/builds", "eve", json={"secrets": ["KEY"]})) == (
        404,
        "not_found",
    )
    await room.kernel.vault.keep(ELSEWHERE.partition, "KEY", EVES)
    assert (await room.ask("PUT", "/v1/webhooks/builds", "eve", json={"secrets": ["KEY"]})).status_code == 201
    assert (await room.send("builds", key=EVES)).status_code == 401
    assert (await room.send("acme.prod.builds", key=KEY)).status_code == 401
    assert (await room.send("acme.prod.builds", key=EVES)).status_code == 202
    assert (await events_of(room.kernel))[-1].partition == ELSEWHERE.partition
    assert (await room.ask("GET", "/v1/webhooks/builds", "ada")).json()["received"] == 0


@pytest.mark.parametrize("name", ["Builds", "a.b", "a" * 65, "-x"])
async def test_a_name_is_part_of_an_address(room: Room, name: str) -> None:
    assert (await room.ask("PUT", f"/v1/webhooks/{name}", json={"secrets": ["KEY"]})).status_code == 400


async def test_what_is_switched_off_takes_nothing(room: Room) -> None:
    await room.ask("PUT", "/v1/webhooks/builds", json={"secrets": ["KEY"], "enabled": False})
    assert code(await room.send()) == (401, "signature_refused")
    assert code(await room.ask("PUT", "/v1/webhooks/builds", "reader", json={})) == (403, "forbidden")


sends = st.tuples(st.integers(0, 5), st.integers(-400, 400), st.integers(0, 200))


@given(st.lists(sends, max_size=30))
def test_no_delivery_is_ever_taken_twice(sent: list[tuple[int, int, int]]) -> None:
    hook, now, taken = reducer.init("x"), NOW_S, set[tuple[int, int]]()
    hook = reducer.on_event(
        hook, reducer.Defined(secrets=("K",), enabled=True), Envelope(at_ms=0, actor="")
    ).state
    for body, at_s, later in sent:
        now += later
        envelope = Envelope(at_ms=now * 1000, actor="engine:webhook:x")
        delivery = reducer.Receive(
            delivery_id=f"{body} {at_s}",
            sent_at_ms=(NOW_S + at_s) * 1000,
            content_type="",
            bytes=0,
            sha256="",
        )
        try:
            (event,) = reducer.decide(hook, delivery, envelope)
        except StudioError:
            continue
        assert (body, at_s) not in taken
        taken.add((body, at_s))
        hook = reducer.on_event(hook, event, envelope).state
        assert len(hook.seen) <= len(taken)


def test_more_than_can_be_remembered_is_told_to_come_later() -> None:
    seen = tuple(reducer.Seen(delivery_id=str(one), until_ms=2000) for one in range(reducer.SEEN_MAX))
    hook = reducer.Hook(name="x", secrets=("K",), enabled=True, seen=seen)
    delivery = reducer.Receive(delivery_id="new", sent_at_ms=1000, content_type="", bytes=0, sha256="")
    with pytest.raises(StudioError) as refused:
        reducer.decide(hook, delivery, Envelope(at_ms=1000, actor=""))
    assert refused.value.code == "unavailable"
    assert reducer.decide(hook, delivery, Envelope(at_ms=3000, actor=""))
