"""What the commands of routines do: ask the daemon, and show what it says."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from rich.table import Table
from rich.text import Text

from clients import paint
from clients.cli import definitions
from clients.cli.daemon import connected
from clients.cli.options import Setup
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
        setup.result().print(paint.facts_table(_facts(routine)))
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
                Text(_when(one)),
                Text(_next_text(one), "dim"),
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
                Text(_time_text(one.due_at_ms)),
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
            setup.result().print(_time_text(at))
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


def _facts(routine: Routine) -> list[tuple[str, str]]:
    entry = routine.entrypoint
    return [
        ("routine", f"{routine.routine_id}: {routine.name}"),
        ("status", routine.status),
        ("fires", _when(routine)),
        ("next", _next_text(routine)),
        ("missed ticks", routine.misfire.policy),
        ("overlap", routine.overlap),
        ("does", f"mission {entry.mission}" if entry.mission else f"tool {entry.tool}"),
        ("tools", ", ".join(routine.allowed_tools)),
        ("results to", ", ".join(routine.output_targets) or "anywhere its tools allow"),
        ("external effects", _effects(routine)),
        ("runs", f"{routine.runs}, {routine.missed} ticks missed"),
        ("made by", routine.creator),
    ]


def _effects(routine: Routine) -> str:
    if not routine.external_effects_allowed:
        return "none"
    return "after approval" if routine.requires_approval else "without asking"


def _when(routine: Routine) -> str:
    found = []
    schedule = routine.schedule
    if schedule is not None and schedule.cron is not None:
        found.append(f"{schedule.cron} ({schedule.timezone or 'UTC'})")
    elif schedule is not None and schedule.every_ms is not None:
        found.append(f"every {timedelta(milliseconds=schedule.every_ms)}")
    elif schedule is not None and schedule.at_ms is not None:
        found.append(f"at {_time_text(schedule.at_ms)}")
    if routine.watch is not None:
        found.append(f"for each {routine.watch.pattern} in {routine.watch.folder}")
    if routine.chain is not None:
        found.append(f"after {routine.chain.routine_id or routine.chain.template}")
    return ", ".join(found)


def _next_text(routine: Routine) -> str:
    return "" if routine.next_fire_at_ms is None else _time_text(routine.next_fire_at_ms)


def _time_text(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000).astimezone().strftime("%a %Y-%m-%d %H:%M:%S %Z")
