"""Work on files, beside the event loop."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread of its own and return what it returns: reading a file must not hold the loop up."""
    return await asyncio.to_thread(work, *args, **kwargs)
