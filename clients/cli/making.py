"""Making missions from the command line: from a file or a template, told before they are made, followed to their end."""

import difflib
import tomllib
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.markup import escape
from rich.table import Table

from clients import paint
from clients.cli.daemon import connected
from clients.cli.live import Steps
from clients.cli.look import the_mission
from clients.cli.options import CommandError, Setup
from clients.cli.outcomes import exit_code
from clients.view import find
from clients.view.words import count_text, length_text
from cutroom_sdk.client import Client
from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.mission_events import PostRunFinished
from cutroom_sdk.wire.missions import Mission, MissionPreview, MissionRequest, Priority, TemplateArgument
from cutroom_sdk.wire.problems import DONE, NOT_FOUND, USAGE

EXTERNAL: Final = "effects:external"  # with it, what leaves this machine asks nobody


def request(
    file: Path | None, template: str | None, args: list[str], *, start: bool, priority: Priority | None = None
) -> MissionRequest:
    """Return what is to be asked for.

    Raises:
        CommandError: the file cannot be read, or an argument is not name=value.
    """
    if file is None:
        return MissionRequest(
            template=template, args=_arguments(args), start=start, priority=priority or "normal"
        )
    if args:
        raise CommandError("--arg goes with --template", USAGE)
    try:
        content = file.read_text()
        read: Any = tomllib.loads(content) if file.suffix == ".toml" else msgspec.json.decode(content)
        asked = convert(read, MissionRequest)
    except FileNotFoundError:
        raise CommandError(f"there is no file {file}", NOT_FOUND) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.MsgspecError) as error:
        raise CommandError(f"{file} is no mission: {error}", USAGE) from error
    return msgspec.structs.replace(asked, start=asked.start or start, priority=priority or asked.priority)


