"""How far running work is: told to whoever watches, never logged; only the latest of each thing is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cutroom_sdk.wire.codec import encode
from engine.kernel.clock import monotonic_s


@dataclass(frozen=True, slots=True)
class Standing:
    """The latest report of one running thing. `serial` grows with every report of any thing."""

    key: str
    done: float
    total: float
    eta_s: float | None
    note: str
    serial: int

    @property
    def frame(self) -> bytes:
        """The report as a whole SSE frame; it has no id, for it is no event."""
        body = {
            "key": self.key,
            "done": self.done,
            "total": self.total,
            "eta_s": self.eta_s,
            "note": self.note,
        }
        return b"event: progress\ndata: " + encode(body) + b"\n\n"


class Progress:
    """The latest reports, by partition and key."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._standings: dict[tuple[str, str], Standing] = {}
        self._began: dict[tuple[str, str], tuple[float, float]] = {}
        self.serial = 0

    def report(self, partition: str, key: str, done: float, total: float, note: str = "") -> None:
        """Say that `done` of `total` is done. The time left is estimated from the pace since the first report.

        Work that has gone back has begun anew.
        """
        now = monotonic_s()
        at = (partition, key)
        if at in self._standings and done < self._standings[at].done:
            del self._began[at]
        began_s, began_done = self._began.setdefault(at, (now, done))
        gained, spent = done - began_done, now - began_s
        eta_s = round((total - done) * spent / gained, 1) if gained > 0 and spent > 0.2 else None
        self.serial += 1
        self._standings[at] = Standing(key, done, total, eta_s, note, self.serial)
        self._wake()

    def clear(self, partition: str, key: str) -> None:
        """Forget a thing that has ended."""
        self._standings.pop((partition, key), None)
        self._began.pop((partition, key), None)

    def since(self, partition: str, serial: int) -> list[Standing]:
        """Return the partition's reports newer than `serial`, oldest first."""
        if serial >= self.serial:
            return []
        newer = [
            standing
            for (owner, _), standing in self._standings.items()
            if owner == partition and standing.serial > serial
        ]
        return sorted(newer, key=lambda standing: standing.serial)

    def standings(self, partition: str) -> Mapping[str, Standing]:
        """Return the latest report of every running thing of a partition."""
        return {key: standing for (owner, key), standing in self._standings.items() if owner == partition}
