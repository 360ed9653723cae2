"""The screens that there are, as one table: title, key, what can be done there, what to do when they are empty."""

from functools import cache
from importlib import resources
from typing import Literal

from clients.view.actions import Action, Subject
from cutroom_sdk.wire.codec import Wire, decode

ScreenId = Literal["home", "missions", "routines", "requests"]


class ScreenSpec(Wire, frozen=True, kw_only=True):
    """One screen. `kinds` are what its actions apply to; `empty` says what to do first when there is nothing."""

    id: ScreenId
    title: str
    key: str
    help: str
    kinds: tuple[Subject, ...]
    empty: str


@cache
def screens() -> tuple[ScreenSpec, ...]:
    """Return the table, in the order in which it is shown."""
    table = resources.files("clients.view").joinpath("screens.json").read_bytes()
    return decode(table, tuple[ScreenSpec, ...])


def screen(name: ScreenId) -> ScreenSpec:
    """Return one screen of the table."""
    return next(one for one in screens() if one.id == name)


def elsewhere(action: Action) -> str:
    """Return where an action can be done, for somebody who tries it on another screen."""
    # What belongs to one kind first: requests are decided on their own screen rather than on a mission's.
    where = min(
        (one for one in screens() if action.applies_to in one.kinds),
        key=lambda one: (one.kinds.index(action.applies_to), len(one.kinds)),
    )
    return f"{action.title} is done on another screen: {where.key} shows {where.title}"
