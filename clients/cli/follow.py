"""Following one mission to its end: what is drawn, what is asked, what Ctrl-C and a lost daemon do."""

import asyncio
from typing import Final, NamedTuple

from rich.markup import escape

from clients.cli import terminal
from clients.cli.daemon import Started
from clients.cli.live import Steps
from clients.cli.options import CommandError, Setup
from clients.cli.review import review, show_plan
from clients.cli.revival import Revival
from clients.view import find
from cutroom_sdk.client import Client
from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.replica import Replica
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact
from cutroom_sdk.wire.mission_events import PostCanceled
from cutroom_sdk.wire.missions import Mission
from cutroom_sdk.wire.problems import UNAVAILABLE

CANCEL_S: Final = 10.0
TICK_S: Final = 0.5
OVERTAKEN: Final = frozenset({"approval_not_pending", "version_conflict", "event_rejected"})


class Outcome(NamedTuple):
    """How the following ended. `interrupted`: by Ctrl-C or `q`, which canceled the mission."""

    mission: Mission
    interrupted: bool


class Follow:
    """One mission, seen through a replica, until it is over."""

    def __init__(
        self,
        setup: Setup,
        client: Client,
        replica: Replica,
        started: Started | None,
        mission_id: str,
        stop: asyncio.Event,
    ) -> None:
        self._setup = setup
        self._client = client
        self._replica = replica
        self._mission_id = mission_id
        self._stop = stop
        self._talk = setup.talk()
        self._steps = Steps(self._talk)
        self._plans: dict[str, CutPlan | None] = {}
        self._pointed_at: set[str] = set()
        self._revival = Revival(setup, client, replica, started, self._steps.pause)

    @property
    def shelf(self) -> Shelf:
        """What is known of the daemon's resources."""
        return self._replica.shelf

    @property
    def mission(self) -> Mission:
        """The mission as it is known now."""
        mission = find.mission(self.shelf, self._mission_id)
        assert mission is not None, "the replica began after the mission did"
        return mission

    async def to_the_end(self) -> Outcome:
        """Draw and ask until the mission is over, or somebody wants it to be.

        Raises:
            CommandError: the daemon is gone and does not come back.
        """
        with self._steps:
            while self.mission.status not in find.OVER:
                if self._stop.is_set():
                    await self._cancel()
                    return Outcome(self.mission, interrupted=True)
                self._steps.show(self.shelf, self.mission, await self._revival.trouble())
                waiting = find.pending(self.shelf, self._mission_id)
                if waiting and self._replica.connection == "live":
                    await self._decide(waiting[0])
                await self._wait()
            self._steps.show(self.shelf, self.mission)
        return Outcome(self.mission, interrupted=False)

    async def _wait(self) -> None:
        """Return after the next change, when the command is to stop, or after a moment."""
        changing = asyncio.create_task(self._replica.changed())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((changing, stopping), timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
            if changing.done():
                changing.result()
        finally:
            for task in (changing, stopping):
                task.cancel()
            await asyncio.gather(changing, stopping, return_exceptions=True)

    async def _decide(self, approval: Approval) -> None:
        if approval.approval_id in self._pointed_at:
            return
        plan = await self._plan_among(approval.artifact_refs)
        if not terminal.interactive():
            self._point_at(approval, plan)
            return
        self._steps.pause()
        asking = asyncio.ensure_future(self._ask(approval, plan))
        elsewhere = asyncio.ensure_future(self._decided_elsewhere(approval))
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((asking, elsewhere, stopping), return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                asking.result()
            elif elsewhere.done():
                self._talk.print("\n[yellow]somebody else has decided[/]")
        finally:
            for task in (asking, elsewhere, stopping):
                task.cancel()
            await asyncio.gather(asking, elsewhere, stopping, return_exceptions=True)

    def _point_at(self, approval: Approval, plan: CutPlan | None) -> None:
        """There is nobody here to ask: say where the decision can be made, once."""
        self._pointed_at.add(approval.approval_id)
        self._steps.pause()
        if plan is not None:
            show_plan(self._talk, plan)
        self._talk.print(
            f"waiting for a decision: 'cutroom approval approve {approval.approval_id}',"
            f" 'cutroom approval deny {approval.approval_id} --reason ...', or 'cutroom tui'"
        )

    async def _decided_elsewhere(self, approval: Approval) -> None:
        key = f"approval/{approval.approval_id}"

        def decided() -> bool | None:
            now = self.shelf.value(key, Approval)
            return True if now is None or now.state != "pending" else None

        await self._replica.until(decided)

    async def _ask(self, approval: Approval, plan: CutPlan | None) -> None:
        command = terminal.editor()

        async def edit(text: str) -> str | None:
            assert command is not None
            return await terminal.edit_text(text, command)

        verdict = await review(
            self._talk, plan, approval.summary, ask=terminal.ask_line, edit=edit if command else None
        )
        try:
            match verdict.answer:
                case "approve":
                    await self._client.approve(approval)
                case "deny":
                    amend = {"keep": to_builtins(verdict.keep)} if verdict.keep else {}
                    await self._client.deny(approval, reason=verdict.reason, amend=amend)
                case "quit":
                    self._stop.set()
                    return
        except SdkError as error:
            if error.code not in OVERTAKEN:
                raise
            self._talk.print(f"[yellow]{escape(error.detail)}[/]")
        await self._decided_elsewhere(approval)

    async def _cancel(self) -> None:
        """Cancel the mission and see it out; a daemon that is gone cannot be told, so say that."""
        self._steps.pause()
        self._talk.print("canceling")
        try:
            async with asyncio.timeout(CANCEL_S):
                await self._client.tell_mission(self._mission_id, PostCanceled(reason="interrupted"))
                await self._replica.until(lambda: self.mission.status in find.OVER or None)
        except Unreachable as error:
            raise CommandError(f"the mission could not be canceled: {error.detail}", UNAVAILABLE) from error
        except TimeoutError as error:
            raise CommandError(
                "the daemon does not answer; the mission may still run", UNAVAILABLE
            ) from error
        except SdkError as error:
            if error.code not in OVERTAKEN:
                raise

    async def plan(self) -> CutPlan | None:
        """Return the mission's newest cut plan, or None when it has none."""
        return await self._plan_among(find.refs(self.mission))

    async def _plan_among(self, refs: tuple[str, ...]) -> CutPlan | None:
        for ref in reversed(refs):
            if ref.startswith("artifact/") and ref not in self._plans:
                artifact = await self._client.artifact(ref.removeprefix("artifact/"))
                self._plans[ref] = await self._read_plan(artifact)
            if self._plans.get(ref) is not None:
                return self._plans[ref]
        return None

    async def _read_plan(self, artifact: Artifact) -> CutPlan | None:
        if artifact.kind != "cut_plan":
            return None
        return find.plan_of(artifact)
