"""Rows as text on a console: how a mission, a plan and its checks look, wherever a command shows them."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from clients.view.report import EditReport
from clients.view.rows import ApprovalRow, CheckRow, CutRow, ItemRow, LogRow, MissionRow
from clients.view.words import Tone

STYLES: Final[dict[Tone, str]] = {
    "good": "green",
    "bad": "red",
    "busy": "cyan",
    "waiting": "yellow",
    "idle": "dim",
}
BAR: Final = 24


def items_table(rows: Iterable[ItemRow]) -> Table:
    """Return the items of a mission with their bars."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(width=BAR)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for row in rows:
        style = STYLES[row.tone]
        table.add_row(
            Text(row.mark, style),
            Text(row.title, "" if row.tone != "idle" else "dim"),
            _bar(row),
            Text(row.eta or row.state, style),
            Text(row.note, "dim"),
        )
    return table


def _bar(row: ItemRow) -> RenderableType:
    if row.tone == "busy" and row.fraction is None:
        return ProgressBar(total=None, pulse=True, width=BAR)
    if row.fraction is None:
        return Text("")
    return ProgressBar(total=1.0, completed=row.fraction, width=BAR)


def cuts_table(rows: Iterable[CutRow]) -> Table:
    """Return stretches of sources with the reasons for them."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column(overflow="ellipsis", no_wrap=True, max_width=24)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    for row in rows:
        number = str(row.number) if row.number else "–"
        table.add_row(number, Text(row.asset), row.span, row.length, Text(row.reasons, "dim"))
    return table


def checks_table(rows: Iterable[CheckRow], *, sources: bool = False) -> Table:
    """Return checks with what was found and what was asked for; with `sources` also who asks for it."""
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column()
    for row in rows:
        found = row.value + (f"; {row.fix}" if row.fix else "")
        limit = f"{row.limit} ({row.source})" if sources and row.source else row.limit
        table.add_row(Text(row.mark, STYLES[row.tone]), Text(row.name), Text(found), Text(limit, "dim"))
    return table


def missions_table(rows: Iterable[MissionRow]) -> Table:
    """Return missions, one a line."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        where = " ".join(filter(None, (row.at, row.eta))) or row.age
        table.add_row(
            Text(row.mark, STYLES[row.tone]),
            row.mission_id,
            Text(row.title),
            Text(row.state, STYLES[row.tone]),
            f"{row.fraction:.0%}",
            Text(where, "dim"),
        )
    return table


def approvals_table(rows: Iterable[ApprovalRow]) -> Table:
    """Return what is to be decided, one a line."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(
            row.approval_id,
            Text(row.title),
            row.gate,
            Text(row.summary.removeprefix(f"{row.title}: ")),
            Text(row.age, "dim"),
        )
    return table


def log_text(row: LogRow) -> str:
    """Return an entry of the log as one line of markup."""
    gist = f"  {escape(row.note)}" if row.note else ""
    return f"[dim]{row.position:>6} {row.time}[/] [cyan]{row.type}[/] {escape(row.stream)}[dim]{gist}[/]"


def section(title: str, body: RenderableType) -> Group:
    """Return a titled part of an answer."""
    return Group(Text(f"\n{title}", "bold"), body)


def facts_table(facts: Iterable[tuple[str, str]]) -> Table:
    """Return names and values, those without a value left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    for name, value in facts:
        if value:
            table.add_row(name, Text(value))
    return table


def edit_result(
    console: Console,
    report: EditReport,
    cuts: Iterable[CutRow],
    removed: Iterable[CutRow],
    checks: Iterable[CheckRow],
    look_further: str,
) -> None:
    """Print how an edit ended; `look_further` is the command that tells more."""
    cuts, removed, checks = list(cuts), list(removed), list(checks)
    if cuts:
        console.print(section("Kept", cuts_table(cuts)))
    if removed:
        console.print(section("Left out", cuts_table(removed)))
    if checks:
        console.print(section("Checks", checks_table(checks)))
    if report.notices and report.status != "canceled":
        console.print(section("To know", Text("\n".join(report.notices))))
    console.print(section("Result", facts_table(_facts(report, look_further))))


def _facts(report: EditReport, look_further: str) -> list[tuple[str, str]]:
    length = f"{report.duration_s:.2f} s" if report.duration_s is not None else ""
    return [
        ("file", report.output or ""),
        ("length", length),
        ("status", report.status),
        # Why it failed is said last of all, on its own.
        ("reason", report.error if report.status != "failed" else ""),
        ("took", f"{report.elapsed_s:.1f} s"),
        ("reused", ", ".join(report.reused)),
        ("receipt", f"{report.output}.receipt.json" if report.output else ""),
        ("look further", look_further),
    ]
