"""The keys of the screen: those of the tables, and those that are the same everywhere."""

from typing import Final

from clients.view.actions import actions
from clients.view.screens import screens

TABS: Final = ("items", "plan", "checks", "activity")


def bound() -> set[str]:
    """Return the characters that do something on every screen."""
    return {*(one.key for one in screens()), *map(str, range(1, len(TABS) + 1)), ":", "?", "t", "q"}


def explained() -> list[tuple[str, str]]:
    """Return the keys and what they do, as the page of keys shows them."""
    shown = [(one.key, f"{one.title}: {one.help}") for one in screens()]
    table = [(one.key, f"{one.title}: {one.help}") for one in actions()]
    tabs = [(str(number), f"show {name} of the mission") for number, name in enumerate(TABS, start=1)]
    others = [
        ("up, down", "another line"),
        ("enter", "the mission behind a line"),
        ("tab", "the next part of the screen"),
        ("ctrl-k, :", "the palette: everything by name"),
        ("t", "light or dark"),
        ("?", "these keys"),
        ("q", "quit; the daemon and its work go on"),
    ]
    return [*shown, *table, *tabs, *others]
