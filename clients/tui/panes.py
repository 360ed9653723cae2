"""The parts of the screen: the list of missions, and text that is laid out for the width there is."""

from collections.abc import Callable
from typing import Final

from textual import events
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from clients.tui import drawing
from clients.view.rows import MissionRow

EDGES: Final = 4  # the border and the scroll bar


class Laid(Static):
    """Text that is drawn anew when its width changes; `empty` is what to do first when there is nothing to show."""

    def __init__(self, empty: str, *, id: str) -> None:
        super().__init__(empty, id=id, markup=False)
        self._empty = empty
        self._draw: Callable[[int], Content] | None = None

    def show(self, draw: Callable[[int], Content] | None) -> None:
        """Show what `draw(width)` gives; None: there is nothing."""
        self._draw = draw
        self._lay()

    def on_resize(self, event: events.Resize) -> None:
        """Lay the text out for the new width."""
        self._lay()

    def _lay(self) -> None:
        self.set_class(self._draw is None, "empty")
        width = max(self.size.width, 20)
        self.update(self._draw(width) if self._draw else self._empty)


class MissionList(OptionList):
    """The missions; keeps its place when they change order."""

    def __init__(self) -> None:
        super().__init__(id="missions")
        self._rows: list[MissionRow] = []
        self._width = 0
        self.border_title = "Missions"

    @property
    def selected(self) -> str | None:
        """The id of the mission that the cursor is on, None in an empty list."""
        if self.highlighted is None or self.highlighted >= len(self._rows):
            return None
        return self._rows[self.highlighted].mission_id

    def show(self, rows: list[MissionRow]) -> None:
        """Show these missions; only what changed is drawn anew."""
        before, width = self._rows, max(self.size.width - EDGES, 20)
        if width == self._width and [row.mission_id for row in before] == [row.mission_id for row in rows]:
            self._rows = rows
            for place, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old != new:
                    self.replace_option_prompt_at_index(place, drawing.mission_line(new, width))
            return
        selected = self.selected
        self._rows, self._width = rows, width
        self.set_options([Option(drawing.mission_line(row, width), id=row.mission_id) for row in rows])
        places = [row.mission_id for row in rows]
        if rows:
            self.highlighted = places.index(selected) if selected in places else 0

    def select(self, mission_id: str) -> None:
        """Put the cursor on a mission."""
        places = [row.mission_id for row in self._rows]
        if mission_id in places:
            self.highlighted = places.index(mission_id)

    def on_resize(self, event: events.Resize) -> None:
        """Lay the lines out for the new width."""
        if self._rows:
            self.show(self._rows)
