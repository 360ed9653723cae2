"""A routine as a request finds it, and again when it has become another one meanwhile."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from engine.kernel.context import Context
from engine.kernel.dispatch import Dispatch
from engine.kernel.errors import Conflict, NotFound
from engine.routines import types as t

TRIES_MAX: Final = 20
T = TypeVar("T")


async def looked_at_anew(work: Callable[[], Awaitable[T]]) -> T:
    """Do what depends on how a routine is; when it has changed meanwhile, a run's end for one, do it again.

    Raises:
        Conflict: it changes all the time.
    """
    for _ in range(TRIES_MAX - 1):
        try:
            return await work()
        except Conflict as conflict:
            if conflict.code != "version_conflict":
                raise
    return await work()


async def state_of(dispatch: Dispatch, routine_id: str, context: Context) -> tuple[t.Routine, int]:
    """Return a routine's state and its version.

    Raises:
        NotFound: `routine_not_found`.
    """
    routine: t.Routine
    routine, version = await dispatch.state(f"routine/{routine_id}", context.partition)
    if routine.definition is None:
        raise missing(routine_id)
    return routine, version


def missing(routine_id: str) -> NotFound:
    """Return what says that there is no such routine."""
    return NotFound(f"there is no routine {routine_id}", code="routine_not_found")
