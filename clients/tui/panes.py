"""The parts of the screen: the list, and text that is laid out for the width there is."""

from collections.abc import Callable
from typing import Final

from textual import events
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from clients.tui import drawing
from clients.view.lists import ListRow
from clients.view.screens import ScreenId, ScreenSpec
from clients.view.screens import screen as spec

EDGES: Final = 4  # the border and the scroll bar


class Laid(Static):
    """Text that is drawn anew when its width changes; `empty` is what to do first when there is nothing to show."""

    def __init__(self, empty: str, *, id: str) -> None:
        super().__init__(empty, id=id, markup=False)
        self._empty = empty
        self._draw: Callable[[int], Content] | None = None

    def show(self, draw: Callable[[int], Content] | None, *, empty: str | None = None) -> None:
        """Show what `draw(width)` gives; None: there is nothing, and `empty` says what to do first."""
        self._empty = self._empty if empty is None else empty
        self._draw = draw
        self._lay()

    def on_resize(self, event: events.Resize) -> None:
        """Lay the text out for the new width."""
        self._lay()

    def _lay(self) -> None:
        self.set_class(self._draw is None, "empty")
        width = max(self.size.width, 20)
        self.update(self._draw(width) if self._draw else self._empty)


class RowList(OptionList):
    """The list of the screen that is shown; keeps its place when its lines change order, and one place a screen."""

    def __init__(self) -> None:
        super().__init__(id="rows")
        self._rows: list[ListRow] = []
        self._width = 0
        self._of: ScreenId | None = None
        self._places: dict[str, str] = {}

    @property
    def selected(self) -> str | None:
        """The key of the resource that the cursor is on, None in an empty list."""
        row = self.row
        return row.key if row else None

    @property
    def row(self) -> ListRow | None:
        """The line that the cursor is on, None in an empty list."""
        if self.highlighted is None or self.highlighted >= len(self._rows):
            return None
        return self._rows[self.highlighted]

    def show(self, screen: ScreenSpec, rows: list[ListRow]) -> None:
        """Show these lines; only what changed is drawn anew."""
        before, width = self._rows, max(self.size.width - EDGES, 20)
        same = screen.id == self._of and width == self._width
        if same and [row.key for row in before] == [row.key for row in rows]:
            self._rows = rows
            for place, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old != new:
                    self.replace_option_prompt_at_index(place, self._line(new))
            return
        if self._of and self.selected:
            self._places[self._of] = self.selected
        self._rows, self._width, self._of = rows, width, screen.id
        self.border_title = screen.title
        self.set_options([Option(self._line(row)) for row in rows])
        if rows:
            self.highlighted = self._place(self._places.get(screen.id))

    def _line(self, row: ListRow) -> Content:
        tall = self._width < drawing.LINE_MIN
        return (drawing.list_lines if tall else drawing.list_line)(row, self._width)

    def _place(self, key: str | None) -> int:
        return next((place for place, row in enumerate(self._rows) if row.key == key), 0)

    def select(self, key: str) -> None:
        """Put the cursor on a line."""
        if any(row.key == key for row in self._rows):
            self.highlighted = self._place(key)

    def remember(self, screen: str, key: str) -> None:
        """Put the cursor on this line when that screen is shown."""
        self._places[screen] = key

    def on_resize(self, event: events.Resize) -> None:
        """Lay the lines out for the new width."""
        if self._rows and self._of:
            self.show(spec(self._of), self._rows)
