"""The terminal screen: missions, what they are at, what waits for somebody, the log. Fed by the streams alone.

Nothing is changed here that the daemon has not accepted: a key sends a proposal, and what is seen changes when the
stream says so.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, OptionList, RichLog, Static, TabbedContent, TabPane

from clients.clock import now_ms
from clients.tui import drawing
from clients.tui.dialogs import AskReason, Confirm, Keys
from clients.tui.panes import Laid, MissionList
from clients.view import find, rows
from clients.view.actions import Action, action, actions
from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address
from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.replica import BACKOFF_S, Connection, Replica
from cutroom_sdk.shelf import Batch
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.missions import (
    Mission,
    PostCanceled,
    PostedEvent,
    PostPaused,
    PostResumed,
    PostStarted,
)

DRAW_EVERY_S: Final = (
    0.05  # twenty pictures a second are enough; what comes in between is drawn with the next
)
AGES_EVERY_S: Final = 10.0
LOG_TAIL: Final = 200
LOG_LINES_MAX: Final = 2000
WIDE: Final = 110
TABS: Final = ("items", "plan", "checks", "requests", "activity")

NO_MISSIONS: Final = (
    "Nothing here yet. Begin in another terminal:\n\n"
    '  cutroom edit talk.mp4 --goal "a 30 second highlight" --profile reels\n\n'
    "What it does shows up here by itself."
)
NO_PLAN: Final = "No plan yet. It comes after the footage was looked at, with a reason for each cut."
PLAN_APART: Final = (
    "This plan is too long to be listed here; the receipt beside the finished file holds its cuts."
)
NO_CHECKS: Final = "No checks yet. They are made when a render is done."
NO_REQUESTS: Final = (
    "Nothing waits for you. A plan that is to be reviewed shows up here; a approves, d denies."
)


class StudioScreen(App[None]):
    """The application. `client` is used by nobody else while it runs."""

    TITLE = "Cutroom"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
    COMMAND_PALETTE_BINDING = "ctrl+k"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(one.key, f"act('{one.id}')", one.title, tooltip=one.help) for one in actions()),
        *(
            Binding(str(number), f"tab('{name}')", name.capitalize(), show=False)
            for number, name in enumerate(TABS, start=1)
        ),
        Binding("colon", "command_palette", "Palette", show=False),
        Binding("question_mark", "keys", "Keys"),
        Binding("t", "light", "Light or dark", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._dirty = asyncio.Event()
        self.replica = Replica(
            partial(client.resource_stream, prefixes=find.SHOWN),
            on_batch=self._on_batch,
            on_connection=self._on_connection,
            on_fresh=self._on_fresh,
        )

    def compose(self) -> ComposeResult:
        """Lay the screen out: the missions, and what is to know about the selected one."""
        yield Static(id="head")
        with Container(id="body"):
            yield MissionList()
            with Vertical(id="detail"):
                yield Laid("", id="waiting")
                with TabbedContent(initial="items"):
                    for number, (name, empty) in enumerate(
                        (
                            ("items", NO_MISSIONS),
                            ("plan", NO_PLAN),
                            ("checks", NO_CHECKS),
                            ("requests", NO_REQUESTS),
                        ),
                        start=1,
                    ):
                        with TabPane(f"{number} {name.capitalize()}", id=name), VerticalScroll():
                            yield Laid(empty, id=f"{name}-text")
                    with TabPane("5 Activity", id="activity"):
                        yield RichLog(id="log", max_lines=LOG_LINES_MAX, wrap=True, min_width=20)
        yield Footer()

    def on_mount(self) -> None:
        """Begin to follow the daemon."""
        self.query_one(MissionList).focus()
        self.run_worker(self._follow(), name="replica")
        self.run_worker(self._follow_log(), name="log")
        self.run_worker(self._keep_drawing(), name="drawing")
        self.set_interval(AGES_EVERY_S, self._dirty.set)
        self._draw()

    # What comes in.
    async def _follow(self) -> None:
        try:
            await self.replica.run()
        except SdkError as error:
            self.notify(error.detail, title="The daemon refuses", severity="error", timeout=60)

    def _on_batch(self, batch: Batch) -> None:
        self._dirty.set()

    def _on_connection(self, connection: Connection, reason: str) -> None:
        self._dirty.set()

    def _on_fresh(self, code: str) -> None:
        self.notify(
            "The log no longer reaches back that far; everything was fetched anew", severity="warning"
        )

    async def _keep_drawing(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self._draw()
            await asyncio.sleep(DRAW_EVERY_S)

    async def _follow_log(self) -> None:
        """Write the newest entries of the log, then what comes, across losses of the daemon."""
        after, failures = -1, 0
        while True:
            try:
                if after < 0:
                    after = max(0, (await self._client.log(limit=1)).position - LOG_TAIL)
                async with contextlib.aclosing(self._client.follow_log(after)) as events:
                    async for event in events:
                        after, failures = event.position, 0
                        zone = datetime.fromtimestamp(event.at_ms / 1000).astimezone().tzinfo
                        assert zone is not None
                        line = drawing.log_line(rows.log_row(event, zone))
                        self.query_one(RichLog).write(line)
            except Unreachable:
                pass  # the head of the screen says so
            except SdkError as error:
                if error.code not in ("compacted", "position_ahead"):
                    self.notify(error.detail, severity="error")
                    return
                # The log begins later than its tail reaches back: from there. Another log altogether: its own tail.
                after = int(error.extra.get("oldest", -1))
            failures += 1
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])

    # What is seen.
    @property
    def mission(self) -> Mission | None:
        """The selected mission."""
        selected = self.query_one(MissionList).selected
        return find.mission(self.replica.shelf, selected) if selected else None

    def _draw(self) -> None:
        shelf, at_ms = self.replica.shelf, now_ms()
        self.query_one(MissionList).show(rows.mission_rows(shelf, at_ms))
        self._draw_head()
        self._draw_detail()
        self.refresh_bindings()
        waiting = rows.approval_rows(shelf, at_ms)
        self._lay("requests", (lambda width: drawing.approvals(waiting, width)) if waiting else None)

    def _draw_head(self) -> None:
        shelf = self.replica.shelf
        every, waiting = find.missions(shelf), find.pending(shelf)
        running = sum(1 for mission in every if mission.status == "running")
        counts = (
            f"  {len(every)} {'mission' if len(every) == 1 else 'missions'}, {running} running"
            if every
            else ""
        )
        needs = f"  {len(waiting)} to decide" if waiting else ""
        head = Content.assemble(
            ("Cutroom  ", "bold"),
            drawing.connection_text(self.replica.connection, self.replica.reason),
            (counts, drawing.MUTED),
            (needs, drawing.STYLES["waiting"]),
        )
        self.query_one("#head", Static).update(head)

    def _draw_detail(self) -> None:
        mission = self.mission
        if mission is None:
            for name in ("items", "plan", "checks"):
                self._lay(name, None)
            self._draw_waiting(None)
            return
        shelf, refs = self.replica.shelf, find.refs(mission)
        self._lay("items", lambda width: _overview(self.replica, mission, width))
        plan = find.plan(shelf, refs)
        kept = [*rows.cut_rows(plan), *rows.removed_rows(plan)] if plan else []
        if plan is None and find.plan_ref(shelf, refs):
            self._lay("plan", lambda width: Content("\n").join(Content(PLAN_APART).wrap(width)))
        else:
            self._lay("plan", (lambda width: drawing.cuts(kept, width)) if kept else None)
        checks = rows.check_rows(find.checks(shelf, mission))
        self._lay("checks", (lambda width: drawing.checks(checks, width)) if checks else None)
        self._draw_waiting(mission)

    def _draw_waiting(self, mission: Mission | None) -> None:
        waiting = find.pending(self.replica.shelf, mission.mission_id) if mission else []
        strip = self.query_one("#waiting", Laid)
        strip.set_class(bool(waiting), "shown")
        strip.show((lambda width: _request(waiting[0], width)) if waiting else None)

    def _lay(self, name: str, draw: Callable[[int], Content] | None) -> None:
        self.query_one(f"#{name}-text", Laid).show(draw)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another mission was selected."""
        self._draw_detail()
        self.refresh_bindings()

    # What is done.
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show an action's key only where it can be used."""
        if action != "act" or not self.query(MissionList):
            return True
        return True if not self._refusal(_named(str(parameters[0]))) else None

    def _refusal(self, chosen: Action) -> str:
        if chosen.applies_to == "approval":
            return chosen.refusal("pending" if self._approval() else None)
        mission = self.mission
        return chosen.refusal(mission.status if mission else None)

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing now: its binding is off, so that the footer shows it dimmed."""
        if isinstance(self.screen, ModalScreen):
            return
        for one in actions():
            if one.key == event.key and (refusal := self._refusal(one)):
                self.notify(refusal, severity="warning")

    def _approval(self) -> Approval | None:
        """Return what the selected mission waits for."""
        mission = self.mission
        waiting = find.pending(self.replica.shelf, mission.mission_id) if mission else []
        return waiting[0] if waiting else None

    def action_act(self, name: str) -> None:
        """Carry an action of the table out on what is selected."""
        chosen = _named(name)
        if refusal := self._refusal(chosen):
            self.notify(refusal, severity="warning")
            return
        if chosen.fields:
            question = AskReason(f"{chosen.title}: what is wrong with it?", "the next attempt is told")
            self.push_screen(question, lambda reason: self._send(chosen, reason))
        elif chosen.confirm:
            self.push_screen(
                Confirm(f"{chosen.title}: {chosen.help}?"),
                lambda sure: self._send(chosen, "" if sure else None),
            )
        else:
            self._send(chosen, "")

    def _send(self, chosen: Action, reason: str | None) -> None:
        """Send what was decided; None: it was called off."""
        if reason is not None:
            self.run_worker(self._carry_out(chosen, reason), name=chosen.id)

    async def _carry_out(self, chosen: Action, reason: str) -> None:
        mission, approval = self.mission, self._approval()
        try:
            if chosen.applies_to == "approval" and approval is not None:
                await self._decide(chosen, approval, reason)
            elif mission is not None:
                await self._client.tell_mission(mission.mission_id, _event(chosen, mission, reason))
        except SdkError as error:
            self.notify(error.detail, title=f"{chosen.title} was refused", severity="error", timeout=15)
            return
        self.notify(f"{chosen.title}: done")

    async def _decide(self, chosen: Action, approval: Approval, reason: str) -> None:
        if chosen.id == "approve":
            await self._client.approve(approval, reason=reason)
        else:
            await self._client.deny(approval, reason=reason or "another proposal, please")

    def action_tab(self, name: str) -> None:
        """Show another part of the mission."""
        self.query_one(TabbedContent).active = name

    def action_light(self) -> None:
        """Change between dark and light."""
        self.theme = "textual-light" if self.theme == "textual-dark" else "textual-dark"

    def action_keys(self) -> None:
        """Show what the keys do."""
        self.push_screen(Keys(_keys()))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Fill the palette: the actions that can be used now, the parts of the screen, the rest."""
        for one in actions():
            if not self._refusal(one):
                yield SystemCommand(one.title, one.help, _later(self.action_act, one.id))
        for name in TABS:
            yield SystemCommand(
                f"Show {name}", f"the part {name} of the selected mission", _later(self.action_tab, name)
            )
        yield SystemCommand("Light or dark", "change the colours", self.action_light)
        yield SystemCommand("Keys", "what the keys do", self.action_keys)
        yield SystemCommand("Quit", "the daemon and its work go on", self.exit)


