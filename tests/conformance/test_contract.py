"""One contract, four ways to it: what is written in scenarios.json holds for each client and for bare requests."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from cutroom_sdk.wire.resources import Operation
from engine.features import AGGREGATES
from engine.kernel.clock import SystemClock
from engine.kernel.context import engine_context
from engine.kernel.kernel import Kernel
from tests.conformance.drivers import AsyncPython, Driver, Step, SyncPython
from tests.conformance.raw import RawHttp
from tests.conformance.typescript import TypeScript
from tests.daemons import Daemon
from tests.kernel_kit import put, write

SCENARIOS: Final[list[dict[str, Any]]] = json.loads(Path(__file__).with_name("scenarios.json").read_text())
DRIVERS: Final[dict[str, type[Driver]]] = {
    "http": RawHttp,
    "python": AsyncPython,
    "python-sync": SyncPython,
    "typescript": TypeScript,
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("contract") / "state"
    folder.mkdir(mode=0o700)
    running = Daemon(folder)
    running.start()
    yield running
    running.stop()


@pytest.fixture(params=sorted(DRIVERS))
async def driver(daemon: Daemon, request: pytest.FixtureRequest) -> AsyncIterator[Driver]:
    async with DRIVERS[request.param](daemon.folder) as found:
        yield found


class Play:
    """A scenario under way: what steps have given so far, by name."""

    def __init__(self, name: str) -> None:
        self.given: dict[str, Any] = {"here": f"project/{name}", "name": name}

    def filled(self, value: Any) -> Any:
        """A step, with what was given before in its places."""
        match value:
            case dict():
                return {self.filled(name): self.filled(one) for name, one in value.items()}
            case list():
                return [self.filled(one) for one in value]
            case str() if value.startswith("$") and value[1:] not in ("int", "text") and "/" not in value:
                return self._named(value[1:])
            case str():
                return value.replace("$here", self.given["here"]).replace("$name", self.given["name"])
        return value

    def _named(self, path: str) -> Any:
        found: Any = self.given
        for part in path.split("."):
            found = found[part]
        return found


def fits(found: Any, wanted: Any, where: str = "") -> None:
    """Check what came against what was to come: objects may have more fields, lists have just these items."""
    match wanted:
        case "$int":
            assert isinstance(found, int), where
        case "$text":
            assert isinstance(found, str), where
            assert found, where
        case dict():
            assert isinstance(found, dict), f"{where}: {found}"
            for name, one in wanted.items():
                assert name in found, f"{where}: no {name} in {found}"
                fits(found[name], one, f"{where}.{name}")
        case list():
            assert isinstance(found, list), where
            assert len(found) == len(wanted), f"{where}: {found}"
            for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
                fits(one, other, f"{where}[{number}]")
        case _:
            assert found == wanted, where


async def _upkeep(what: str, daemon: Daemon, gone: str) -> None:
    """What a person does to the daemon and its files; `gone` is deleted before a log is compacted."""
    copy = daemon.folder.parent / "backup.sqlite3"
    if what == "backup":
        async with daemon.client() as studio, studio.backup() as answer:
            copy.write_bytes(await answer.aread())
        return
    await asyncio.to_thread(daemon.kill)
    if what in ("restore", "overtake"):
        command = ("-m", "engine.maintenance", "--state-dir", str(daemon.folder), "restore", str(copy))
        process = await asyncio.create_subprocess_exec(sys.executable, *command, env=daemon.environment)
        assert await process.wait() == 0
    if what in ("overtake", "compact"):
        await _go_on_apart(daemon.folder, *([Operation(op="delete", key=gone)] if gone else []))
    await asyncio.to_thread(daemon.start)


async def _go_on_apart(folder: Path, *changes: Operation) -> None:
    """Have the log go on while no client can see it, further than any copy has come; after changes, compact it all."""
    kernel, context = await Kernel.open(folder, AGGREGATES, SystemClock()), engine_context("apart")
    async with kernel.writing():
        reactions = asyncio.create_task(kernel.reactions.run())
        for number in range(50):
            await write(kernel, put("project/apart", number), context=context)
        if changes:
            await write(kernel, *changes, context=context)
            told = await kernel.compactor.compact(kernel.dispatch.head + 1, context)
            assert told.held_by is None
        reactions.cancel()
        await asyncio.gather(reactions, return_exceptions=True)
        await kernel.reactions.keep_place()


async def perform(step: Step, driver: Driver, daemon: Daemon, play: Play) -> None:
    if step["do"] in ("restart", "backup", "restore", "overtake", "compact"):
        await _upkeep(step["do"], daemon, play.filled(step.get("deletes", "")))
        return
    expected = {"answer": step["gives"]} if "gives" in step else {"problem": step["refuses"]}
    asked = {name: one for name, one in step.items() if name not in ("again", "as", "gives", "refuses")}
    outcome = await driver.do(play.filled(asked))
    if step.get("again") and outcome.get("problem", {}).get("status") == 0:
        # Nobody was there where the daemon has been; the client looks for it anew, and the key makes it one write.
        outcome = await driver.do(play.filled(asked))
    wanted = play.filled(expected)
    fits(outcome, wanted, step["do"])
    if step["do"] == "held":
        assert outcome == wanted, "a copy holds nothing else"
    if "as" in step:
        play.given[step["as"]] = outcome["answer"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one["name"].replace(" ", "-"))
async def test_the_contract_holds(driver: Driver, daemon: Daemon, scenario: dict[str, Any]) -> None:
    number = SCENARIOS.index(scenario)
    play = Play(f"{type(driver).__name__.lower()}-{number}")
    for step in scenario["steps"]:
        await perform(step, driver, daemon, play)
