"""I8 under kill -9: nothing leaves the machine without leave of its own, spent in the commit of the call's record."""

import json
import sqlite3
from pathlib import Path
from typing import Any, Final

import pytest

from engine.kernel.kernel import DATABASE_NAME
from tests.fault.served import Served
from tests.sink import Sink

PLACES: Final = ("held", "call_recorded", "called")
ROUNDS: Final = [1, pytest.param(25, marks=pytest.mark.deep)]


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_what_leaves_the_machine_has_leave_that_is_spent_once(rounds: int, tmp_path: Path) -> None:
    places = [f"runs.{name}" for name in PLACES] * rounds
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    with Sink() as sink:
        (folder / "cutroom.toml").write_text(f'outbound_allow = ["127.0.0.1:{sink.port}"]\n')
        served = Served(folder, places, tmp_path)
        async with served.running():
            # The first mission comes by the first two places, the second by the third.
            ended = [await _sent(served, f"{sink.url}/{number}", str(number)) for number in range(2 * rounds)]
        called = [call.path for call in sink.calls]
    # Killed after the record: whether it was sent is not known from inside, so it is not sent again by itself.
    assert ended == ["failed"] * len(ended)
    assert called == [f"/{number}" for number in range(1, 2 * rounds, 2)], "once each, or not at all"
    _check_leave(folder, 2 * rounds)


async def _sent(served: Served, url: str, key: str) -> str:
    """Have a request sent, with leave, and then asked for again; return how its mission has ended."""
    item = {
        "title": "send",
        "kind": "http_request",
        "input": {"url": url, "method": "POST", "body": {"number": key}},
        "gates": {"review": "none", "test": "none"},
    }
    asked = {"title": "t", "goal": "g", "work_items": [item], "start": True, "budgets": {"max_attempts": 1}}
    answer = await served.request("POST", "/v1/missions", f"{key}-mission", json=asked)
    mission_id = answer.json()["mission_id"]

    approval_id = await served.until(lambda: _waiting(served, mission_id))
    answer = await served.request("POST", f"/v1/approvals/{approval_id}/approve", f"{key}-yes", json={})
    assert answer.status_code == 200, answer.text

    command_id = await served.until(lambda: _unknown(served, mission_id))
    # Nobody knows whether it was sent: to send it again takes leave of its own.
    answer = await served.request("POST", f"/v1/outbox/{command_id}/redeliver", f"{key}-again", json={})
    assert answer.status_code == 200, answer.text
    again = await served.until(lambda: _waiting(served, mission_id))
    assert again != approval_id
    await served.request(
        "POST", f"/v1/approvals/{again}/deny", f"{key}-no", json={"reason": "once is enough"}
    )
    return await served.until(lambda: _over(served, mission_id))


def _waiting(served: Served, mission_id: str) -> str | None:
    for name, value in served.values.items():
        pending = name.startswith("approval/") and value and value["state"] == "pending"
        if pending and value["subject"]["id"].startswith(f"{mission_id}/"):
            return str(value["approval_id"])
    return None


def _unknown(served: Served, mission_id: str) -> str | None:
    runs = [
        value["run_id"]
        for name, value in served.values.items()
        if name.startswith("run/") and value and value.get("mission_id") == mission_id
    ]
    for name, value in served.values.items():
        if (
            name.startswith("outbox/")
            and value
            and value["type"] == "call_tool"
            and value["state"] == "unknown"
        ):
            if value["data"]["run_id"] in runs:
                return str(value["command_id"])
    return None


def _over(served: Served, mission_id: str) -> str | None:
    mission: Any = served.values.get(f"mission/{mission_id}")
    return mission["status"] if mission and mission["status"] in ("succeeded", "failed") else None


def _check_leave(folder: Path, count: int) -> None:
    """Each call of the log names leave that was asked for, granted and spent, once each, in that order."""
    with sqlite3.connect(f"file:{folder / DATABASE_NAME}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT position, stream, type, data FROM events ORDER BY position")
        events = [(stream, kind, json.loads(data)) for _, stream, kind, data in rows]
    calls = [data["approval_id"] for _, kind, data in events if kind == "tool.observed"]
    assert len(calls) == len(set(calls)) == count
    for approval_id in calls:
        told = [kind for stream, kind, _ in events if stream == f"approval/{approval_id}"]
        assert told == ["approval.requested", "approval.granted", "approval.spent"]
    assert not [kind for _, kind, _ in events if kind == "approval.voided"]
