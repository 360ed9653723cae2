"""An error that nobody foresaw, at every place before the commit, leaves nothing behind; after a while all goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from engine.kernel.failpoints import VARIABLE, Struck, arm, disarm
from tests.fault import invariants
from tests.kernel_kit import ADA, COUNTER, Add, running

BEFORE: Final = (
    "database.begun",
    "dispatch.events_written",
    "dispatch.changes_written",
    "database.before_commit",
)


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    disarm()


@pytest.mark.parametrize("name", BEFORE)
async def test_what_strikes_before_the_commit_leaves_nothing_and_is_told(name: str, tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        arm({VARIABLE: f"{name}=raise"})
        with pytest.raises(Struck):
            await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert (await kernel.dispatch.state("counter/a", ADA.partition))[1] == 1
        again = await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert (again.version, again.position) == (2, 2)
    events = await invariants.check_log(tmp_path, [COUNTER])
    assert [event.stream for event in events] == ["counter/a", "counter/a"]
