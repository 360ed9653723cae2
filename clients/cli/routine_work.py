"""What the commands of routines do: ask the daemon, and show what it says."""

from collections.abc import Awaitable, Callable

from rich.table import Table
from rich.text import Text

from clients import paint
from clients.cli import definitions
from clients.cli.daemon import connected
from clients.cli.options import Setup
from clients.view.routines import next_text, routine_facts, when_text
from clients.view.words import stamp_text
from cutroom_sdk.client import Client
from cutroom_sdk.errors import SdkError
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.problems import DONE
from cutroom_sdk.wire.routines import Routine, RoutineRun


async def one(setup: Setup, ask: Callable[[Client], Awaitable[Routine]]) -> int:
    """Ask for a routine and show it."""
    async with connected(setup, start=True) as (client, _):
        routine = await ask(client)
    if setup.json:
        setup.document(routine)
    else:
        setup.result().print(paint.facts_table(routine_facts(routine)))
    return DONE


async def every(setup: Setup) -> int:
    """Show all routines."""
    async with connected(setup, start=True) as (client, _):
        found = await client.routines()
    if setup.json:
        setup.document({"items": to_builtins(found)})
    elif found:
        table = Table.grid(padding=(0, 2))
        for one in found:
            table.add_row(
                Text(one.routine_id, "bold"),
                one.status,
                Text(one.name),
                Text(when_text(one)),
                Text(next_text(one), "dim"),
            )
        setup.result().print(table)
    else:
        setup.talk().print(
            "there are no routines; 'cutroom routine load' makes drafts of those that come along"
        )
    return DONE


async def runs(setup: Setup, ask: Callable[[Client], Awaitable[list[RoutineRun]]]) -> int:
    """Ask for runs and show them."""
    async with connected(setup, start=True) as (client, _):
        found = await ask(client)
    if setup.json:
        setup.document({"items": to_builtins(found)})
    elif found:
        table = Table.grid(padding=(0, 2))
        for one in found:
            table.add_row(
                Text(stamp_text(one.due_at_ms, None)),
                one.trigger,
                one.status,
                one.run_id,
                Text(one.reason or "", "dim"),
            )
        setup.result().print(table)
    else:
        setup.talk().print("there are no runs")
    return DONE


async def following(setup: Setup, routine: str, count: int) -> int:
    """Show when a routine comes due next."""
    async with connected(setup, start=True) as (client, _):
        found = await client.routine_next(routine, count=count)
    if setup.json:
        setup.document({"items": found})
    else:
        for at in found:
            setup.result().print(stamp_text(at, None))
    return DONE


async def load(setup: Setup, names: list[str], args: list[str]) -> int:
    """Make drafts of definitions, and bring drafts up to them."""
    asked = [definitions.read(path, args) for path in definitions.chosen(names)]
    items = []
    async with connected(setup, start=True) as (client, _):
        for one in asked:
            assert one.routine_id is not None, "a file has a name"
            try:
                routine = await client.routine(one.routine_id)
            except SdkError as error:
                if error.code != "routine_not_found":
                    raise
                await client.create_routine(one)
                items.append({"routine_id": one.routine_id, "outcome": "created"})
                continue
            change = definitions.change(one, routine)
            outcome = "unchanged" if not change else "changed" if routine.status == "draft" else "left"
            if outcome == "changed":
                await client.change_routine(one.routine_id, change)
            items.append({"routine_id": one.routine_id, "outcome": outcome})
    if setup.json:
        setup.document({"items": items})
    for item in [] if setup.json else items:
        why = (
            "; it is not a draft any more: 'cutroom routine edit' changes it"
            if item["outcome"] == "left"
            else ""
        )
        setup.result().print(f"{item['routine_id']}: {item['outcome']}{why}")
    return DONE
