"""What the tests of rendering share: one event loop, and worker processes that are warm."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.render import studio

HERE: Final = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have these tests run in one loop, for worker processes belong to the loop that they were started in."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def warm_workers() -> AsyncIterator[None]:
    """Lend all studios the same worker processes: each takes a second or two to load what it needs."""
    async with studio.workers() as pool:
        studio.lent[asyncio.get_running_loop()] = pool
        yield
        studio.lent.clear()
