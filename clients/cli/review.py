"""The plan's review at a terminal: yes, no with a reason, or an edited list of what to keep."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from clients import paint
from clients.view import rows
from clients.view.plan import PlanTextError, plan_text, spans_from
from cutroom_sdk.wire.editing import CutPlan, KeepSpan

ANOTHER = "another proposal, please"

AskLine = Callable[[str], Awaitable[str | None]]
EditText = Callable[[str], Awaitable[str | None]]


class Verdict(NamedTuple):
    """What the reviewer said. `keep` is set when the list was edited; `quit` ends the mission."""

    answer: Literal["approve", "deny", "quit"]
    reason: str = ""
    keep: tuple[KeepSpan, ...] = ()


async def review(
    console: Console, plan: CutPlan | None, summary: str, *, ask: AskLine, edit: EditText | None
) -> Verdict:
    """Show what is to be decided and return what was said of it.

    `plan` None: it is something else, or a plan too long to be listed; then there is its summary. `edit` None: there is
    no editor, so that is not offered.
    """
    if plan is None:
        console.print(Text(f"\n{summary}", "bold"))
    else:
        show_plan(console, plan)
    editable = plan is not None and edit is not None
    offered = "[y]es, [n]o, [e]dit the list, [q]uit" if editable else "[y]es, [n]o, [q]uit"
    while True:
        answer = await ask(f"Take {'this plan' if plan else 'it'}? {offered}: ")
        match (answer or "").lower():
            case "y" | "yes":
                return Verdict("approve")
            case "q" | "quit":
                return Verdict("quit")
            case "n" | "no":
                return await _denied(ask)
            case "e" | "edit" if plan is not None and edit is not None:
                verdict = await _edited(console, plan, edit)
                if verdict is not None:
                    return verdict
            case _ if answer is None:
                return Verdict("quit")
            case _:
                continue


def show_plan(console: Console, plan: CutPlan) -> None:
    """Print a plan: what is kept and why, what is left out and why."""
    console.print(Text(f"\n{rows.plan_line(plan)}", "bold"))
    console.print(paint.cuts_table(rows.cut_rows(plan)))
    if plan.removed:
        console.print(paint.section("Left out", paint.cuts_table(rows.removed_rows(plan))))
    for notice in dict.fromkeys((*plan.goal.notices, *plan.notices)):
        console.print(f"[yellow]note[/] {escape(notice)}")
    console.print()


async def _denied(ask: AskLine) -> Verdict:
    reason = await ask("What is wrong with it? (empty: another proposal, q: stop) ")
    if reason is None or reason.lower() in ("q", "quit"):
        return Verdict("quit")
    return Verdict("deny", reason or ANOTHER)


async def _edited(console: Console, plan: CutPlan, edit: EditText) -> Verdict | None:
    """Return the edited list as a denial that says what to keep; None when nothing came of it."""
    text = plan_text(plan)
    while True:
        changed = await edit(text)
        if changed is None:
            console.print("[yellow]the editor ended without a text; nothing was changed[/]")
            return None
        try:
            keep = spans_from(changed, plan)
        except PlanTextError as error:
            # What was typed is not lost: the editor opens again with the complaint on top.
            text = f"# {error}\n{_without_complaint(changed)}"
            console.print(f"[red]{escape(str(error))}[/]")
            continue
        if keep is None:
            console.print("[yellow]nothing was changed[/]")
            return None
        return Verdict("deny", "the reviewer edited the list of what to keep", keep)


def _without_complaint(text: str) -> str:
    first, _, rest = text.partition("\n")
    return rest if first.startswith("# line ") else text
