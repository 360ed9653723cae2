"""What is deleted is gone: from the search, from the keys, from every file; and the log says when."""

import asyncio
import base64
import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.memory import Memory, MemoryDocument
from engine.kernel import backups, transfer
from engine.kernel.errors import Invalid
from engine.memory import index, keys
from engine.memory.index import Entry
from tests.kernel_kit import until
from tests.unit.memory.room import Room, room

WORDS = ("xylograph", "quokka", "zugzwang")
TEXT = f"the {WORDS[0]} met a {WORDS[1]} in zugzwang"


async def _erase(studio: Room, memory_id: str) -> None:
    answer = await studio.asks("ada", "DELETE", f"/v1/memory/{memory_id}")
    assert answer.json() == {"memory_id": memory_id, "erased": True}


async def _until_erased(studio: Room, memory_id: str) -> None:
    async with asyncio.timeout(10):
        while True:
            news = studio.kernel.subscriptions.signal
            if (await studio.kernel.dispatch.state(f"memory/{memory_id}", "local/dev"))[0].status == "erased":
                return
            await news.wait()


async def test_after_a_deletion_no_file_holds_the_text(tmp_path: Path) -> None:
    async with room(tmp_path) as studio:
        for number in range(30):
            await studio.put(f"common words about cut {number}")
        memory_id = (await studio.put(TEXT, tags=["obnubilate"]))["memory_id"]
        assert await studio.found("quokka") == [memory_id]
        assert studio.holding(*WORDS, "obnubilate") == ["memory.sqlite3"], "the search alone has plain words"
        await _erase(studio, memory_id)
        assert studio.holding(*WORDS, "obnubilate") == []
        assert await studio.found("quokka") == []
        assert (await studio.asks("ada", "GET", f"/v1/memory/{memory_id}")).status_code == 404
        assert len(await studio.found("common", limit=100)) == 30
        told = [
            (one["action"], one["status"]) for one in await studio.audit() if one["memory_id"] == memory_id
        ]
        assert told[-2:] == [("delete", "done"), ("erase", "done")]
        again = await studio.asks("ada", "DELETE", f"/v1/memory/{memory_id}")
        assert again.json()["code"] == "memory_not_found"
    assert studio.holding(*WORDS, "obnubilate") == []


async def test_a_copy_of_the_ciphertext_is_worthless_once_the_key_is_gone(tmp_path: Path) -> None:
    async with room(tmp_path) as studio:
        memory_id = (await studio.put(TEXT))["memory_id"]
        entry = (await studio.asks("ada", "GET", f"/v1/memory/{memory_id}")).json()["memory"]
        (kept,) = await studio.shelf.keys.all()
        copy = studio.kernel.blobs.read(entry["content_hash"])
        await _erase(studio, memory_id)
        assert not studio.kernel.blobs.has(entry["content_hash"])
        assert kept.key not in (tmp_path / keys.FILE).read_bytes()
        assert WORDS[0].encode() not in copy
        assert await studio.shelf.keys.all() == []


async def test_what_a_promotion_redacts_is_erased_and_nothing_keeps_the_original(tmp_path: Path) -> None:
    async with room(tmp_path) as studio:
        memory_id = (await studio.put("ask zelda@example.org about the grade"))["memory_id"]
        assert await studio.found("zelda") == [memory_id]
        assert studio.holding("zelda") == ["memory.sqlite3"]
        moved = (await studio.promote(memory_id, "team", "ada")).json()
        assert moved["status"] == "redacted"
        assert moved["redactions"] == [{"kind": "email", "count": 1}]
        await until(studio.kernel, lambda: studio.holding("zelda") == [])
        told = (await studio.asks("ada", "GET", f"/v1/memory/{memory_id}")).json()
        assert told["document"]["text"] == "ask [redacted:email] about the grade"
        assert await studio.found("zelda") == []
        assert await studio.found("grade") == [memory_id]
        assert len(await studio.shelf.keys.all()) == 1


async def test_what_a_crash_left_behind_is_gone_after_the_next_start(tmp_path: Path) -> None:
    async with room(tmp_path) as studio:
        kept = (await studio.put(TEXT))["memory_id"]
        lost = await studio.shelf.sealer.seal(
            "local/dev", "never", MemoryDocument(text="put and not on record")
        )
        (hash_,) = [one.content_hash for one in await studio.shelf.keys.all(settled=True)]
        await studio.shelf.keys._do(lambda connection: connection.execute("UPDATE keys SET settled = 0"))
    async with room(tmp_path) as studio:
        assert [one.content_hash for one in await studio.shelf.keys.all(settled=True)] == [hash_]
        assert not studio.kernel.blobs.has(lost)
        assert (await studio.asks("ada", "GET", f"/v1/memory/{kept}")).status_code == 200


