"""Policy from the command line: what would become of a call of a tool, and by which rule."""

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from clients import paint
from clients.cli.daemon import connected
from clients.cli.options import CommandError, Json, Setup, StateDir, Url, Verbose, of
from cutroom_sdk.wire.policy import SimulateRequest
from cutroom_sdk.wire.problems import DONE

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Say what tools may do, for whom, and by which rule."
)


@app.command("simulate")
def policy_simulate(
    ctx: typer.Context,
    tool: Annotated[str, typer.Argument(help="The tool, such as http_request.")],
    args: Annotated[str, typer.Argument(help="Its arguments, as JSON.")] = "{}",
    actor: Annotated[str | None, typer.Option(help="For a mission of this actor; else of yours.")] = None,
    routine: Annotated[str | None, typer.Option(help="For a run of this routine.")] = None,
    mission: Annotated[str | None, typer.Option(help="For this mission, by its id.")] = None,
    capabilities: Annotated[
        str | None,
        typer.Option(help="What the actor gives to the mission, with commas; else what the tool needs."),
    ] = None,
    state_folder: StateDir = None,
    url: Url = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say what would become of a call: run, pending_approval or blocked_policy. Nothing is called.

    Example: cutroom policy simulate http_request '{"url": "https://hooks.example/"}' --routine weekly
    """
    setup = of(ctx, state_folder, url, json, verbose)
    asked = SimulateRequest(
        tool=tool,
        args=_arguments(args),
        actor=actor,
        routine_id=routine,
        mission_id=mission,
        capabilities=None if capabilities is None else tuple(filter(None, capabilities.split(","))),
    )
    raise typer.Exit(asyncio.run(_simulate(setup, asked)))


def _arguments(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CommandError(f"the arguments are no JSON object: {error}") from None


async def _simulate(setup: Setup, asked: SimulateRequest) -> int:
    async with connected(setup, start=True) as (client, _):
        told = await client.simulate_policy(asked)
    if setup.json:
        setup.document(told)
        return DONE
    facts = [
        ("decision", told.decision),
        ("rule", told.rule),
        ("because", told.reason),
        ("effect", told.effect),
        ("to", ", ".join(told.targets)),
    ]
    setup.result().print(paint.facts_table(facts))
    return DONE
