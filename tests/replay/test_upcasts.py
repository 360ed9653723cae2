"""A log that older versions wrote reads as if today's had written it, and still lies there as it was written.

`snapshots/histories/lamp.events.jsonl` was exported when a lamp was switched (version 1) and later turned to a percentage
(version 2). Today's turns it to a level between 0 and 255. What old versions wrote can never be recorded again, so the
file is kept by hand. The lamp is no part of the product.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import Struct

from engine.kernel import transfer
from engine.kernel.clock import SystemClock
from engine.kernel.database import Database
from engine.kernel.errors import Unavailable
from engine.kernel.kernel import DATABASE_NAME, Kernel, with_own
from engine.kernel.proof import prove
from engine.kernel.reducer import Aggregate, Envelope, Step
from engine.kernel.replay import check
from engine.kernel.shapes import shape_of
from engine.kernel.upcasts import Upcasts
from tests.kernel_kit import ADA, events_of

HISTORY: Final = Path(__file__).parents[2] / "snapshots" / "histories" / "lamp.events.jsonl"


class Lamp(Struct, frozen=True, kw_only=True):
    level: int = 0


class Turn(Struct, frozen=True, kw_only=True, tag="turn"):
    level: int


class Turned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="lamp.turned"):
    level: int


def _from_switched(told: dict[str, Any]) -> dict[str, Any]:
    return {"type": "lamp.turned", "percent": 100 if told["on"] else 0}


def _from_percent(told: dict[str, Any]) -> dict[str, Any]:
    return {"type": "lamp.turned", "level": told["percent"] * 255 // 100} if "percent" in told else told


def _resources(name: str, lamp: Lamp) -> Mapping[str, Struct | None]:
    return {f"lamp/{name}": lamp}


def _on_event(_lamp: Lamp, event: Turned, _envelope: Envelope) -> Step[Lamp, Any]:
    return Step(Lamp(level=event.level))


def _decide(_lamp: Lamp, proposal: Turn, _envelope: Envelope) -> tuple[Turned, ...]:
    return (Turned(level=proposal.level),)


LAMP: Final[Aggregate[Lamp, Turn, Turned]] = Aggregate(
    kind="lamp",
    init=lambda _: Lamp(),
    decide=_decide,
    on_event=_on_event,
    event=Turned,
    state=Lamp,
    resources=_resources,
    upcasts={"lamp.switched": _from_switched, "lamp.turned": _from_percent},
)
AGGREGATES: Final = with_own([LAMP])
LEVELS: Final = [255, 0, 102, 255]


@asynccontextmanager
async def _taken_in(folder: Path) -> AsyncIterator[Kernel]:
    database = await Database.open(folder / DATABASE_NAME)
    await transfer.take_in(database, folder, HISTORY.read_bytes().splitlines(keepends=True), AGGREGATES)
    await database.close()
    kernel = await Kernel.open(folder, [LAMP], SystemClock())
    async with kernel.running():
        yield kernel


async def test_older_events_are_read_as_todays(tmp_path: Path) -> None:
    async with _taken_in(tmp_path) as kernel:
        events = await events_of(kernel)
        assert [event.type for event in events] == ["lamp.turned"] * 4
        assert [msgspec.json.decode(event.data)["level"] for event in events] == LEVELS
        assert (await kernel.dispatch.state("lamp/desk", ADA.partition))[0] == Lamp(level=255)
        told = await kernel.dispatch.propose("lamp/desk", Turn(level=7), ADA)
        assert told.version == 5
        assert (await kernel.resources.value("lamp/desk", Lamp)) == Lamp(level=7)


async def test_what_lies_in_the_log_is_what_was_written(tmp_path: Path) -> None:
    async with _taken_in(tmp_path) as kernel:
        assert b"".join([lines async for lines in transfer.export(kernel.database)]) == HISTORY.read_bytes()
        assert (await prove(kernel.database, tmp_path)).sound
        assert (await check(kernel.database, AGGREGATES)).equal


def test_what_has_no_upcast_is_not_touched() -> None:
    data = b'{ "type": "lamp.lost" }'
    assert Upcasts(LAMP.upcasts).bring_up("lamp.lost", data) == ("lamp.lost", data)


def test_upcasts_that_rename_in_a_circle_are_a_mistake() -> None:
    circle = Upcasts({"a.b": lambda told: told | {"type": "b.b"}, "b.b": lambda told: told | {"type": "a.b"}})
    with pytest.raises(AssertionError, match="circle"):
        circle.bring_up("a.b", b'{"type":"a.b"}')


async def test_the_log_is_asked_by_the_types_of_today(tmp_path: Path) -> None:
    async with _taken_in(tmp_path) as kernel:
        for prefix in ("lamp.turned", "lamp"):
            assert len(await kernel.log.read(after=0, type_prefix=prefix)) == 4
        assert [
            event.position for event in await kernel.log.read(after=0, limit=3, type_prefix="lamp.turned")
        ] == [1, 2, 3]
        assert await kernel.log.read(after=0, type_prefix="lamp.switched") == []


class Bulb(Struct, frozen=True, kw_only=True):
    """What a later version makes of a lamp: it counts how often it was turned as well."""

    brightness: int
    turns: int


def _bulb(lamp: dict[str, Any]) -> dict[str, Any]:
    return {"brightness": lamp["level"], "turns": 0}


async def test_a_state_that_an_older_version_kept_is_read_through_its_upcast(tmp_path: Path) -> None:
    async with _taken_in(tmp_path) as kernel:
        await kernel.compactor.compact(5, ADA)
    lamp: Aggregate[Any, Any, Any] = LAMP
    later = replace(
        lamp,
        state=Bulb,
        on_event=lambda bulb, event, _: Step(Bulb(brightness=event.level, turns=bulb.turns + 1)),
        resources=lambda name, bulb: {f"lamp/{name}": Lamp(level=bulb.brightness)},
    )
    with pytest.raises(Unavailable, match="does not know it"):
        await Kernel.open(tmp_path, [later], SystemClock())
    known = replace(later, state_upcasts={shape_of(Lamp): _bulb})
    kernel = await Kernel.open(tmp_path, [known], SystemClock())
    async with kernel.running():
        assert (await kernel.dispatch.state("lamp/desk", ADA.partition))[0] == Bulb(brightness=255, turns=0)
        await kernel.dispatch.propose("lamp/desk", Turn(level=7), ADA)
        await kernel.compactor.compact(kernel.dispatch.head + 1, ADA)
        assert (await prove(kernel.database, tmp_path)).findings == ()
    # Kept anew in today's shape: the upcast has done its work.
    kernel = await Kernel.open(tmp_path, [later], SystemClock())
    async with kernel.running():
        assert (await kernel.dispatch.state("lamp/desk", ADA.partition))[0] == Bulb(brightness=7, turns=1)
