"""What a file could not carry: collected while it is written or read, never dropped in silence."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.interchange import Loss
from cutroom_sdk.wire.timeline import Timeline

LOSSES_MOST: Final = 500
_TEXT_MOST: Final = 200


class Exported(Struct, frozen=True, kw_only=True):
    """A file's bytes, and what of the timeline is not in them."""

    data: bytes
    losses: tuple[Loss, ...] = ()


class Imported(Struct, frozen=True, kw_only=True):
    """A timeline, and what of the file is not in it."""

    timeline: Timeline
    losses: tuple[Loss, ...] = ()


class Losses:
    """Losses in the order in which they are met, each once; beyond `LOSSES_MOST` they are counted only."""

    def __init__(self) -> None:
        self._found: dict[Loss, None] = {}
        self._more = 0

    def add(self, where: str, what: str, why: str) -> None:
        """Note that `what` at `where` is lost or changed; texts are cut to a readable length."""
        loss = Loss(where=_short(where), what=_short(what), why=_short(why))
        if loss in self._found:
            return
        if len(self._found) == LOSSES_MOST:
            self._more += 1
            return
        self._found[loss] = None

    def add_all(self, losses: Sequence[Loss]) -> None:
        """Note what somebody else has found."""
        for loss in losses:
            self.add(loss.where, loss.what, loss.why)

    def all(self) -> tuple[Loss, ...]:
        """Return what was noted."""
        more = f"{self._more} more of its kind"
        rest = (Loss(where="", what=more, why=f"the first {LOSSES_MOST} are listed"),) if self._more else ()
        return (*self._found, *rest)


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_MOST else f"{text[: _TEXT_MOST - 1]}…"