def _overview(replica: Replica, mission: Mission, width: int) -> Content:
    shelf = replica.shelf
    parts = [drawing.items(rows.item_rows(shelf, mission), width)]
    for item in mission.work_items:
        detail = find.detail(shelf, mission.mission_id, item.work_item_id)
        if detail and (len(detail.attempts) > 1 or item.status in ("rework", "failed")):
            attempts = "\n".join(rows.attempt_lines(detail))
            parts.append(Content.assemble((f"\n{item.title}\n", "bold"), (attempts, drawing.MUTED)))
    if mission.failure is not None:
        parts.append(Content.assemble("\n", (mission.failure.detail, drawing.STYLES["bad"])))
    files = mission.summary.files if mission.summary else ()
    if files:
        parts.append(Content.assemble(("\nFiles\n", "bold"), "\n".join(file.path for file in files)))
    parts.append(Content.assemble((f"\ncutroom show {mission.mission_id}", drawing.MUTED)))
    return Content("\n").join(parts)


def _request(approval: Approval, width: int) -> Content:
    gate = approval.subject.gate or "decision"
    lead = Content.assemble((f"{gate.capitalize()} ", "bold"), "a: approve   d: deny   2: see the plan")
    return Content("\n").join([lead, *Content(approval.summary).wrap(max(width, 20))[:3]])