async def test_a_deletion_that_a_crash_cut_short_is_carried_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as studio:
        memory_id = (await studio.put(TEXT))["memory_id"]
        monkeypatch.setattr("engine.memory.routes.ERASE_S", 0.05)

        async def hang(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(studio.shelf.sealer, "destroy", hang)
        answer = await studio.asks("ada", "DELETE", f"/v1/memory/{memory_id}")
        assert answer.json()["erased"] is False
        assert (await studio.asks("ada", "GET", f"/v1/memory/{memory_id}")).status_code == 404
        assert await studio.found("quokka") == []
    async with room(tmp_path) as studio:
        await _until_erased(studio, memory_id)
        assert studio.holding(*WORDS) == []
        assert await studio.shelf.keys.all() == []


@pytest.mark.parametrize("harm", ["missing", "damaged", "emptied", "stale", "stray"])
async def test_the_search_is_made_anew_from_the_log_and_the_ciphertext(tmp_path: Path, harm: str) -> None:
    async with room(tmp_path) as studio:
        first = (await studio.put(TEXT))["memory_id"]
        second = (await studio.put("cut on the beat", tier="curated"))["memory_id"]
        assert await studio.shelf.differences() == []
        if harm == "stray":
            entry = (await studio.asks("ada", "GET", f"/v1/memory/{first}")).json()
            ghost = convert({**entry["memory"], "memory_id": "ghost"}, Memory)
            await studio.shelf._index.put("local/dev", Entry(ghost, MemoryDocument(text="ghost words")))
            assert await studio.shelf.differences() == ["ghost is there and ought not to be"]
    _harm(tmp_path / index.FILE, harm)
    async with room(tmp_path) as studio:
        assert await studio.shelf.differences() == []
        assert await studio.found("quokka") == [first]
        assert await studio.found("beat") == [second]
        assert studio.holding("ghost words") == []


def _harm(path: Path, harm: str) -> None:
    if harm == "missing":
        path.unlink()
    elif harm == "damaged":
        path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    elif harm in ("emptied", "stale"):
        connection = sqlite3.connect(path)
        what = "DELETE FROM entries" if harm == "emptied" else "UPDATE entries SET content_hash = 'old'"
        connection.execute(what)
        connection.commit()
        connection.close()


async def test_keys_are_their_owners_alone_and_in_no_backup(tmp_path: Path) -> None:
    async with room(tmp_path / "state") as studio:
        await studio.put(TEXT)
        (kept,) = await studio.shelf.keys.all()
        for name in (keys.FILE, index.FILE):
            assert stat.S_IMODE((tmp_path / "state" / name).stat().st_mode) == 0o600
        await backups.back_up(studio.kernel.database, tmp_path / "copy.sqlite3")
        lines = b"".join([part async for part in transfer.export(studio.kernel.database)])
        for content in ((tmp_path / "copy.sqlite3").read_bytes(), lines):
            assert kept.key not in content
            assert kept.key.hex().encode() not in content
            assert base64.b64encode(kept.key) not in content
            assert WORDS[0].encode() not in content
    os.chmod(tmp_path / "state" / keys.FILE, 0o644)
    with pytest.raises(Invalid, match="may be read by others"):
        keys.Keys.open(tmp_path / "state")


async def test_an_export_opens_with_its_keys_and_not_without(tmp_path: Path) -> None:
    async with room(tmp_path) as studio:
        memory_id = (await studio.put(TEXT))["memory_id"]
        sealed = json.loads((await studio.asks("ada", "GET", "/v1/memory/export")).text)
        assert sealed["memory"]["memory_id"] == memory_id
        ciphertext = base64.b64decode(sealed["ciphertext"])
        assert WORDS[0].encode() not in ciphertext
        given = json.loads((await studio.asks("ada", "GET", "/v1/memory/export/keys")).text)
        opened = ChaCha20Poly1305(base64.b64decode(given["key"])).decrypt(
            ciphertext[:12], ciphertext[12:], sealed["aad"].encode()
        )
        assert json.loads(opened)["text"] == TEXT
        for name in ("agent", "reader"):
            assert (await studio.asks(name, "GET", "/v1/memory/export/keys")).status_code == 403


async def test_a_search_with_an_idempotency_key_keeps_no_answer(tmp_path: Path) -> None:
    async with room(tmp_path) as studio:
        memory_id = (await studio.put(TEXT))["memory_id"]
        for _ in range(2):
            found = await studio.asks(
                "ada", "POST", "/v1/memory/search", {"query": "quokka"}, **{"Idempotency-Key": "once"}
            )
            assert found.json()["items"][0]["memory_id"] == memory_id
        assert "idempotent-replayed" not in found.headers
        assert studio.holding(*WORDS) == ["memory.sqlite3"]
