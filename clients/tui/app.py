"""The terminal screen: what needs somebody, missions, routines, requests, the log. Fed by the streams alone.

Nothing is changed here that the daemon has not accepted: a key sends a proposal, and what is seen changes when the
stream says so.
"""

import asyncio
from collections.abc import Callable, Iterable
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
from clients.tui import details, drawing, keys
from clients.tui.acting import carry_out
from clients.tui.dialogs import AskReason, Confirm, Keys
from clients.tui.log import log_lines
from clients.tui.panes import Laid, RowList
from clients.view import find, rows
from clients.view.actions import Action, Subject, action, actions
from clients.view.lists import Target, list_rows, targets
from clients.view.screens import ScreenId, elsewhere, screen, screens
from clients.view.words import count_text
from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address
from cutroom_sdk.errors import SdkError
from cutroom_sdk.replica import Connection, Replica
from cutroom_sdk.shelf import Batch
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.missions import Mission, WorkItemDetail
from cutroom_sdk.wire.notices import Notice
from cutroom_sdk.wire.routines import Routine

DRAW_EVERY_S: Final = (
    0.05  # twenty pictures a second are enough; what comes in between is drawn with the next
)
AGES_EVERY_S: Final = 10.0
LOG_LINES_MAX: Final = 2000
WIDE: Final = 110
TICKS_SHOWN: Final = 5
SELDOM: Final = ("approve_all",)  # named where they are of use, so that the footer fits 80 columns

NO_PLAN: Final = "No plan yet. It comes after the footage was looked at, with a reason for each cut."
PLAN_APART: Final = (
    "This plan is too long to be listed here; the receipt beside the finished file holds its cuts."
)
NO_CHECKS: Final = "No checks yet. They are made when a render is done."


