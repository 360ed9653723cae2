"""A window of a browser gets in with a ticket that works once and for seconds, and then holds a cookie."""

from pathlib import Path

from engine.access.sessions import TICKETS_MAX, WINDOW_MS
from tests.unit.access.room import NOW_MS, Room, code, opened


async def _ticket(room: Room, token: str | None = None) -> str:
    async with room.asks(token) as client:
        given = await client.post("/v1/tickets")
    assert given.status_code == 201
    assert given.json()["expires_at_ms"] == room.clock.at_ms + 30_000
    return str(given.json()["ticket"])


async def _cookie(room: Room, token: str | None = None) -> str:
    ticket = await _ticket(room, token)
    async with room.asks("") as client:
        entered = await client.post("/v1/enter", json={"ticket": ticket})
    assert entered.status_code == 200, entered.text
    return entered.headers["set-cookie"].partition(";")[0]


async def test_the_cookie_is_for_this_site_alone_and_no_script_reads_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as room, room.asks("") as client:
        entered = await client.post("/v1/enter", json={"ticket": await _ticket(room)})
        assert entered.json()["actor"] == "operator"
        attributes = entered.headers["set-cookie"].split("; ")[1:]
        assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]
        assert room.operator not in entered.headers["set-cookie"]


async def test_a_ticket_opens_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as room, room.asks("") as client:
        ticket = await _ticket(room)
        assert (await client.post("/v1/enter", json={"ticket": ticket})).status_code == 200
        assert code(await client.post("/v1/enter", json={"ticket": ticket})) == (403, "forbidden")
        assert code(await client.post("/v1/enter", json={"ticket": "none"})) == (403, "forbidden")


async def test_a_ticket_lasts_thirty_seconds(tmp_path: Path) -> None:
    async with opened(tmp_path) as room, room.asks("") as client:
        early, late = await _ticket(room), await _ticket(room)
        room.clock.at_ms = NOW_MS + 29_999
        assert (await client.post("/v1/enter", json={"ticket": early})).status_code == 200
        room.clock.at_ms = NOW_MS + 30_000
        assert code(await client.post("/v1/enter", json={"ticket": late})) == (403, "forbidden")


async def test_a_ticket_needs_a_token_and_no_more_than_that(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        async with room.asks("") as client:
            assert code(await client.post("/v1/tickets")) == (401, "unauthenticated")
        assert await _ticket(room, await room.token())


async def test_tickets_that_nobody_uses_are_bounded_and_make_room_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as room, room.asks() as client:
        for _ in range(TICKETS_MAX):
            room.tokens.sessions.ticket("operator")
        full = await client.post("/v1/tickets")
        assert code(full) == (503, "unavailable")
        assert full.headers["Retry-After"]
        room.clock.at_ms += 30_000
        assert (await client.post("/v1/tickets")).status_code == 201


async def test_the_cookie_stands_for_its_token_across_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        token = await room.token(capabilities=["log:read"])
        cookie = await _cookie(room, token)
    async with opened(tmp_path) as room:
        assert (await room.get("/v1/log", "", Cookie=cookie)).status_code == 200
        assert code(await room.get("/v1/tokens", "", Cookie=cookie)) == (403, "forbidden")


async def test_the_cookie_ends_when_its_token_is_revoked(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        issued = (await room.issue()).json()
        cookie = await _cookie(room, issued["token"])
        assert (await room.get("/v1/resources", "", Cookie=cookie)).status_code == 200
        unused = await _ticket(room, issued["token"])
        async with room.asks() as client:
            await client.delete(f"/v1/tokens/{issued['token_id']}")
        assert code(await room.get("/v1/resources", "", Cookie=cookie)) == (401, "unauthenticated")
        async with room.asks("") as client:
            assert code(await client.post("/v1/enter", json={"ticket": unused})) == (403, "forbidden")


async def test_the_cookie_ends_after_a_week_or_with_its_token(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        long = await _cookie(room)
        short = await _cookie(room, await room.token(expires_at_ms=NOW_MS + 1000))
        room.clock.at_ms = NOW_MS + 1000
        assert code(await room.get("/v1/resources", "", Cookie=short)) == (401, "unauthenticated")
        room.clock.at_ms = NOW_MS + WINDOW_MS - 1
        assert (await room.get("/v1/resources", "", Cookie=long)).status_code == 200
        room.clock.at_ms = NOW_MS + WINDOW_MS
        assert code(await room.get("/v1/resources", "", Cookie=long)) == (401, "unauthenticated")


async def test_a_cookie_that_was_touched_opens_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        cookie = await _cookie(room, await room.token())
        name, _, value = cookie.partition("=")
        window, token_id, ends, signature = value.split(".")
        touched = [
            f"{window}.operator.{ends}.{signature}",
            f"{window}.{token_id}.{int(ends) + 1}.{signature}",
            f"{window}.{token_id}.{ends}.{signature[::-1]}",
            f"{window}.{token_id}.{ends}.",
            f"{window}.{token_id}",
        ]
        for other in touched:
            answer = await room.get("/v1/resources", "", Cookie=f"{name}={other}")
            assert code(answer) == (401, "unauthenticated"), other


async def test_a_ticket_is_kept_for_no_repeat(tmp_path: Path) -> None:
    async with opened(tmp_path) as room, room.asks(**{"Idempotency-Key": "k"}) as client:
        assert (await client.post("/v1/tickets")).status_code == 201
        assert code(await client.post("/v1/tickets")) == (409, "answer_not_kept")
