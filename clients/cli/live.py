"""The steps of a mission while they go on: drawn in place on a terminal, one line a change elsewhere."""

from types import TracebackType
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from clients import paint
from clients.clock import monotonic_s
from clients.view import rows
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.missions import Mission

LINE_EVERY_S: Final = 5.0
DRAWN_A_SECOND: Final = 8


class Steps:
    """Shows how far a mission is. Use as a context; `pause` gives the terminal back for a question."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._told: dict[str, str] = {}
        self._told_s = 0.0

    def __enter__(self) -> "Steps":
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()

    def _open(self) -> None:
        if self._console.is_terminal and self._live is None:
            self._live = Live(console=self._console, refresh_per_second=DRAWN_A_SECOND, transient=False)
            self._live.start()

    def pause(self) -> None:
        """Leave what is drawn where it is and stop drawing; `show` begins anew below it."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, shelf: Shelf, mission: Mission, trouble: str = "") -> None:
        """Draw the mission as it is now. `trouble` says what is wrong with the connection."""
        items = rows.item_rows(shelf, mission)
        if self._console.is_terminal:
            self._open()
            assert self._live is not None
            below = [Text(said, "yellow") for said in (trouble, _paused(mission)) if said]
            self._live.update(Group(paint.items_table(items), *below))
            return
        now_s = monotonic_s()
        if self._told.get(mission.mission_id) != (held_up := _paused(mission)):
            self._told[mission.mission_id] = held_up
            if held_up:
                self._console.print(Text(held_up))
        for row in items:
            if self._worth_a_line(row, now_s):
                self._told[row.work_item_id] = row.state
                self._told_s = now_s
                self._console.print(Text(_line(row)))

    def _worth_a_line(self, row: rows.ItemRow, now_s: float) -> bool:
        if row.state in ("todo", "blocked") and row.work_item_id not in self._told:
            return False
        changed = self._told.get(row.work_item_id) != row.state
        moving = row.tone == "busy" and row.fraction is not None and now_s - self._told_s >= LINE_EVERY_S
        return changed or moving


def _paused(mission: Mission) -> str:
    if mission.status != "paused":
        return ""
    return f"paused: {mission.reason}" if mission.reason else "paused; resume the mission to go on"


def _line(row: rows.ItemRow) -> str:
    percent = f"{row.fraction:.0%}" if row.fraction is not None and row.tone == "busy" else ""
    said = [row.title + ":", row.state, percent, row.eta, f"({row.note})" if row.note else ""]
    return " ".join(part for part in said if part)
