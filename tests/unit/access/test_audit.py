"""Whoever is refused and whoever administers is on record, secrets never, and a flood is a number."""

import asyncio
from pathlib import Path

from engine.access.audit import WINDOW_MS, WINDOWS_MAX
from engine.http.gate import Noted
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden
from tests.kernel_kit import FakeClock
from tests.unit.access.room import NOW_MS, opened


async def test_a_refusal_says_who_what_and_why(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        issued = (await room.issue(actor="ada")).json()
        await room.get("/v1/audit", issued["token"])
        refused = (await room.audit())[-1]
        assert refused["outcome"] == "refused"
        assert (refused["actor"], refused["token_id"]) == ("ada", issued["token_id"])
        assert (refused["action"], refused["code"]) == ("GET /v1/audit", "forbidden")
        assert refused["capability"] == "log:admin"
        assert "lacks" in refused["reason"]
        assert refused["count"] == 1


async def test_issuing_and_revoking_are_in_the_commit_of_the_deed(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        issued = (await room.issue()).json()
        async with room.asks() as client:
            await client.delete(f"/v1/tokens/{issued['token_id']}")
        told = [(one["action"], one["outcome"], one["actor"], one["target"]) for one in await room.audit()]
        target = f"token/{issued['token_id']}"
        assert told == [
            ("POST /v1/tokens", "done", "operator", target),
            (f"DELETE /v1/tokens/{issued['token_id']}", "done", "operator", target),
        ]
        kinds = [event.type for event in await room.log()]
        assert kinds == ["token.issued", "audit.recorded", "token.revoked", "audit.recorded"]


async def test_a_grant_that_is_refused_is_on_record_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        admin = await room.token(actor="ada", capabilities=["tokens:admin"])
        assert (await room.issue(admin, capabilities=["*"])).status_code == 403
        last = (await room.audit())[-1]
        assert (last["actor"], last["action"], last["outcome"]) == ("ada", "POST /v1/tokens", "refused")


async def test_no_secret_is_on_record_wherever_a_stranger_puts_it(tmp_path: Path) -> None:
    secret = "cutroom_in-the-wrong-place"
    async with opened(tmp_path) as room:
        await room.get(f"/v1/resources/{secret}?token={secret}", secret, Cookie=f"cutroom_session={secret}")
        (entry,) = await room.audit()
        assert (entry["actor"], entry["code"], entry["action"]) == (
            "",
            "unauthenticated",
            "GET /v1/resources",
        )
        assert secret not in b"".join(bytes(event.data) for event in await room.log()).decode()


async def test_a_secret_pasted_where_an_id_belongs_is_not_kept_either(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        token = await room.token(actor="ada")
        async with room.asks(token) as client:
            assert (await client.delete(f"/v1/tokens/{token}")).status_code == 403
        assert (await room.audit())[-1]["action"] == "DELETE /v1/tokens/cutroom_..."
        assert token not in b"".join(bytes(event.data) for event in await room.log()).decode()


async def test_a_flood_of_refusals_is_two_events_a_minute(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        for _ in range(100):
            await room.get("/v1/resources", "wrong")
        assert [one["count"] for one in await room.audit()] == [1]
        async with room.auditor.running():
            pass
        first, counted = await room.audit()
        assert (counted["count"], counted["since_ms"]) == (99, NOW_MS)
        assert counted["code"] == first["code"] == "unauthenticated"


async def test_the_count_is_told_when_its_minute_is_over(tmp_path: Path) -> None:
    clock = FakeClock(NOW_MS)
    async with opened(tmp_path, clock) as room, room.asks("wrong") as stranger:
        for _ in range(3):
            await stranger.get("/v1/resources")
        clock.at_ms += WINDOW_MS
        news = room.kernel.subscriptions.signal
        async with room.auditor.running():
            await asyncio.wait_for(news.wait(), 10)
            assert [one["count"] for one in await room.audit()] == [1, 2]
            await stranger.get("/v1/resources")
        assert [one["count"] for one in await room.audit()] == [1, 2, 1]


async def test_different_callers_and_reasons_are_told_apart(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        ada, bob = await room.token(actor="ada"), await room.token(actor="bob")
        for token in (ada, bob, ada, bob):
            await room.get("/v1/tokens", token)
            await room.get("/v1/audit", token)
        refused = [one for one in await room.audit() if one["outcome"] == "refused"]
        assert sorted((one["actor"], one["capability"]) for one in refused) == [
            ("ada", "log:admin"),
            ("ada", "tokens:admin"),
            ("bob", "log:admin"),
            ("bob", "tokens:admin"),
        ]


async def test_kinds_of_refusals_are_bounded_in_memory_and_in_the_log(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        noted = [
            Noted(Context(actor=f"actor-{number}"), "GET /x", Forbidden("no"), "", "127.0.0.1")
            for number in range(WINDOWS_MAX + 50)
        ]
        for one in noted:
            await room.auditor.note(one)
        assert len(await room.log()) == WINDOWS_MAX + 1
        async with room.auditor.running():
            pass
        assert (await room.audit())[-1]["count"] == 49


async def test_a_log_that_takes_nothing_changes_no_refusal(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        room.kernel.dispatch.stop()
        async with room.asks("wrong") as stranger:
            assert (await stranger.get("/v1/resources")).status_code == 401


async def test_the_audit_is_read_with_log_admin_alone_and_left_out_of_the_log_for_others(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as room:
        reader = await room.token(actor="rita", capabilities=["log:read"])
        auditor = await room.token(actor="otto", capabilities=["log:read", "log:admin"])
        assert (await room.get("/v1/audit", reader)).status_code == 403
        assert (await room.get("/v1/audit", auditor)).status_code == 200
        assert (await room.get("/v1/log", reader)).json()["items"] == []
        kinds = {one["type"] for one in (await room.get("/v1/log", auditor)).json()["items"]}
        assert kinds == {"audit.recorded"}


async def test_the_audit_is_read_page_by_page(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        for _ in range(3):
            await room.token()
        first = (await room.get("/v1/audit?limit=2")).json()
        rest = (await room.get(f"/v1/audit?limit=2&cursor={first['next']}")).json()
        assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)


async def test_what_another_room_does_with_log_admin_is_on_record(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        done = Noted(Context(actor="ada"), "POST /v1/log/compact", None, "log:admin", "127.0.0.1")
        await room.auditor.note(done)
        await room.auditor.note(done)
        assert [one["outcome"] for one in await room.audit()] == ["done", "done"], "never counted together"
