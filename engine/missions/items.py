"""A work item: as it was asked for, and as it stands."""

from typing import Any, Final

from msgspec import Struct

from cutroom_sdk.wire.missions import Attempt, Decider, Gate, GateName, Gates, ItemStatus

MANUAL: Final = "manual"  # the kind of work that somebody does by hand and reports


class ItemSpec(Struct, frozen=True, kw_only=True):
    """A work item as it was asked for, with nothing left open: every gate has its decider."""

    work_item_id: str
    title: str
    detail: str
    role: str
    kind: str
    input: dict[str, Any]
    depends_on: tuple[str, ...]
    review: Decider
    test: Decider


class Item(Struct, frozen=True, kw_only=True):
    """A work item. Its current run, the last of `attempts`, is alive while it is in progress; `observed` counts its calls.

    `changed` are resources, and their revs, that the current run has made and that changed while somebody was asked.
    """

    spec: ItemSpec
    input: dict[str, Any]
    gates: Gates
    status: ItemStatus = "todo"
    attempts: tuple[Attempt, ...] = ()
    reasons: tuple[str, ...] = ()
    observed: int = 0
    changed: dict[str, int] = {}

    @property
    def name(self) -> str:
        """The item's id within its mission."""
        return self.spec.work_item_id

    @property
    def run_id(self) -> str | None:
        """The current run, alive or ended; None before the first."""
        return self.attempts[-1].run_id if self.attempts else None

    @property
    def over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in ("done", "failed", "canceled")

    def gate(self, name: GateName) -> Gate:
        """One of its two gates."""
        return self.gates.review if name == "review" else self.gates.test
