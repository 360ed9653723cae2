"""Everything an operator can do, as one table: keys, palette and help of every screen are made from it."""

from functools import cache
from importlib import resources
from typing import Literal

from cutroom_sdk.wire.codec import Wire, decode

Subject = Literal["mission", "approval", "item", "routine", "routine_run", "notice", "command"]
ActionId = Literal[
    "approve",
    "deny",
    "pause",
    "resume",
    "cancel",
    "activate",
    "pause_routine",
    "resume_routine",
    "run_now",
    "delete_routine",
    "cancel_run",
    "report",
    "dismiss",
    "approve_all",
    "redeliver",
    "drop",
]


class Action(Wire, frozen=True, kw_only=True):
    """One thing an operator can do to a resource of the kind `applies_to` while its state is in `enabled_when`.

    `otherwise` is said when it is not; `confirm`: ask first; `fields` are asked for before it is sent, with
    the question `asks`.
    """

    id: ActionId
    title: str
    key: str
    help: str
    applies_to: Subject
    enabled_when: tuple[str, ...]
    otherwise: str
    capability: str
    confirm: bool
    method: str
    path: str
    fields: tuple[str, ...]
    asks: str

    def refusal(self, state: str | None) -> str:
        """Return why the action cannot be done to something in `state` (None: there is nothing), empty when it can."""
        return "" if state in self.enabled_when else self.otherwise


@cache
def actions() -> tuple[Action, ...]:
    """Return the table, in the order in which it is shown."""
    table = resources.files("clients.view").joinpath("actions.json").read_bytes()
    return decode(table, tuple[Action, ...])


def action(name: str) -> Action:
    """Return one action of the table."""
    return next(one for one in actions() if one.id == name)
