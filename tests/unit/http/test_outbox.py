"""The outbox as people see it: what is stuck, tried again or dropped."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address
from cutroom_sdk.errors import SdkError
from cutroom_sdk.wire.problems import CONFLICT, NOT_FOUND, REFUSED
from engine.kernel.delivery import Effect
from engine.kernel.errors import WorkFailed
from engine.kernel.kernel import Kernel
from tests.http_kit import URL, Border, asked
from tests.kernel_kit import ADA, ELSEWHERE, Add, Shout, Whisper
from tests.outbox_kit import reached, settled


class Outside:
    """Carries commands out as told: each kind of them hangs, fails, or works."""

    def __init__(self) -> None:
        self.does: dict[type, str] = {Shout: "works", Whisper: "works"}
        self.keys: list[str] = []
        self.begun = asyncio.Event()

    async def __call__(self, command: Shout | Whisper, effect: Effect) -> None:
        self.keys.append(effect.key)
        self.begun.set()
        match self.does[type(command)]:
            case "hangs":
                await asyncio.Event().wait()
            case "fails":
                raise WorkFailed("the mailbox is closed")
            case "breaks":
                raise ConnectionResetError("gone")

    def prepare(self, kernel: Kernel) -> None:
        kernel.outbox.handle(Shout, self)
        kernel.outbox.handle(Whisper, self, idempotent=False)


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
async def border(tmp_path: Path, outside: Outside) -> AsyncIterator[Border]:
    async with asked(tmp_path, prepare=outside.prepare) as opened:
        yield opened


def client(border: Border, name: str = "keeper") -> Client:
    return Client(lambda: Address(url=URL, token=f"token-of-{name}"), transport=border.transport)


async def ask_for(border: Border, *by: int) -> None:
    await border.kernel.dispatch.propose("counter/a", Add(by=by), ADA)


async def test_what_is_stuck_can_be_listed_by_state(border: Border, outside: Outside) -> None:
    outside.does = {Shout: "fails", Whisper: "breaks"}
    await ask_for(border, 5, 7, 7)
    await settled(border.kernel)
    async with client(border, "auditor") as studio:
        every = await studio.outbox()
        assert [one.command_id for one in every] == sorted(one.command_id for one in every)
        assert sorted((one.state, one.type) for one in every) == [
            ("dead", "shout"),
            ("unknown", "whisper"),
            ("unknown", "whisper"),
        ]
        (dead,) = await studio.outbox(state="dead")
        assert (dead.stream, dead.attempts, dead.error) == (
            "counter/a",
            1,
            "work_failed: the mailbox is closed",
        )
        assert bytes(dead.data) == b'{"type":"shout","total":5}'
        assert len(await studio.outbox(state="dead,unknown")) == 3
        assert await studio.outbox(state="pending") == []


async def test_lists_come_in_pages_and_a_state_that_there_is_not_is_named(
    border: Border, outside: Outside
) -> None:
    outside.does = {Shout: "fails"}
    await ask_for(border, 5, 5, 5)
    await settled(border.kernel)
    async with border.asks("auditor") as raw:
        first = (await raw.get("/v1/outbox?limit=2&state=dead")).json()
        rest = (await raw.get(f"/v1/outbox?limit=2&state=dead&cursor={first['next']}")).json()
        assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
        assert first["position"] == border.kernel.dispatch.head
        wrong = await raw.get("/v1/outbox?state=lost")
        assert (wrong.status_code, wrong.json()["field"]) == (400, "state")
        assert "pending, attempted, dead, unknown" in wrong.json()["detail"]


@pytest.mark.parametrize(("kind", "by", "does"), [(Shout, 5, "fails"), (Whisper, 7, "breaks")])
async def test_what_is_stuck_is_tried_again_with_the_same_key(
    border: Border, outside: Outside, kind: type, by: int, does: str
) -> None:
    outside.does = {kind: does}
    await ask_for(border, by)
    (stuck,) = await settled(border.kernel)
    outside.does = {kind: "works"}
    async with client(border) as studio:
        again = await studio.redeliver_command(stuck.command_id)
        assert (again.command_id, again.state, again.attempts) == (stuck.command_id, "pending", 1)
        assert await settled(border.kernel) == []
        assert outside.keys == [stuck.command_id] * 2
        with pytest.raises(SdkError, match="it is completed; what is dead or unknown") as refusal:
            await studio.redeliver_command(stuck.command_id)
    assert (refusal.value.status, refusal.value.code, refusal.value.exit) == (
        409,
        "command_conflict",
        CONFLICT,
    )


async def test_what_is_stuck_can_be_dropped(border: Border, outside: Outside) -> None:
    outside.does = {Shout: "fails", Whisper: "breaks"}
    await ask_for(border, 5, 7)
    async with client(border) as studio:
        for stuck in await settled(border.kernel):
            assert (await studio.cancel_command(stuck.command_id)).state == "canceled"
            with pytest.raises(SdkError, match="it is canceled already"):
                await studio.cancel_command(stuck.command_id)
        assert await studio.outbox() == []


async def test_what_is_being_attempted_is_asked_to_stop(border: Border, outside: Outside) -> None:
    outside.does = {Shout: "hangs"}
    await ask_for(border, 5)
    await asyncio.wait_for(outside.begun.wait(), 5)
    (busy,) = await reached(border.kernel, lambda found: found[0].state == "attempted")
    async with client(border) as studio:
        with pytest.raises(SdkError, match="it is attempted"):
            await studio.redeliver_command(busy.command_id)
        assert (await studio.cancel_command(busy.command_id)).stopping
        assert await settled(border.kernel) == []


@pytest.mark.parametrize("deed", ["redeliver_command", "cancel_command"])
async def test_what_nobody_asked_for_is_not_found(border: Border, deed: str) -> None:
    async with client(border) as studio:
        with pytest.raises(SdkError, match="there is no command nothing") as missing:
            await getattr(studio, deed)("nothing")
    assert (missing.value.status, missing.value.exit) == (404, NOT_FOUND)
    assert border.kernel.dispatch.head == 0


async def test_the_right_to_read_the_log_is_not_the_right_to_have_things_done(
    border: Border, outside: Outside
) -> None:
    outside.does = {Shout: "fails"}
    await ask_for(border, 5)
    (stuck,) = await settled(border.kernel)
    async with client(border, "auditor") as studio:
        for deed in (studio.redeliver_command, studio.cancel_command):
            with pytest.raises(SdkError, match="log:admin") as refusal:
                await deed(stuck.command_id)
            assert refusal.value.exit == REFUSED
    async with client(border, "reader") as studio:
        with pytest.raises(SdkError, match="log:read"):
            await studio.outbox()


async def test_other_tenants_commands_are_not_there(border: Border, outside: Outside) -> None:
    outside.does = {Shout: "fails"}
    await border.kernel.dispatch.propose("counter/a", Add(by=(5,)), ELSEWHERE)
    await reached(border.kernel, lambda _: bool(outside.keys))
    async with client(border, "eve") as studio:
        (own,) = await studio.outbox()
    async with client(border) as studio:
        assert await studio.outbox() == []
        with pytest.raises(SdkError, match="there is no command"):
            await studio.cancel_command(own.command_id)


async def test_a_stream_of_resources_shows_a_command_until_it_is_finished(
    border: Border, outside: Outside
) -> None:
    outside.does = {Shout: "fails"}
    await ask_for(border, 5)
    (stuck,) = await settled(border.kernel)
    async with client(border) as studio:
        seen: dict[str, Any] = (await studio.record(f"outbox/{stuck.command_id}")).value
        assert (seen["state"], seen["error"]) == ("dead", stuck.error)
        await studio.cancel_command(stuck.command_id)
        with pytest.raises(SdkError) as gone:
            await studio.record(f"outbox/{stuck.command_id}")
    assert gone.value.exit == NOT_FOUND
