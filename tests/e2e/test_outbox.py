"""The outbox of a real daemon, by the command line."""

from pathlib import Path
from typing import Any

from cutroom_sdk.wire.approvals import ApprovalSubject
from engine.approvals import reducer as approvals
from engine.features import AGGREGATES
from engine.kernel.clock import SystemClock
from engine.kernel.delivery import Effect
from engine.kernel.errors import WorkFailed
from engine.kernel.kernel import Kernel
from tests.daemons import Daemon
from tests.e2e.studio import cutroom
from tests.kernel_kit import ADA
from tests.outbox_kit import reached


async def _leave_one_dead(folder: Path) -> str:
    """Have an approval's checks asked for by a daemon that cannot make them; return the command's id."""
    kernel = await Kernel.open(folder, AGGREGATES, SystemClock())

    async def fail(_command: Any, _effect: Effect) -> None:
        raise WorkFailed("no checks today")

    kernel.outbox.handle(approvals.EvaluateGate, fail)
    asked = approvals.Asked(
        decider="auto",
        subject=ApprovalSubject(kind="effect", id="upload", run_id="r1"),
        subject_hash="h",
        summary="shall it go out?",
        artifact_refs=(),
    )
    async with kernel.running():
        await kernel.dispatch.propose("approval/a1", approvals.Request(asked=asked), ADA)
        found = await reached(kernel, lambda found: any(one.state == "dead" for one in found))
    return next(one.command_id for one in found if one.state == "dead")


async def test_a_dead_command_is_seen_tried_again_and_on_the_audit(tmp_path: Path) -> None:
    command_id = await _leave_one_dead(tmp_path)
    async with Daemon(tmp_path) as daemon, daemon.client() as studio:
        dead = await cutroom(daemon, "outbox", "list", "--state", "dead", "--json")
        (listed,) = dead.json["items"]
        assert (listed["command_id"], listed["type"]) == (command_id, "evaluate_gate")
        assert listed["error"] == "work_failed: no checks today"
        assert "no checks today" in (await cutroom(daemon, "outbox", "list")).out
        assert (await cutroom(daemon, "outbox", "redeliver", command_id, "--json")).json["state"] == "pending"
        async for event in studio.follow_log(0, stream=f"outbox/{command_id}"):
            if event.type == "command.completed":
                break
        assert (
            await studio.approval("a1")
        ).state == "denied"  # there is no such run: its checks cannot be made
        late = await cutroom(daemon, "outbox", "cancel", command_id)
        assert (late.code, "it is completed already" in late.talk) == (4, True)
        deeds = [entry.action for entry in await studio.audit()]
        assert f"POST /v1/outbox/{command_id}/redeliver" in deeds
