"""A daemon's stream of resources, told from a history: for tests of what follows it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.sse import SseMessage
from cutroom_sdk.wire.codec import encode

Write = tuple[str, object]  # key and new value; None deletes


def _message(event: str, body: dict[str, object], position: int | None = None) -> SseMessage:
    return SseMessage(event, encode(body), None if position is None else str(position))


@dataclass
class History:
    """Transactions from position 1 on. `oldest`: what lies before is compacted away."""

    transactions: list[list[Write]] = field(default_factory=list)
    oldest: int = 0
    breaks: list[int] = field(default_factory=list)  # after so many frames each stream breaks, in turn
    opened: list[int | None] = field(default_factory=list)

    @property
    def head(self) -> int:
        return len(self.transactions)

    def state(self) -> dict[str, object]:
        """What a reader at the head sees."""
        found: dict[str, object] = {}
        for transaction in self.transactions:
            for key, value in transaction:
                if value is None:
                    found.pop(key, None)
                else:
                    found[key] = value
        return found

    async def stream(self, after: int | None) -> AsyncGenerator[SseMessage, None]:
        """What the daemon sends, broken off as `breaks` says; the last stream ends at the head."""
        self.opened.append(after)
        if after is not None and after < self.oldest:
            raise SdkError("compacted", "gone", status=410)
        if after is not None and after > self.head:
            raise SdkError("position_ahead", "another log", status=409)
        left = self.breaks.pop(0) if self.breaks else None
        for frame in self._frames(after):
            if left == 0:
                raise Unreachable("broken")
            left = None if left is None else left - 1
            yield frame

    def _frames(self, after: int | None) -> list[SseMessage]:
        frames, revs = [], dict[str, int]()
        if after is None:
            for key, value in sorted(self.state().items()):
                frames.append(
                    _message("resource.updated", {"key": key, "rev": self._rev(key), "value": value})
                )
            after = self.head
        frames.append(_message("ready", {"position": after}, after))
        for position, transaction in enumerate(self.transactions, start=1):
            for place, (key, value) in enumerate(transaction, start=1):
                revs[key] = revs.get(key, 0) + 1
                if position <= after:
                    continue
                at = position if place == len(transaction) else None
                body: dict[str, object] = {"key": key, "rev": revs[key]}
                if value is None:
                    frames.append(_message("resource.deleted", body, at))
                else:
                    frames.append(_message("resource.updated", body | {"value": value}, at))
        return frames

    def _rev(self, key: str) -> int:
        return sum(1 for transaction in self.transactions for written, _ in transaction if written == key)
