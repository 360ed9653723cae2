"""What a mission would do, told before it is made."""

from collections.abc import Sequence

import pytest

from cutroom_sdk.wire.missions import Budgets
from cutroom_sdk.wire.runs import Run
from engine.kernel.errors import Invalid
from engine.kernel.tools import Tools
from engine.missions import types as t
from engine.missions.preview import preview
from tests.missions_kit import FakeTool, item


def tools() -> Tools:
    found = Tools()
    for name in ("work", "slow"):
        found.add(FakeTool(name).tool())
    return found


def asked(*items: t.ItemSpec, parallel: int = 2) -> t.Create:
    return t.Create(title="x", goal="x", items=items, budgets=Budgets(max_parallel=parallel))


def ran(tool: str, seconds: float, *, reused: bool = False, status: str = "succeeded") -> Run:
    return Run(
        run_id="r",
        mission_id="m",
        work_item_id="i",
        tool=tool,
        attempt=1,
        status=status,  # type: ignore[arg-type]
        input={},
        refs=(),
        reasons=(),
        queued_at_ms=0,
        started_at_ms=1_000,
        finished_at_ms=1_000 + int(seconds * 1000),
        reused=reused,
    )


PAST: Sequence[Run] = (
    ran("work", 1),
    ran("work", 2),
    ran("work", 9),
    ran("work", 500, reused=True),
    ran("work", 500, status="failed"),
    ran("slow", 10),
)


def test_items_come_in_an_order_in_which_they_can_start() -> None:
    told = preview(asked(item("c", "b"), item("b", "a"), item("a")), tools(), ())
    assert [one.work_item_id for one in told.items] == ["a", "b", "c"]


def test_times_are_the_medians_of_runs_that_did_the_work() -> None:
    told = preview(asked(item("a"), item("b", kind="slow")), tools(), PAST)
    assert [(one.estimate_s, one.estimated_from) for one in told.items] == [(2.0, 3), (10.0, 1)]


@pytest.mark.parametrize(("parallel", "seconds"), [(1, 16.0), (2, 12.0), (4, 12.0)])
def test_the_whole_takes_as_long_as_its_dependencies_and_its_budget_have_it(
    parallel: int, seconds: float
) -> None:
    items = (item("a"), item("b", kind="slow"), item("c"), item("d", "b"))
    assert preview(asked(*items, parallel=parallel), tools(), PAST).estimate_s == seconds


def test_where_a_time_is_not_known_none_is_made_up() -> None:
    told = preview(asked(item("a"), item("b", kind="manual")), tools(), PAST)
    assert told.estimate_s is None
    assert (told.items[1].effect, told.items[1].estimate_s) == ("manual", None)


def test_the_gates_that_wait_for_somebody_are_counted() -> None:
    told = preview(asked(item("a", review="human", test="auto"), item("b", test="agent")), tools(), ())
    assert told.questions == 2


def test_items_in_a_circle_are_refused() -> None:
    with pytest.raises(Invalid, match="depend on each other"):
        preview(asked(item("a", "b"), item("b", "a")), tools(), ())
