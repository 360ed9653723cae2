"""Whose turn it is: so many at once, and of those that wait the one next whose party has had least for its weight.

Work that shares something scarce (worker processes, calls of tools) belongs to a party, such as a mission. Every turn
moves its party back by a step, a short one when what it does is urgent: who has had few turns goes before who has had
many, urgent work goes before what waits and is not, and still everybody's turn comes, for the others' steps add up.
This is self-clocked fair queueing (Golestani, INFOCOM 1994) with turns that all count alike.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from heapq import heappop, heappush
from typing import Final, NamedTuple

from cutroom_sdk.wire.missions import Priority

STEPS: Final[dict[Priority, int]] = {"high": 1, "normal": 4, "low": 16}


class Party(NamedTuple):
    """On whose behalf something is done, and how urgent it is."""

    name: str = ""
    priority: Priority = "normal"


class _Waiting(NamedTuple):
    at: int
    number: int
    party: str
    turn: "asyncio.Future[None]"


_NOBODY: Final = Party()
_party: ContextVar[Party] = ContextVar("party", default=_NOBODY)


@contextlib.contextmanager
def on_behalf_of(party: Party) -> Iterator[None]:
    """Have what is done in this block, and in tasks that it starts, wait as work of `party`."""
    before = _party.set(party)
    try:
        yield
    finally:
        _party.reset(before)


def current_party() -> Party:
    """Return on whose behalf the caller acts; nobody in particular unless somebody said so."""
    return _party.get()


class Turns:
    """So many turns at once. For one event loop; who waits may be cancelled."""

    def __init__(self, count: int) -> None:
        assert count > 0, "somebody must have a turn"
        self._free = count
        self._count = count
        self._at = 0
        self._reached: dict[str, int] = {}
        self._waiting: list[_Waiting] = []
        self._numbers = 0

    @property
    def free(self) -> int:
        """How many turns could be had at once."""
        return self._free

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and have it while the block lasts."""
        await self.acquire()
        try:
            yield
        finally:
            self.release()

    async def acquire(self) -> None:
        """Wait for a turn; it is had until `release`."""
        party = _party.get()
        at = max(self._at, self._reached.get(party.name, 0)) + STEPS[party.priority]
        self._reached[party.name] = at
        self._numbers += 1
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, _Waiting(at, self._numbers, party.name, turn))
        self._give()
        try:
            await turn
        except asyncio.CancelledError:
            # Cancelled when it had been given already: the next one gets it.
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a turn back."""
        self._free += 1
        assert self._free <= self._count, "a turn was given back that nobody had"
        self._give()

    def _give(self) -> None:
        while self._free and self._waiting:
            waiting = heappop(self._waiting)
            if waiting.turn.cancelled():
                continue
            self._free -= 1
            self._at = max(self._at, waiting.at)
            if self._reached.get(waiting.party) == waiting.at:
                del self._reached[waiting.party]  # the others have come as far: nothing to remember
            waiting.turn.set_result(None)
