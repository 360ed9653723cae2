"""What goes up has been looked at: capability, target, review, source, scrubbing, in this order."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kernel_kit import put, write
from tests.unit.memory.room import CALLERS, Room, room


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Room]:
    async with room(tmp_path) as opened:
        yield opened


def _capsule(outcome: str) -> dict[str, Any]:
    return {"problem": "the sound drifts", "approach": "resample it", "evidence": [], "outcome": outcome}


async def test_a_programs_promotion_passes_after_a_persons_review(studio: Room) -> None:
    memory_id = (await studio.put(name="agent"))["memory_id"]
    asked = (await studio.promote(memory_id, "team", reason="it works")).json()
    assert (await studio.promote(memory_id, "team")).json()["approval_id"] == asked["approval_id"], (
        "asked once"
    )
    approval = (await studio.asks("ada", "GET", f"/v1/approvals/{asked['approval_id']}")).json()
    assert (approval["subject"]["kind"], approval["subject"]["id"]) == ("memory", memory_id)
    assert (approval["decider"], approval["state"]) == ("human", "pending")
    await studio.asks("ada", "POST", f"/v1/approvals/{asked['approval_id']}/approve", {})
    moved = (
        await studio.promote(memory_id, "team", approval_id=asked["approval_id"], reason="it works")
    ).json()
    assert (moved["status"], moved["tier"]) == ("passed", "team")
    entry = (await studio.asks("agent", "GET", f"/v1/memory/{memory_id}")).json()
    assert entry["memory"]["approval_id"] == asked["approval_id"]
    assert [(one["to_tier"], one["by"], one["reason"]) for one in entry["document"]["notes"]] == [
        ("team", "agent", "it works")
    ]


async def test_what_was_denied_does_not_go_up(studio: Room) -> None:
    memory_id = (await studio.put(name="agent"))["memory_id"]
    approval_id = await studio.reviewed(memory_id, "team", grant=False)
    for evidence in ({}, {"approval_id": approval_id}):
        moved = (await studio.promote(memory_id, "team", **evidence)).json()
        assert (moved["status"], moved["reason"], moved["tier"]) == ("blocked", "review_denied", "session")


@pytest.mark.parametrize("outcome", ["failed", "denied", "superseded"])
async def test_what_did_not_work_does_not_go_up(studio: Room, outcome: str) -> None:
    memory_id = (await studio.put(kind="solution_capsule", capsule=_capsule(outcome)))["memory_id"]
    moved = (await studio.promote(memory_id, "project", "ada")).json()
    assert (moved["status"], moved["reason"]) == ("blocked", f"outcome_{outcome}")
    put = await studio.put(tier="curated", kind="solution_capsule", capsule=_capsule(outcome))
    assert (put["status"], put["memory_id"]) == ("blocked", None)


async def test_what_is_restricted_stays_in_its_project(studio: Room) -> None:
    memory_id = (await studio.put(classification="restricted"))["memory_id"]
    assert (await studio.promote(memory_id, "project", "ada")).json()["status"] == "passed"
    moved = (await studio.promote(memory_id, "team", "ada")).json()
    assert (moved["status"], moved["reason"]) == ("blocked", "restricted")


@pytest.mark.parametrize(
    ("value", "reason"),
    [({"status": "failed"}, "source_failed"), ({"status": "done"}, ""), (None, "source_gone")],
)
async def test_the_source_has_to_be_there_and_not_to_have_failed(
    studio: Room, value: Any, reason: str
) -> None:
    if value is not None:
        await write(studio.kernel, put("project/film", value), context=CALLERS["ada"])
    memory_id = (await studio.put(source="project/film"))["memory_id"]
    moved = (await studio.promote(memory_id, "project", "ada")).json()
    assert (moved["status"], moved["reason"]) == ("blocked" if reason else "passed", reason)


async def test_a_program_moves_unseen_only_where_it_may_write(studio: Room) -> None:
    memory_id = (await studio.put(name="agent"))["memory_id"]
    assert (await studio.promote(memory_id, "project")).json()["status"] == "passed"
    assert (await studio.promote(memory_id, "curated")).status_code == 403
    assert (await studio.promote(memory_id, "team", "writer")).status_code == 403
    assert (await studio.promote(memory_id, "team", "reader")).status_code == 403


async def test_of_two_promotions_at_once_one_counts(studio: Room) -> None:
    memory_id = (await studio.put(name="agent"))["memory_id"]
    approval_id = await studio.reviewed(memory_id, "team")
    both = await asyncio.gather(
        *(studio.promote(memory_id, "team", approval_id=approval_id) for _ in range(2))
    )
    assert sorted(one.status_code for one in both) == [200, 422]
    await studio.shelf.caught_up()
    assert await studio.shelf.differences() == []


async def test_nothing_but_secrets_is_not_stored(studio: Room) -> None:
    put = await studio.put("4242 4242 4242 4242")
    assert (put["status"], put["memory_id"], put["reason"]) == ("blocked", None, "nothing_left")
    assert (await studio.asks("ada", "GET", "/v1/memory")).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": " "}, "text"),
        ({"text": "x", "kind": "solution_capsule"}, "capsule"),
        ({"text": "x", "capsule": _capsule("failed")}, "capsule"),
        ({"text": "x", "tier": "upper"}, "tier"),
        ({"text": "x", "workspace": "a/b"}, "workspace"),
        ({"text": "x", "project": "ghp_" + "a1B2" * 9}, "project"),
    ],
)
async def test_a_wrong_request_names_the_field(studio: Room, body: dict[str, Any], field: str) -> None:
    response = await studio.asks("ada", "POST", "/v1/memory", body)
    assert (response.status_code, response.json()["field"]) == (400, field)


@pytest.mark.parametrize(
    ("contacts", "found"), [("never", [False, False]), ("shared", [False, True]), ("always", [True, True])]
)
async def test_contacts_are_taken_out_as_the_setting_says(
    tmp_path: Path, contacts: Any, found: list[bool]
) -> None:
    async with room(tmp_path / "own", contacts=contacts) as studio:
        told = [await studio.put("ask zoe@studio.example", tier=tier) for tier in ("session", "team")]
    assert [one["status"] == "redacted" for one in told] == found


async def test_an_answer_is_repeated_for_the_same_key_and_nothing_is_put_twice(studio: Room) -> None:
    body, key = {"text": "once"}, {"Idempotency-Key": "k1"}
    first, second = [await studio.asks("ada", "POST", "/v1/memory", body, **key) for _ in range(2)]
    assert first.json() == second.json()
    assert len((await studio.asks("ada", "GET", "/v1/memory")).json()["items"]) == 1
