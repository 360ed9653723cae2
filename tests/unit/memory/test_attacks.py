"""What an attacker tries, one test each: nothing is read, moved or written that the token does not allow."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.approvals.reducer import Spend
from engine.kernel.errors import NotFound
from engine.wiring.memory import subject_hash
from tests.kernel_kit import FakeClock
from tests.unit.memory.room import CALLERS, Room, room

KEY = "ghp_" + "aB3dE6fG9hJ2kL5mN8pQ1rS4tU7vW0xY3zA6"


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Room]:
    async with room(tmp_path) as opened:
        yield opened


async def _token(studio: Room, name: str = "ada", **asked: object) -> str:
    response = await studio.asks(name, "POST", "/v1/memory/capabilities", asked)
    assert response.status_code == 201, response.text
    token: str = response.json()["token"]
    return token


async def test_a_forged_token_is_nobodys(studio: Room) -> None:
    token = await _token(studio, read_tiers=["session"])
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    wider = json.dumps(claims | {"read_tiers": ["curated"], "partition": "acme/prod"}).encode()
    changed = base64.urlsafe_b64encode(wider).decode().rstrip("=")
    last = "A" if signature[-1] != "A" else "B"
    forged = (
        f"{head}.{changed}.{signature}",
        f"{head}.{body}.{signature[:-1]}{last}",
        f"{head}.{body}.",
        f"{head}.é.x",
    )
    for one in forged[:3]:
        response = await studio.asks("", "POST", "/v1/memory/search", {"query": "beat"}, token=one)
        assert response.status_code == 401
    assert studio.shelf.capabilities.read(forged[3]) is None
    assert (await studio.asks("", "GET", "/v1/memory", token=token)).status_code == 200


async def test_an_expired_token_is_nobodys(tmp_path: Path) -> None:
    clock = FakeClock(1_000_000)
    async with room(tmp_path, clock=clock) as studio:
        token = await _token(studio, read_tiers=["session"], expires_at_ms=1_060_000)
        assert (await studio.asks("", "GET", "/v1/memory", token=token)).status_code == 200
        clock.at_ms = 1_060_000
        assert (await studio.asks("", "GET", "/v1/memory", token=token)).status_code == 401


async def test_a_capability_in_a_body_is_an_unknown_field(studio: Room) -> None:
    for path, body in (
        ("/v1/memory", {"text": "x"}),
        ("/v1/memory/search", {"query": "x"}),
        ("/v1/memory/abc/promote", {"to_tier": "team"}),
        ("/v1/memory/abc/demote", {"to_tier": "session"}),
    ):
        response = await studio.asks(
            "ada", "POST", path, {**body, "capability": {"write_tiers": ["curated"]}}
        )
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
        assert "capability" in response.json()["field"]


async def test_another_tenant_sees_nothing_and_changes_nothing(studio: Room) -> None:
    memory_id = (await studio.put("the heist is at noon", tier="curated"))["memory_id"]
    for stranger in ("eve", "stage"):
        assert await studio.found("heist", stranger) == []
        for method, path, body in (
            ("GET", f"/v1/memory/{memory_id}", None),
            ("DELETE", f"/v1/memory/{memory_id}", None),
            ("POST", f"/v1/memory/{memory_id}/demote", {"to_tier": "session"}),
        ):
            assert (await studio.asks(stranger, method, path, body)).status_code == 404
        assert (await studio.asks(stranger, "GET", "/v1/memory")).json()["items"] == []
        assert (await studio.asks(stranger, "GET", "/v1/memory/export")).text == ""
        assert memory_id not in (await studio.asks(stranger, "GET", "/v1/memory/export/keys")).text
    assert await studio.found("heist") == [memory_id]


async def test_another_partition_is_not_reached_with_a_capability(studio: Room) -> None:
    own = (await studio.put("notes on the heist", tier="project", workspace="w", project="film"))["memory_id"]
    other = (await studio.put("other heist", tier="project", workspace="w", project="series"))["memory_id"]
    token = await _token(
        studio, read_tiers=["session", "project"], write_tiers=["session"], workspace="w", project="film"
    )

    async def hits(**more: str) -> tuple[list[str], list[str]]:
        body = {"query": "heist", "tiers": ["project"], **more}
        told = (await studio.asks("", "POST", "/v1/memory/search", body, token=token)).json()
        return [one["memory_id"] for one in told["items"]], told["blocked_scopes"]

    assert await hits() == ([own], [])
    assert await hits(workspace="w", project="series") == ([], ["project"])
    assert (await studio.asks("", "GET", f"/v1/memory/{other}", token=token)).status_code == 404
    elsewhere = {"text": "x", "workspace": "w", "project": "series"}
    assert (await studio.asks("", "POST", "/v1/memory", elsewhere, token=token)).status_code == 403
    # And nothing but memory: no window, no resources, no rights of whoever asked for it.
    resources = (await studio.asks("", "GET", "/v1/resources", token=token)).json()
    assert resources["items"] == []
    assert (await studio.asks("", "POST", "/v1/memory/capabilities", {}, token=token)).status_code == 403


async def test_promotion_does_not_go_downwards_or_sideways(studio: Room) -> None:
    memory_id = (await studio.put(tier="team"))["memory_id"]
    for tier in ("project", "team"):
        response = await studio.promote(memory_id, tier, "ada")
        assert (response.status_code, response.json()["reason"]) == (422, "not_upward")
    assert (await studio.promote(memory_id, "session", "ada")).status_code == 400
    upward = await studio.asks("ada", "POST", f"/v1/memory/{memory_id}/demote", {"to_tier": "team"})
    assert (upward.status_code, upward.json()["reason"]) == (422, "not_downward")


async def test_a_secret_in_a_nested_field_is_not_stored(studio: Room) -> None:
    capsule = {
        "problem": "the upload fails",
        "approach": f"sent {KEY}",
        "evidence": ["ok", f"log: {KEY}"],
        "outcome": "succeeded",
    }
    stored = await studio.put(
        "see the capsule", kind="solution_capsule", capsule=capsule, tags=["upload", KEY], source=f"run/{KEY}"
    )
    assert stored["status"] == "redacted"
    assert stored["redactions"] == [{"kind": "api_key", "count": 4}]
    told = (await studio.asks("ada", "GET", f"/v1/memory/{stored['memory_id']}")).text
    assert KEY not in told
    assert "the upload fails" in told
    assert studio.holding(KEY) == []


@pytest.mark.parametrize(
    "encoded",
    [
        base64.b64encode(f"Authorization: {KEY}".encode()).decode(),
        base64.b64encode(base64.urlsafe_b64encode(KEY.encode())).decode(),
        KEY.encode().hex(),
        "".join(f"%{byte:02X}" for byte in KEY.encode()),
        "".join(f"\\u{ord(one):04x}" for one in KEY),
        f"{KEY[:9]}\u200b{KEY[9:]}",
    ],
)
async def test_an_encoded_secret_is_not_stored(studio: Room, encoded: str) -> None:
    stored = await studio.put(f"the header was {encoded} that day")
    assert stored["status"] == "redacted"
    assert [one["kind"] for one in stored["redactions"]] == ["api_key"]
    told = (await studio.asks("ada", "GET", f"/v1/memory/{stored['memory_id']}")).json()
    assert told["document"]["text"] == "the header was [redacted:api_key] that day"


async def test_a_search_does_not_go_beyond_its_scope(studio: Room) -> None:
    for tier in ("session", "project", "team", "curated"):
        await studio.put(f"the {tier} heist", tier=tier, workspace="w", project="film")
    await studio.put(
        "the restricted heist", tier="project", workspace="w", project="film", classification="restricted"
    )
    token = await _token(studio, read_tiers=["session", "team"])
    told = (await studio.asks("", "POST", "/v1/memory/search", {"query": "heist"}, token=token)).json()
    assert sorted(one["tier"] for one in told["items"]) == ["session", "team"]
    assert told["blocked_scopes"] == ["project", "curated"]
    elsewhere = await studio.asks(
        "ada", "POST", "/v1/memory/search", {"query": "heist", "workspace": "w", "project": "series"}
    )
    assert sorted(one["tier"] for one in elsewhere.json()["items"]) == ["curated", "team"]
    assert "the restricted heist" not in elsewhere.text
    everywhere = await studio.asks("ada", "POST", "/v1/memory/search", {"query": "restricted"})
    assert everywhere.json()["items"] == []
    assert len(await studio.found("restricted", workspace="w", project="film")) == 1
    assert (await studio.asks("nobody", "POST", "/v1/memory/search", {"query": "heist"})).status_code == 403
    assert (await studio.asks("writer", "POST", "/v1/memory/search", {"query": "heist"})).status_code == 403


async def test_the_audit_tells_nothing_of_what_is_said(studio: Room) -> None:
    words = ("xylograph", "quokka", "zugzwang", "obnubilate")
    memory_id = (await studio.put(f"{words[0]} {KEY}", tags=[words[1]]))["memory_id"]
    await studio.found(words[2])
    await studio.promote(memory_id, "team", "ada", reason=words[3])
    await studio.asks("agent", "POST", "/v1/memory", {"text": words[0], "tier": words[1]})
    await studio.asks("writer", "POST", "/v1/memory", {"text": words[0], "tier": "curated"})
    await studio.asks("ada", "DELETE", f"/v1/memory/{words[2]}")
    told = (await studio.asks("ada", "GET", "/v1/memory/audit")).text + (await _log(studio))
    leaked = [word for word in (*words, KEY) if word in told and word != words[2]]
    assert leaked == []
    entries = [(one["actor"], one["action"], one["status"], one["reason"]) for one in await studio.audit()]
    assert ("ada", "put", "redacted", "") in entries
    assert ("ada", "search", "done", "") in entries
    assert ("ada", "promote", "passed", "") in entries
    assert ("agent", "put", "failed", "invalid_request") in entries
    assert ("writer", "put", "denied", "forbidden") in entries


async def _log(studio: Room) -> str:
    return "".join(bytes(event.data).decode() for event in await studio.kernel.log.read(after=0))


async def test_review_evidence_is_used_once(studio: Room) -> None:
    memory_id = (await studio.put(name="agent"))["memory_id"]
    approval_id = await studio.reviewed(memory_id, "team")
    passed = await studio.promote(memory_id, "team", approval_id=approval_id)
    assert (passed.status_code, passed.json()["status"]) == (200, "passed")
    spent = (await studio.asks("ada", "GET", f"/v1/approvals/{approval_id}")).json()
    assert spent["state"] == "spent"
    down = await studio.asks("agent", "POST", f"/v1/memory/{memory_id}/demote", {"to_tier": "session"})
    assert down.json()["status"] == "passed"
    again = await studio.promote(memory_id, "team", approval_id=approval_id)
    assert (again.status_code, again.json()["reason"]) == (422, "evidence_mismatch")
    memory = (await studio.asks("ada", "GET", f"/v1/memory/{memory_id}")).json()["memory"]
    assert memory["tier"] == "session"


async def test_evidence_that_was_spent_elsewhere_is_none(studio: Room) -> None:
    memory_id = (await studio.put(name="agent"))["memory_id"]
    approval_id = await studio.reviewed(memory_id, "team")
    state = await studio.shelf.state(CALLERS["ada"], memory_id)

    await studio.kernel.dispatch.propose(
        f"approval/{approval_id}", Spend(subject_hash=subject_hash(state, "team")), CALLERS["ada"]
    )
    reused = await studio.promote(memory_id, "team", approval_id=approval_id)
    assert (reused.status_code, reused.json()["reason"]) == (422, "evidence_spent")


async def test_evidence_for_other_content_another_memory_or_another_tier_is_none(studio: Room) -> None:
    memory_id = (await studio.put(name="agent"))["memory_id"]
    other = (await studio.put("jump cuts", name="agent"))["memory_id"]
    approval_id = await studio.reviewed(memory_id, "team")
    for one, tier in ((other, "team"), (memory_id, "project")):
        refused = await studio.promote(one, tier, approval_id=approval_id)
        assert (refused.status_code, refused.json()["reason"]) == (422, "evidence_mismatch")
    # The same memory, moved meanwhile: its content is sealed anew, and the leave was for what it was.
    assert (await studio.promote(memory_id, "project")).json()["status"] == "passed"
    stale = await studio.promote(memory_id, "team", approval_id=approval_id)
    assert (stale.status_code, stale.json()["reason"]) == (422, "evidence_mismatch")


async def test_a_program_neither_reviews_nor_writes_the_upper_tiers_itself(studio: Room) -> None:
    memory_id = (await studio.put(name="agent"))["memory_id"]
    asked = (await studio.promote(memory_id, "team")).json()
    decided = await studio.asks("agent", "POST", f"/v1/approvals/{asked['approval_id']}/approve", {})
    assert decided.status_code == 403
    pending = await studio.promote(memory_id, "team", approval_id=asked["approval_id"])
    assert (pending.json()["status"], pending.json()["reason"]) == ("blocked", "review_pending")
    direct = await studio.asks("agent", "POST", "/v1/memory", {"text": "x", "tier": "team"})
    assert direct.status_code == 403
    unreviewed = {"promote_targets": ["team"], "require_review": False}
    assert (await studio.asks("agent", "POST", "/v1/memory/capabilities", unreviewed)).status_code == 403
    assert (
        await studio.asks(
            "agent",
            "POST",
            "/v1/memory/capabilities",
            {"read_tiers": ["session"], "promote_targets": ["curated"]},
        )
    ).status_code == 403


async def test_a_ciphertext_in_anothers_place_does_not_open(studio: Room) -> None:
    one, other = [(await studio.put(text, tier="curated"))["memory_id"] for text in ("first", "second")]
    hashes = [
        (await studio.asks("ada", "GET", f"/v1/memory/{memory_id}")).json()["memory"]["content_hash"]
        for memory_id in (one, other)
    ]
    blobs = studio.kernel.blobs
    blobs.path(hashes[0]).write_bytes(blobs.read(hashes[1]))
    swapped = await studio.asks("ada", "GET", f"/v1/memory/{one}")
    assert (swapped.status_code, swapped.json()["code"]) == (404, "memory_unreadable")
    with pytest.raises(NotFound, match="damaged"):
        await studio.shelf.sealer.open("local/dev", one, hashes[1])
