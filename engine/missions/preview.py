"""What a mission would do, told before it is made: its items in order, what they reach, who is asked, how long it takes."""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from statistics import median
from typing import Final

from cutroom_sdk.wire.missions import Decider, MissionPreview, PreviewItem
from cutroom_sdk.wire.runs import Run
from engine.kernel.tools import Tools
from engine.missions.items import MANUAL, ItemSpec
from engine.missions.reducer import check_dependencies
from engine.missions.types import Create

ASKING: Final[frozenset[Decider]] = frozenset({"human", "agent"})


def preview(asked: Create, tools: Tools, past: Sequence[Run]) -> MissionPreview:
    """Return what the mission would do; `past` are runs from which the times are taken.

    Raises:
        Invalid: the items cannot be done in any order.
    """
    check_dependencies(asked.items)
    times = _times(past)
    ordered = _in_order(asked.items)
    items = tuple(_item(spec, tools, times.get(spec.kind, ())) for spec in ordered)
    return MissionPreview(
        title=asked.title,
        goal=asked.goal,
        items=items,
        budgets=asked.budgets,
        priority=asked.priority,
        capabilities=asked.capabilities,
        questions=sum((item.review in ASKING) + (item.test in ASKING) for item in items),
        estimate_s=_whole(items, asked.budgets.max_parallel),
    )


def _times(past: Sequence[Run]) -> Mapping[str, list[float]]:
    """Return, by tool, the seconds that runs took which did the work: not those that earlier work answered."""
    found: dict[str, list[float]] = {}
    for run in past:
        if run.status == "succeeded" and not run.reused and run.started_at_ms and run.finished_at_ms:
            found.setdefault(run.tool, []).append((run.finished_at_ms - run.started_at_ms) / 1000)
    return found


def _in_order(items: Sequence[ItemSpec]) -> list[ItemSpec]:
    """Return items so that each comes after all that it depends on, otherwise as they were given."""
    ordered: list[ItemSpec] = []
    placed: set[str] = set()
    waiting = list(items)
    while waiting:
        free = [item for item in waiting if placed.issuperset(item.depends_on)]
        ordered += free
        placed.update(item.work_item_id for item in free)
        waiting = [item for item in waiting if item.work_item_id not in placed]
    return ordered


def _item(spec: ItemSpec, tools: Tools, times: Sequence[float]) -> PreviewItem:
    manual = spec.kind == MANUAL
    tool = None if manual else tools.get(spec.kind)
    return PreviewItem(
        work_item_id=spec.work_item_id,
        title=spec.title,
        kind=spec.kind,
        depends_on=spec.depends_on,
        effect="manual" if tool is None else tool.effect,
        touches=() if tool is None else tool.touches(tools.read_input(spec.kind, spec.input)),
        review=spec.review,
        test=spec.test,
        estimate_s=None if manual or not times else round(median(times), 1),
        estimated_from=0 if manual else len(times),
    )


def _whole(items: Sequence[PreviewItem], parallel: int) -> float | None:
    """Return how long the items take with `parallel` of them at once, each as soon as it may."""
    ended: dict[str, float] = {}
    alive: list[tuple[float, str]] = []
    now, waiting = 0.0, list(items)
    while waiting or alive:
        for item in [one for one in waiting if ended.keys() >= set(one.depends_on)]:
            if len(alive) == parallel:
                break
            if item.estimate_s is None:
                return None
            heappush(alive, (now + item.estimate_s, item.work_item_id))
            waiting.remove(item)
        now, name = heappop(alive)
        ended[name] = now
    return round(now, 1)
