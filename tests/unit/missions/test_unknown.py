"""Nobody knows what became of a call that must not be repeated: it waits for a person, and the run and the mission with it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.notices import Notice
from engine.kernel import commands, outbox
from engine.kernel.commands import Command
from engine.kernel.errors import OutcomeUnknown
from engine.kernel.kernel import Kernel
from engine.kernel.tools import ToolContext, ToolResult
from engine.missions import types as t
from tests.missions_kit import ADA, FakeTool, WorkInput, item, mission_is, mission_until, studio, until

Call = Callable[[WorkInput, ToolContext], Awaitable[ToolResult]]


async def create(kernel: Kernel, *items: t.ItemSpec) -> None:
    asked = t.Create(title="x", goal="x", items=items, start=True, capabilities=("media:write",))
    await kernel.dispatch.propose("mission/m1", asked, ADA)


async def unknown(kernel: Kernel) -> Command:
    """Wait for the command whose outcome nobody knows, and for the notice of it."""
    found: list[Command] = []

    async def is_there() -> bool:
        found[:] = [one for one in await kernel.resources.values("outbox", Command) if one.state == "unknown"]
        return bool(found) and bool(await kernel.resources.values("notice", Notice))

    await until(kernel, is_there)
    (one,) = found
    return one


async def tell(kernel: Kernel, command: Command, word: commands.Proposal) -> None:
    await kernel.dispatch.propose(f"outbox/{command.command_id}", word, ADA)


async def breaks(_given: WorkInput, _context: ToolContext) -> ToolResult:
    raise ConnectionResetError("in the middle")


async def says_so(_given: WorkInput, _context: ToolContext) -> ToolResult:
    raise OutcomeUnknown("it was sent, and nobody answered")


async def hangs(_given: WorkInput, _context: ToolContext) -> ToolResult:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def gives_up(_given: WorkInput, _context: ToolContext) -> ToolResult:
    raise asyncio.CancelledError


async def left_by_a_kill(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTool:
    """Have a daemon end while such a tool is at work."""
    monkeypatch.setattr(outbox, "GRACE_S", 0.01)
    began = asyncio.Event()

    async def hang(given: WorkInput, context: ToolContext) -> ToolResult:
        began.set()
        return await hangs(given, context)

    first = FakeTool("work", call=hang, idempotent=False)
    async with studio(folder, first) as kernel:
        await create(kernel, item("send"), item("next", "send"))
        async with asyncio.timeout(5):
            await began.wait()
    return first


async def test_after_a_kill_it_is_not_called_again_and_the_mission_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await left_by_a_kill(tmp_path, monkeypatch)
    second = FakeTool("work", idempotent=False)
    async with studio(tmp_path, second) as kernel:
        command = await unknown(kernel)
        assert "must not be repeated unseen" in command.error
        (notice,) = await kernel.resources.values("notice", Notice)
        assert (notice.type, notice.properties["command_id"]) == ("command.unknown", command.command_id)
        mission: t.Mission = (await kernel.dispatch.state("mission/m1", ADA.partition))[0]
        assert [(one.status, len(one.attempts)) for one in mission.items] == [
            ("in_progress", 1),
            ("blocked", 0),
        ]
    assert second.seen == []


async def test_redelivered_it_is_called_again_with_the_same_key_and_the_mission_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await left_by_a_kill(tmp_path, monkeypatch)
    second = FakeTool("work", idempotent=False)
    async with studio(tmp_path, second) as kernel:
        await tell(kernel, await unknown(kernel), commands.Redeliver())
        mission = await mission_is(kernel, "m1", "succeeded")
    assert [context.run_id for _, context in second.seen] == [
        first.seen[0][1].run_id,
        mission.items[1].run_id,
    ]
    assert [len(one.attempts) for one in mission.items] == [1, 1]


async def test_dropped_its_run_counts_as_canceled_and_the_mission_waits_to_hear_what_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await left_by_a_kill(tmp_path, monkeypatch)
    second = FakeTool("work", idempotent=False)
    async with studio(tmp_path, second) as kernel:
        await tell(kernel, await unknown(kernel), commands.Cancel())
        mission = await mission_is(kernel, "m1", "paused")
        assert "had the command dropped" in mission.reason
        assert second.seen == []
        await kernel.dispatch.propose("mission/m1", t.Resume(), ADA)
        mission = await mission_is(kernel, "m1", "succeeded")
    assert second.seen[0][1].run_id != first.seen[0][1].run_id, "somebody has said: do it again"
    assert [one.status for one in mission.items[0].attempts] == ["canceled", "succeeded"]


async def test_killed_again_after_it_was_redelivered_it_waits_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await left_by_a_kill(tmp_path, monkeypatch)
    second = FakeTool("work", call=hangs, idempotent=False)
    async with studio(tmp_path, second) as kernel:
        await tell(kernel, await unknown(kernel), commands.Redeliver())
        await mission_until(kernel, "m1", lambda mission: mission.items[0].observed == 2)
    third = FakeTool("work", idempotent=False)
    async with studio(tmp_path, third) as kernel:
        assert (await unknown(kernel)).attempts >= 3
    assert third.seen == []


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (breaks, "broke (ConnectionResetError: in the middle)"),
        (says_so, "nobody answered"),
        (hangs, "took longer than 0.05 s"),
        (gives_up, "gave up"),
    ],
)
async def test_whatever_cuts_a_call_short_it_is_not_repeated_by_itself(
    call: Call, says: str, tmp_path: Path
) -> None:
    work = FakeTool("work", call=call, idempotent=False, limit_s=0.05 if call is hangs else 20)
    async with studio(tmp_path, work) as kernel:
        await create(kernel, item("send"))
        assert says in (await unknown(kernel)).error
        await kernel.dispatch.propose("mission/m1", t.Cancel(), ADA)
        await mission_is(kernel, "m1", "canceled")
    assert len(work.seen) == 1


async def test_dropped_while_it_is_at_work_it_is_ended_and_somebody_has_to_look_first(tmp_path: Path) -> None:
    work = FakeTool("work", call=hangs, idempotent=False)
    async with studio(tmp_path, work) as kernel:
        await create(kernel, item("send"))
        await mission_until(kernel, "m1", lambda mission: bool(mission.items[0].observed))
        every = await kernel.resources.values("outbox", Command)
        (call,) = [one for one in every if one.type == "call_tool"]
        await tell(kernel, call, commands.Cancel())
        assert "canceled during the attempt" in (await unknown(kernel)).error
        await tell(kernel, call, commands.Cancel())
        await mission_is(kernel, "m1", "paused")
    assert len(work.seen) == 1


async def test_a_start_that_was_dropped_never_happens_and_its_mission_pauses(tmp_path: Path) -> None:
    work = FakeTool("work")

    def late(kernel: Kernel) -> None:
        # Nobody starts runs here: the command waits, and a person drops it.
        kernel.outbox._handlings.pop("start_run")

    async with studio(tmp_path, work, prepare=late) as kernel:
        await create(kernel, item("send"))

        async def waits() -> bool:
            return bool(await kernel.resources.values("outbox", Command))

        await until(kernel, waits)
        (command,) = await kernel.resources.values("outbox", Command)
        assert command.type == "start_run"
        await tell(kernel, command, commands.Cancel())
        mission = await mission_is(kernel, "m1", "paused")
        run: Any = (await kernel.dispatch.state(f"run/{mission.items[0].run_id}", ADA.partition))[0]
    assert run.status == "canceled"
    assert work.seen == []