def _arguments(given: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise CommandError(f"--arg takes name=value, not {one!r}", USAGE)
        known = found.get(name)
        found[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return found


async def _fitting(client: Client, asked: MissionRequest) -> MissionRequest:
    """Make lists of single values where the template takes several."""
    if asked.template is None:
        return asked
    there = {one.template: one for one in await client.mission_templates()}
    template = there.get(asked.template)
    if template is None:
        near = difflib.get_close_matches(asked.template, there, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(there))}"
        raise CommandError(f"there is no template {asked.template}; {hint}", USAGE)
    args = {name: _fitted(template.args.get(name), value) for name, value in asked.args.items()}
    return msgspec.structs.replace(asked, args=args)


def _fitted(argument: TemplateArgument | None, value: Any) -> Any:
    """Return a list where one is wanted, an object, and footage named from the root: the daemon stands elsewhere."""
    if argument is not None and argument.type == "settings":
        return settings_from(value) if isinstance(value, str) else value
    if argument is None or argument.type not in ("texts", "footage"):
        return value
    values = [value] if isinstance(value, str) else value
    if argument.type == "texts":
        return values
    return [one if one.startswith("asset/") else str(Path(one).expanduser().absolute()) for one in values]


def settings_from(text: str) -> Any:
    """Read settings: a JSON object, or the name of a file that holds one.

    Raises:
        CommandError: neither.
    """
    try:
        content = text if text.lstrip().startswith("{") else Path(text).expanduser().read_text("utf-8")
        return msgspec.json.decode(content)
    except OSError as error:
        raise CommandError(f"{text} cannot be read: {error.strerror}", USAGE) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{text[:60]!r} is not JSON: {error}", USAGE) from error


async def create(setup: Setup, asked: MissionRequest, *, follow: bool) -> int:
    """Make the mission and say what it is; with `follow`, stay until it is over."""
    async with connected(setup, start=True) as (client, _):
        mission = await client.create_mission(await _fitting(client, asked))
        if follow:
            return await _follow(setup, client, mission)
    if setup.json:
        setup.document(mission)
    else:
        setup.result().print(f"{mission.mission_id} is {mission.status}: {escape(mission.title)}")
        setup.talk().print(f"[dim]{setup.command(f'mission follow {mission.mission_id}')}[/]")
    return DONE


async def show_preview(setup: Setup, asked: MissionRequest) -> int:
    """Print what the mission would do."""
    async with connected(setup, start=True) as (client, _):
        told = await client.preview_mission(await _fitting(client, asked))
    if setup.json:
        setup.document(told)
        return DONE
    console = setup.result()
    console.print(escape(told.title), style="bold")
    console.print(preview_table(told))
    whole = "not known yet" if told.estimate_s is None else f"about {length_text(told.estimate_s)}"
    leaves = 0 if EXTERNAL in told.capabilities else sum(item.effect == "external" for item in told.items)
    questions = told.questions + leaves
    facts = [
        ("takes", f"{whole}, without the time that people take"),
        ("asks", count_text(questions, "time") if questions else "nobody"),
        ("may", ", ".join(told.capabilities) or "do nothing by itself"),
    ]
    console.print(paint.facts_table(facts))
    return DONE


def preview_table(told: MissionPreview) -> Table:
    """Return the items of a mission that has not been made, one a row."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("item", "does", "after", "reaches", "asks", "takes"):
        table.add_column(name, overflow="fold")
    for item in told.items:
        asks = [
            f"{gate}: {who}" for gate, who in (("review", item.review), ("test", item.test)) if who != "none"
        ]
        if item.effect == "external" and EXTERNAL not in told.capabilities:
            asks.append("leave: human")
        reaches = "; ".join(item.touches) or {"none": "nothing", "manual": "a person's work"}.get(
            item.effect, item.effect
        )
        takes = (
            "" if item.estimate_s is None else f"{length_text(item.estimate_s)} ({item.estimated_from} runs)"
        )
        table.add_row(
            escape(item.title),
            item.kind,
            ", ".join(item.depends_on),
            escape(reaches),
            ", ".join(asks),
            takes or "not known",
        )
    return table


async def list_templates(setup: Setup) -> int:
    """Print the templates and their arguments."""
    async with connected(setup, start=True) as (client, _):
        found = await client.mission_templates()
    if setup.json:
        setup.document({"items": to_builtins(found)})
        return DONE
    console = setup.result()
    for template in found:
        console.print(f"[bold]{escape(template.template)}[/]  {escape(template.title)}")
        for name, argument in template.args.items():
            must = "must be given" if argument.default is None else f"default {argument.default!r}"
            console.print(f"  {escape(name)}: {escape(argument.help)} [dim]({escape(must)})[/]")
    return DONE


async def follow(setup: Setup, mission_id: str) -> int:
    """Stay with a mission until it is over; the exit code says how it ended."""
    async with connected(setup, start=True) as (client, _):
        return await _follow(setup, client, await the_mission(client, mission_id))


async def _follow(setup: Setup, client: Client, mission: Mission) -> int:
    replica = Replica(partial(client.resource_stream, prefixes=find.SHOWN))
    async with replica.following():
        told = -1
        with Steps(setup.talk()) as steps:
            while True:
                found = find.mission(replica.shelf, mission.mission_id) or mission
                if setup.json and found.version != told:
                    setup.document(found)
                told = found.version
                steps.show(replica.shelf, found, "" if replica.connection == "live" else replica.reason)
                if found.status in find.OVER:
                    break
                await replica.changed()
        if not setup.json:
            setup.result().print(f"{found.mission_id} {found.status}{_because(found)}")
        return exit_code(replica.shelf, found)


def _because(mission: Mission) -> str:
    reason = mission.failure.detail if mission.failure else mission.reason
    return f": {escape(reason)}" if reason else ""


async def report(setup: Setup, mission_id: str, item: str, failed: str | None, made: tuple[str, ...]) -> int:
    """Tell the mission how work by hand has ended."""
    async with connected(setup, start=True) as (client, _):
        mission = await the_mission(client, mission_id)
        found = next((one for one in mission.work_items if one.work_item_id == item), None)
        if found is None or found.current_run_id is None:
            what = "has not begun" if found else "is not an item of this mission"
            raise CommandError(
                f"{item} {what}; '{setup.command(f'mission show {mission.mission_id}')}'", NOT_FOUND
            )
        event = PostRunFinished(
            work_item_id=item,
            run_id=found.current_run_id,
            status="succeeded" if failed is None else "failed",
            artifact_refs=made,
            reason=failed or "",
        )
        after = await client.tell_mission(mission.mission_id, event)
    if setup.json:
        setup.document(after)
    else:
        status = next(one.status for one in after.work_items if one.work_item_id == item)
        setup.result().print(f"{item} is {status}, the mission is {after.status}")
    return DONE