class StudioScreen(App[None]):
    """The application. `client` is used by nobody else while it runs."""

    TITLE = "Cutroom"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
    COMMAND_PALETTE_BINDING = "ctrl+k"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(one.key, f"act('{one.id}')", one.title, tooltip=one.help, show=one.id not in SELDOM)
            for one in actions()
        ),
        *(
            Binding(one.key, f"look('{one.id}')", one.title, tooltip=one.help, show=False)
            for one in screens()
        ),
        *(
            Binding(str(number), f"tab('{name}')", name.capitalize(), show=False)
            for number, name in enumerate(keys.TABS, start=1)
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
        self._shown: ScreenId = "missions"
        self._ticks: dict[tuple[str, int], tuple[int, ...]] = {}
        self.replica = Replica(
            partial(client.resource_stream, prefixes=find.STUDIO),
            on_batch=self._on_batch,
            on_connection=self._on_connection,
            on_fresh=self._on_fresh,
        )

    def compose(self) -> ComposeResult:
        """Lay the screen out: the missions, and what is to know about the selected one."""
        yield Static(id="head")
        with Container(id="body"):
            yield RowList()
            with Vertical(id="detail"):
                yield Laid("", id="waiting")
                with TabbedContent(initial="items"):
                    empty = (("items", screen("missions").empty), ("plan", NO_PLAN), ("checks", NO_CHECKS))
                    for number, (name, text) in enumerate(empty, start=1):
                        with TabPane(f"{number} {name.capitalize()}", id=name), VerticalScroll():
                            yield Laid(text, id=f"{name}-text")
                    with TabPane("4 Activity", id="activity"):
                        yield RichLog(id="log", max_lines=LOG_LINES_MAX, wrap=True, min_width=20)
                with VerticalScroll(id="other"):
                    yield Laid("", id="other-text")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to follow the daemon."""
        self.query_one(RowList).focus()
        self.run_worker(self._follow(), name="replica")
        self.run_worker(self._write_log(), name="log")
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

    async def _write_log(self) -> None:
        try:
            async for line in log_lines(self._client):
                self.query_one(RichLog).write(line)
        except SdkError as error:
            self.notify(error.detail, severity="error")

    # What is seen.
    @property
    def mission(self) -> Mission | None:
        """The mission that the cursor is on, None on other screens."""
        kind, _, name = (self.query_one(RowList).selected or "").partition("/")
        return find.mission(self.replica.shelf, name) if kind == "mission" else None

    def _draw(self) -> None:
        if not self.query(TabbedContent):
            return  # the screen is being taken down
        rows_now = list_rows(self.replica.shelf, self._shown, now_ms())
        self.query_one(RowList).show(screen(self._shown), rows_now)
        self._draw_head()
        self._draw_detail()
        self.refresh_bindings()

    def _draw_head(self) -> None:
        shelf, connection = self.replica.shelf, self.replica.connection
        asked, told = len(find.pending(shelf)), len(find.notices(shelf))
        by_hand = len(find.by_hand(shelf))
        needs = [f"{asked} to decide"] if asked else []
        needs += [f"{by_hand} by hand"] if by_hand else []
        needs += [count_text(told, "notice")] if told else []
        tabs = [
            (f" {one.key} {one.title} ", "reverse" if one.id == self._shown else drawing.MUTED)
            for one in screens()
        ]
        head = Content.assemble(
            ("Cutroom " if self.size.width >= WIDE else "", "bold"),
            drawing.connection_text(connection, self.replica.reason),
            " ",
            *tabs,
            (f"  {', '.join(needs)}", drawing.STYLES["waiting"]),
        )
        self.query_one("#head", Static).update(head)

    def _draw_detail(self) -> None:
        if not self.query(TabbedContent):
            return
        on_missions = self._shown == "missions"
        self.query_one(TabbedContent).display = on_missions
        self.query_one("#other").display = not on_missions
        if on_missions:
            self._draw_mission()
        else:
            self._draw_waiting(None)
            other = self.query_one("#other-text", Laid)
            other.show(self._other(), empty=screen(self._shown).empty)

    def _other(self) -> Callable[[int], Content] | None:
        """Return how to draw what the cursor is on, None when there is nothing."""
        shelf, key, at_ms = self.replica.shelf, self.query_one(RowList).selected or "", now_ms()
        match key.partition("/")[0]:
            case "mission" if part := shelf.value(key, WorkItemDetail):
                return lambda width: details.by_hand(part, width)
            case "approval" if approval := shelf.value(key, Approval):
                return lambda width: details.request(shelf, approval, at_ms, width)
            case "notice" if told := shelf.value(key, Notice):
                return lambda width: details.notice(shelf, told, width)
            case "routine" if routine := shelf.value(key, Routine):
                ticks = self._ticks_of(routine, key)
                return lambda width: details.routine(shelf, routine, ticks, at_ms, width)
            case _:
                return None

    def _ticks_of(self, routine: Routine, key: str) -> tuple[int, ...]:
        """Return when a routine comes due next; asks the daemon, once for each state of the routine."""
        held = self.replica.shelf.held(key)
        if held is None or routine.schedule is None:
            return ()
        known = self._ticks.get((key, held.rev))
        if known is None:
            self._ticks[key, held.rev] = ()
            self.run_worker(self._ask_ticks(routine.routine_id, (key, held.rev)), name="ticks")
        return known or ()

    async def _ask_ticks(self, routine_id: str, place: tuple[str, int]) -> None:
        try:
            self._ticks[place] = tuple(await self._client.routine_next(routine_id, count=TICKS_SHOWN))
        except SdkError:
            del self._ticks[place]  # asked again with the next picture, when the daemon is there
        else:
            self._dirty.set()

    def _draw_mission(self) -> None:
        mission = self.mission
        if mission is None:
            for name in ("items", "plan", "checks"):
                self._lay(name, None)
            self._draw_waiting(None)
            return
        shelf, refs = self.replica.shelf, find.refs(mission)
        self._lay("items", lambda width: details.overview(shelf, mission, width))
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
        strip.show((lambda width: details.waiting(waiting, width)) if waiting else None)

    def _lay(self, name: str, draw: Callable[[int], Content] | None) -> None:
        self.query_one(f"#{name}-text", Laid).show(draw)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another mission was selected."""
        self._draw_detail()
        self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter goes to the mission behind a line."""
        self.action_open()

    # What is done.
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show an action's key only on its screen, and dimmed where it cannot be used."""
        if action != "act" or not self.query(RowList):
            return True
        chosen = next(one for one in actions() if one.id == parameters[0])
        if chosen.applies_to not in screen(self._shown).kinds:
            return False
        return True if not self._refusal(chosen) else None

    def _targets(self) -> dict[Subject, Target]:
        key = self.query_one(RowList).selected
        return targets(self.replica.shelf, key) if key else {}

    def _refusal(self, chosen: Action) -> str:
        if chosen.applies_to not in screen(self._shown).kinds:
            return elsewhere(chosen)
        target = self._targets().get(chosen.applies_to)
        return chosen.refusal(target.state if target else None)

    def on_key(self, event: events.Key) -> None:
        """Say why a key does nothing now: its binding is off, so that the footer shows it dimmed."""
        if isinstance(self.screen, ModalScreen):
            return
        meant = [one for one in actions() if one.key == event.key]
        here = [one for one in meant if one.applies_to in screen(self._shown).kinds]
        if meant:
            refusal = self._refusal((here or meant)[0])
            if refusal:
                self.notify(refusal, severity="warning")
        elif event.is_printable and event.character and event.character not in keys.bound():
            self.notify(f"{event.character} does nothing here; ? shows the keys", severity="warning")

    def action_act(self, name: str) -> None:
        """Carry an action of the table out on what is selected."""
        chosen = action(name)
        target = self._targets().get(chosen.applies_to)
        if (refusal := self._refusal(chosen)) or target is None:
            self.notify(refusal or chosen.otherwise, severity="warning")
            return
        row = self.query_one(RowList).row
        if chosen.fields:
            question = AskReason(f"{chosen.title}: {chosen.asks}", "a reason, in a line")
            self.push_screen(question, lambda reason: self._send(chosen, target, reason))
        elif chosen.confirm:
            self.push_screen(
                Confirm(f"{row.title if row else ''}\n{chosen.title}: {chosen.help}?"),
                lambda sure: self._send(chosen, target, "" if sure else None),
            )
        else:
            self._send(chosen, target, "")

    def _send(self, chosen: Action, target: Target, reason: str | None) -> None:
        """Send what was decided; None: it was called off."""
        if reason is not None:
            self.run_worker(self._carry_out(chosen, target, reason), name=chosen.id)

    async def _carry_out(self, chosen: Action, target: Target, reason: str) -> None:
        try:
            told = await carry_out(self._client, self.replica.shelf, chosen, target, reason)
        except SdkError as error:
            self.notify(error.detail, title=f"{chosen.title} was refused", severity="error", timeout=15)
            return
        self.notify(f"{chosen.title}: done{told}")

    def action_look(self, name: ScreenId) -> None:
        """Show another screen."""
        self._shown = name
        self._draw()
        self.query_one(RowList).focus()

    def action_open(self) -> None:
        """Go to the mission behind the line; a routine leads to that of its newest run."""
        row = self.query_one(RowList).row
        if row is None or self._shown == "missions":
            return
        if not row.mission_id or find.mission(self.replica.shelf, row.mission_id) is None:
            self.notify("there is no mission behind this line", severity="warning")
            return
        self.query_one(RowList).remember("missions", f"mission/{row.mission_id}")
        self.action_look("missions")

    def action_tab(self, name: str) -> None:
        """Show another part of the mission."""
        if self._shown != "missions":
            self.action_look("missions")
        self.query_one(TabbedContent).active = name

    def action_light(self) -> None:
        """Change between dark and light."""
        self.theme = "textual-light" if self.theme == "textual-dark" else "textual-dark"

    def action_keys(self) -> None:
        """Show what the keys do."""
        self.push_screen(Keys(keys.explained()))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Fill the palette: the actions that can be used now, the parts of the screen, the rest."""
        for one in actions():
            if not self._refusal(one):
                yield SystemCommand(one.title, one.help, partial(self.action_act, one.id))
        for spec in screens():
            yield SystemCommand(f"Show {spec.title}", spec.help, partial(self.action_look, spec.id))
        for name in keys.TABS:
            yield SystemCommand(
                f"Show {name}", f"the part {name} of the selected mission", partial(self.action_tab, name)
            )
        yield SystemCommand("Light or dark", "change the colours", self.action_light)
        yield SystemCommand("Keys", "what the keys do", self.action_keys)
        yield SystemCommand("Quit", "the daemon and its work go on", self.exit)


async def run(locate: Callable[[], Address | None]) -> None:
    """Show the screen until it is left."""
    async with Client(locate) as client:
        await StudioScreen(client).run_async()


def run_screen(locate: Callable[[], Address | None]) -> None:
    """Show the screen until it is left; `locate` gives the daemon's address."""
    asyncio.run(run(locate))
