"""Rows as lines of a given width, in the theme's own colours: pure, so that a line can be tested as text."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.text import Text
from textual.content import Content

from clients.view.lists import ListRow
from clients.view.routines import RunRow
from clients.view.rows import CheckRow, CutRow, ItemRow, LogRow
from clients.view.words import Tone, word
from cutroom_sdk.replica import Connection

STYLES: Final[dict[Tone, str]] = {
    "good": "$text-success",
    "bad": "$text-error",
    "busy": "$text-primary",
    "waiting": "$text-warning",
    "idle": "$foreground-muted",
}
MUTED: Final = "$foreground-muted"
BAR: Final = 10
GATES: Final = 9  # "review ✓" and a space
TITLE: Final = 20  # the least that an item's title gets
ITEM_REST: Final = 46  # mark, bar, state and gates beside it, and a short note
NAMES: Final = 17  # "external effects" and a space
LINE_MIN: Final = 60  # a list narrower than this takes two lines for each

Piece = str | Content | tuple[str, str]


def fitted(text: str, width: int) -> str:
    """Return `text` in exactly `width` columns: padded, or cut with an ellipsis.

    >>> fitted("analyse", 5), fitted("plan", 6)
    ('anal…', 'plan  ')
    """
    content = Content(text)
    if content.cell_length > width:
        return content.truncate(width, ellipsis=True).plain
    return text + " " * (width - content.cell_length)


def bar_text(fraction: float | None) -> str:
    """Return a bar of ten columns, empty when there is nothing to measure.

    >>> bar_text(0.5)
    '━━━━━─────'
    """
    if fraction is None:
        return " " * BAR
    done = int(fraction * BAR + 0.5)
    return "━" * done + "─" * (BAR - done)


def list_line(row: ListRow, width: int) -> Content:
    """Return a line of a list as one: mark, title, state, and what is to be noted."""
    note_width = 11  # "59 min ago"
    state_width = min(20, max(width // 4, 9))
    return _joined(
        (row.mark, STYLES[row.tone]),
        " ",
        fitted(row.title, max(width - state_width - note_width - 5, 8)),
        "  ",
        (fitted(row.state, state_width), STYLES[row.tone]),
        " ",
        (fitted(row.note, note_width), MUTED),
    )


def list_lines(row: ListRow, width: int) -> Content:
    """Return a line of a list as two, for a list that is high and narrow: the title has the first for itself."""
    state = fitted(row.state, max(width - 14, 8))
    return _lines(
        [
            _joined((row.mark, STYLES[row.tone]), " ", fitted(row.title, width - 2)),
            _joined("  ", (state, STYLES[row.tone]), " ", (fitted(row.note, 11), MUTED)),
        ]
    )


def facts(facts: Iterable[tuple[str, str]], width: int) -> Content:
    """Return names and values, those without a value left out, long values over several lines."""
    lines = list[Content]()
    for name, value in facts:
        first, *others = Content(value).wrap(max(width - NAMES, 20)) if value else [None]
        if first is not None:
            lines.append(_joined((fitted(name, NAMES), MUTED), first.plain))
            lines.extend(_joined(" " * NAMES, other.plain) for other in others if other is not None)
    return _lines(lines)


def runs(rows: Sequence[RunRow], width: int) -> Content:
    """Return a routine's runs: mark, tick, why it fired, how it stands, how long; what there is to say below it."""
    lines = []
    for row in rows:
        style = STYLES[row.tone]
        lines.append(
            _joined(
                (f"{row.mark} ", style),
                fitted(row.due, 29),
                (fitted(row.trigger, 9), MUTED),
                (fitted(row.state, 17), style),
                (row.took, MUTED),
            )
        )
        if row.note:
            lines.extend(
                _joined("  ", (part.plain, MUTED)) for part in Content(row.note).wrap(max(width - 2, 20))
            )
    return _lines(lines)


def items(rows: Iterable[ItemRow], width: int) -> Content:
    """Return a mission's items: mark, title, bar, time left or state, gates, and what is going on."""
    rows = list(rows)
    longest = max((Content(row.title).cell_length for row in rows), default=0)
    title = min(max(longest, TITLE), max(width - ITEM_REST, TITLE))
    return _lines(line for row in rows for line in _item_lines(row, width, title))


def _item_lines(row: ItemRow, width: int, title: int) -> list[Content]:
    style = STYLES[row.tone]
    head = _joined(
        (row.mark, style),
        " ",
        fitted(row.title, title),
        " ",
        (bar_text(row.fraction), style),
        " ",
        (fitted(row.eta or row.state, 12), style),
        " ",
        fitted(row.gates, GATES),
    )
    room = width - head.cell_length - 1
    if not row.note:
        return [head]
    if Content(row.note).cell_length <= room:
        return [_joined(head, " ", (row.note, MUTED))]
    return [
        head,
        *(_joined("  ", (line.plain, MUTED)) for line in Content(row.note).wrap(max(width - 2, 20))),
    ]


def cuts(rows: Iterable[CutRow], width: int) -> Content:
    """Return stretches of sources, each with its reasons below it; what is left out begins with a heading."""
    lines, left_out = list[Content](), False
    for row in rows:
        if not row.number and not left_out:
            lines.append(_joined(("\nLeft out", "bold")))
            left_out = True
        number = f"{row.number:>2}" if row.number else " –"
        style = "" if row.number else MUTED
        lines.append(_joined((f"{number} {row.span}", style), (f"  {row.length}  {row.asset}", MUTED)))
        lines.extend(
            _joined("   ", (part.plain, MUTED)) for part in Content(row.reasons).wrap(max(width - 3, 20))
        )
    return _lines(lines)


def checks(rows: Sequence[CheckRow], width: int) -> Content:
    """Return checks: mark, name, what was found, what was asked for, whole; the fix of a failed one below it."""
    room = max(width - 22, 20)
    widest = max((len(row.value) for row in rows), default=0)
    found_width = min(widest, room * 3 // 5)
    lines = []
    for row in rows:
        name, found = fitted(row.name, 17), fitted(row.value, found_width)
        first, *others = Content(row.limit).wrap(room - found_width) or [Content("")]
        lines.append(_joined((row.mark, STYLES[row.tone]), " ", name, " ", found, "  ", (first.plain, MUTED)))
        indent = " " * (len(name) + found_width + 5)
        lines.extend(_joined(indent, (other.plain, MUTED)) for other in others)
        if row.fix:
            lines.append(_joined("  ", (row.fix, STYLES["waiting"])))
    return _lines(lines)


def log_line(row: LogRow) -> Text:
    """Return an entry of the log, for a widget that takes rich text."""
    gist = f"  {row.note}" if row.note else ""
    return Text.assemble((f"{row.time} ", "dim"), (row.type, "bold"), f" {row.stream}", (gist, "dim"))


def connection_text(connection: Connection, reason: str) -> Content:
    """Return how the copy stands: live, or lost and why."""
    seen = word("connection", connection)
    said = f"{seen.mark} {connection}" + (f": {reason}" if reason and connection == "lost" else "")
    return _joined((said, STYLES[seen.tone]))


def _joined(*pieces: Piece) -> Content:
    return Content.assemble(*pieces)


def _lines(lines: Iterable[Content]) -> Content:
    return Content("\n").join(list(lines))
