"""A daemon that is killed between a commit and its answer: the repeat gets the answer that would have come."""

from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.wire.missions import MissionRequest, WorkItemRequest
from cutroom_sdk.wire.tokens import TokenRequest
from tests.daemons import Daemon

MISSION = MissionRequest(
    title="A film", goal="to be seen", success_criteria=("seen",), work_items=(WorkItemRequest(title="cut"),)
)


async def _until_killed(folder: Path, method: str, path: str, key: str, body: Any) -> None:
    """Ask a daemon that dies when the effect is on disk and nothing has been said."""
    daemon = Daemon(folder, CUTROOM_FAILPOINT="idempotency.worked=kill")
    daemon.start()
    async with daemon.client() as studio:
        with pytest.raises(Unreachable):
            await studio.request(method, path, body=body, headers={"Idempotency-Key": key})
    assert daemon.process is not None
    daemon.process.communicate(timeout=30)


@pytest.mark.timeout(120)
async def test_what_was_committed_before_a_kill_is_answered_after_it(tmp_path: Path) -> None:
    asked: list[tuple[str, str, str, Any]] = [
        ("PUT", "/v1/resources/project/a", "k1", {"value": {"x": 1}}),
        ("POST", "/v1/missions", "k2", MISSION),
        ("POST", "/v1/tokens", "k3", TokenRequest(actor="bob", capabilities=("log:read",))),
    ]
    for one in asked:
        await _until_killed(tmp_path, *one)
    async with Daemon(tmp_path) as daemon, daemon.client() as studio:
        told = []
        for method, path, key, body in asked[:2]:
            answer = await studio.request(method, path, body=body, headers={"Idempotency-Key": key})
            assert answer.headers["idempotent-replayed"] == "true"
            told.append((answer.status_code, answer.headers["etag"], answer.json()))
        (put, put_etag, record), (made, made_etag, mission) = told
        assert (put, put_etag, record["value"], record["rev"]) == (201, '"1"', {"x": 1}, 1)
        assert (made, made_etag, mission["title"]) == (201, '"1"', "A film")
        assert [one.mission_id for one in await studio.missions()] == [mission["mission_id"]]
        with pytest.raises(SdkError, match="its answer was not kept") as lost:
            await studio.request("POST", "/v1/tokens", body=asked[2][3], headers={"Idempotency-Key": "k3"})
        assert (lost.value.status, lost.value.code) == (409, "answer_not_kept")
        assert [one.actor for one in await studio.tokens()] == ["bob"]
