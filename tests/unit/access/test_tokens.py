"""Who is known: the operator, made once and readable by its owner alone, and who was issued a token, until it ends."""

import hashlib
import stat
from pathlib import Path

import pytest

from engine.access.sessions import KEY_FILE
from engine.access.tokens import OPERATOR_FILE, Tokens
from engine.kernel.errors import Invalid
from tests.kernel_kit import FakeClock
from tests.unit.access.room import NOW_MS, code, opened


def _open(folder: Path) -> Tokens:
    return Tokens.open(folder, FakeClock())


def _token(folder: Path) -> str:
    return (folder / OPERATOR_FILE).read_text().strip()


def test_the_first_start_makes_secrets_that_only_their_owner_can_read(tmp_path: Path) -> None:
    _open(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [OPERATOR_FILE, KEY_FILE]
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(path.read_text().strip()) >= 43  # 256 bits


def test_later_starts_keep_it(tmp_path: Path) -> None:
    _open(tmp_path)
    token = _token(tmp_path)
    context = _open(tmp_path).check(token)
    assert context is not None
    assert (context.actor, context.human, context.partition) == ("operator", True, "local/dev")
    assert context.may("anything:at-all")


def test_nobody_else_is_known(tmp_path: Path) -> None:
    tokens = _open(tmp_path)
    token = _token(tmp_path)
    for other in (
        "",
        token[:-1],
        token + "x",
        token.swapcase(),
        "ä",
        "\udcff",
        "window.",
        "window.operator.1.x",
    ):
        assert tokens.check(other) is None


@pytest.mark.parametrize("name", [OPERATOR_FILE, KEY_FILE])
def test_an_empty_file_opens_for_nobody_and_says_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("\n")
    with pytest.raises(Invalid, match="remove it"):
        _open(tmp_path)


def test_what_a_crash_left_of_making_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "operator.new").write_text("half")
    tokens = _open(tmp_path)
    assert _token(tmp_path) != "half"
    assert tokens.check("half") is None


async def test_an_issued_token_stands_for_its_actor_with_its_capabilities_and_nothing_more(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as room:
        token = await room.token(actor="ada", capabilities=["log:read", "media:read"], human=True)
        context = room.tokens.check(token)
        assert context is not None
        assert (context.actor, context.human, context.partition) == ("ada", True, "local/dev")
        assert context.capabilities == {"log:read", "media:read"}
        assert (await room.get("/v1/log", token)).status_code == 200
        assert code(await room.get("/v1/tokens", token)) == (403, "forbidden")


async def test_the_secret_is_shown_once_and_kept_nowhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        token = await room.token()
        hashed = hashlib.sha256(token.encode()).hexdigest()
        listed = await room.get("/v1/tokens")
        (item,) = listed.json()["items"]
        assert item["sha256"] == hashed
        assert token not in listed.text
        assert token not in (await room.get("/v1/log?limit=1000")).text
        assert token not in (await room.get("/v1/audit")).text
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        assert token.encode() not in file.read_bytes(), file.name


async def test_a_revoked_token_opens_nothing_from_that_moment_and_twice_is_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        issued = (await room.issue()).json()
        assert (await room.get("/v1/resources", issued["token"])).status_code == 200
        async with room.asks() as client:
            first = await client.delete(f"/v1/tokens/{issued['token_id']}")
            again = await client.delete(f"/v1/tokens/{issued['token_id']}")
        assert first.json()["revoked_at_ms"] == NOW_MS
        assert first.json() == again.json()
        assert code(await room.get("/v1/resources", issued["token"])) == (401, "unauthenticated")
        assert (await room.get("/v1/tokens")).json()["items"] == []
        assert [event.type for event in await room.log()].count("token.revoked") == 1


async def test_a_token_that_was_never_issued_cannot_be_revoked(tmp_path: Path) -> None:
    async with opened(tmp_path) as room, room.asks() as client:
        for name in ("none", "operator"):
            assert code(await client.delete(f"/v1/tokens/{name}")) == (404, "not_found")
        assert await room.log() == []


async def test_a_token_ends_with_its_time_by_the_kernels_clock(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        token = await room.token(expires_at_ms=NOW_MS + 1000)
        room.clock.at_ms = NOW_MS + 999
        assert (await room.get("/v1/resources", token)).status_code == 200
        room.clock.at_ms = NOW_MS + 1000
        assert code(await room.get("/v1/resources", token)) == (401, "unauthenticated")


async def test_the_next_start_knows_what_was_issued_in_every_partition_and_what_was_revoked(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as room:
        kept = await room.token()
        admin = await room.token(actor="eve", capabilities=["*"], tenant="acme", env="prod")
        theirs = await room.token(admin, actor="bob")
        revoked = (await room.issue()).json()
        async with room.asks() as client:
            await client.delete(f"/v1/tokens/{revoked['token_id']}")
    async with opened(tmp_path) as room:
        contexts = [room.tokens.check(token) for token in (kept, admin, theirs)]
        assert [context and context.partition for context in contexts] == [
            "local/dev",
            "acme/prod",
            "acme/prod",
        ]
        assert room.tokens.check(revoked["token"]) is None


async def test_a_repeat_of_creating_one_makes_no_second_and_shows_no_secret(tmp_path: Path) -> None:
    body = {"actor": "ada", "capabilities": ["log:read"]}
    async with opened(tmp_path) as room, room.asks(**{"Idempotency-Key": "k"}) as client:
        first = await client.post("/v1/tokens", json=body)
        assert first.status_code == 201
        again = await client.post("/v1/tokens", json=body)
        assert code(again) == (409, "answer_not_kept")
        assert first.json()["token"] not in again.text
        assert len((await room.get("/v1/tokens")).json()["items"]) == 1


async def test_another_partition_is_neither_seen_nor_named(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        eve = await room.token(actor="eve", capabilities=["*"], tenant="acme", env="prod")
        await room.token(actor="ada")
        async with room.asks(eve) as client:
            await client.put("/v1/resources/project/a", json={"value": "acme's"})
            assert (await client.get("/v1/tokens")).json()["items"] == []
            for query in ("tenant=local", "env=dev", "tenant=acme&tenant=local", "tenant="):
                assert code(await client.get(f"/v1/resources?{query}")) == (403, "forbidden")
            named = await client.put("/v1/resources/project/b", json={"value": 1, "tenant": "local"})
            assert code(named) == (400, "invalid_request")
            assert (await client.get("/v1/resources?tenant=acme&env=prod")).status_code == 200
        assert code(await room.get("/v1/resources/project/a")) == (404, "not_found")