def _event(chosen: Action, mission: Mission, reason: str) -> PostedEvent:
    match chosen.id:
        case "pause":
            return PostPaused(reason=reason)
        case "resume":
            return PostStarted() if mission.status == "draft" else PostResumed()
        case _:
            return PostCanceled(reason=reason)


def _named(name: str) -> Action:
    return action(name)


def _keys() -> list[tuple[str, str]]:
    table = [(one.key, one.help) for one in actions()]
    tabs = [(str(number), f"show {name}") for number, name in enumerate(TABS, start=1)]
    others = [
        ("up, down", "another mission"),
        ("tab", "the next part of the screen"),
        ("ctrl-k, :", "the palette: everything by name"),
        ("t", "light or dark"),
        ("?", "these keys"),
        ("q", "quit; the daemon and its work go on"),
    ]
    return [*table, *tabs, *others]


def _later(call: Callable[[str], None], argument: str) -> Callable[[], None]:
    return lambda: call(argument)


async def run(locate: Callable[[], Address | None]) -> None:
    """Show the screen until it is left."""
    async with Client(locate) as client:
        await StudioScreen(client).run_async()


def run_screen(locate: Callable[[], Address | None]) -> None:
    """Show the screen until it is left; `locate` gives the daemon's address."""
    asyncio.run(run(locate))
