"""From what is asked for to a mission in which nothing is left open: every item's tool, input and gates are known."""

from typing import Any

import msgspec
from msgspec.structs import replace

from cutroom_sdk.wire.codec import Request
from cutroom_sdk.wire.missions import Budgets, Decider, MissionRequest, WorkItemRequest
from cutroom_sdk.wire.policy import UNASKED
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, Invalid
from engine.kernel.tools import Tools
from engine.missions import templates
from engine.missions.items import MANUAL
from engine.missions.types import Create, ItemSpec

ITEMS_MAX = 2_000


class ManualInput(Request, frozen=True, kw_only=True):
    """Input of a `manual` item: what somebody is to do."""

    title: str
    detail: str = ""


def read(request: MissionRequest, tools: Tools, context: Context) -> Create:
    """Return the proposal that a request comes to.

    Raises:
        Invalid: the request is wrong in itself: shapes, unknown templates or tools, inputs that do not fit. `field`
            names where. Whether the items can be done in some order is for the reducer to say.
        Forbidden: it asks for capabilities that the caller lacks, or gives fewer than its tools need.
    """
    request = _from_template(request) if request.template is not None else request
    if request.title is None or request.goal is None:
        missing = "title" if request.title is None else "goal"
        raise Invalid(f"a mission without a template needs a {missing}", field=missing)
    if len(request.work_items) > ITEMS_MAX:
        raise Invalid(
            f"there are {len(request.work_items)} work items; {ITEMS_MAX} is the most", field="work_items"
        )
    items = tuple(_item(place, item, tools) for place, item in enumerate(request.work_items))
    return Create(
        title=request.title,
        goal=request.goal,
        items=items,
        success_criteria=request.success_criteria,
        budgets=request.budgets or Budgets(),
        capabilities=_capabilities(request, items, tools, context),
        metadata=request.metadata,
        template=request.template,
        self_review=request.self_review,
        start=request.start,
        priority=request.priority,
    )


def check_input(kind: str, arguments: dict[str, Any], tools: Tools) -> None:
    """Check the input of an item of this kind.

    Raises:
        Invalid: `unknown_tool`, or it does not fit; the text names the field.
    """
    if kind != MANUAL:
        tools.read_input(kind, arguments)
        return
    try:
        msgspec.convert(arguments, ManualInput)
    except msgspec.ValidationError as error:
        raise Invalid(f"the input of {MANUAL}: {error}", field="input") from error


def _from_template(request: MissionRequest) -> MissionRequest:
    assert request.template is not None
    for name in ("title", "goal", "success_criteria", "work_items"):
        if getattr(request, name):
            raise Invalid(f"{name} comes from the template; leave it out", field=name)
    filled = templates.fill(request.template, request.args)
    return replace(
        request,
        title=filled.title,
        goal=filled.goal,
        success_criteria=filled.success_criteria,
        budgets=request.budgets or filled.budgets,
        work_items=filled.work_items,
    )


def _item(place: int, asked: WorkItemRequest, tools: Tools) -> ItemSpec:
    given = asked.input
    if asked.kind == MANUAL:
        given = {"title": asked.title, "detail": asked.detail, **given}
    try:
        check_input(asked.kind, given, tools)
    except Invalid as error:
        inner = error.extra.get("field", "kind")
        raise Invalid(error.detail, code=error.code, field=f"work_items[{place}].{inner}") from error
    testable = asked.kind != MANUAL and tools.get(asked.kind).check is not None
    fallback: Decider = "auto" if testable else "human"
    review, test = asked.gates.review or "human", asked.gates.test or fallback
    for gate, decider in (("review", review), ("test", test)):
        if decider == "auto" and not testable:
            raise Invalid(
                f"{asked.kind} has no checks of its own, so nobody can decide its {gate} by itself; name human, agent"
                " or none",
                field=f"work_items[{place}].gates.{gate}",
            )
    return ItemSpec(
        work_item_id=asked.work_item_id or f"item-{place + 1}",
        title=asked.title,
        detail=asked.detail,
        role=asked.role,
        kind=asked.kind,
        input=given,
        depends_on=tuple(dict.fromkeys(asked.depends_on)),
        review=review,
        test=test,
    )


def _capabilities(
    request: MissionRequest, items: tuple[ItemSpec, ...], tools: Tools, context: Context
) -> tuple[str, ...]:
    """Return what the mission's runs may do: what was given, else what its tools need.

    Nobody grants what they lack, and a mission that lacks what its tools need would only fail later.
    """
    needed = sorted({tools.get(item.kind).capability for item in items if item.kind != MANUAL})
    given = request.capabilities if request.capabilities is not None else tuple(needed)
    granted = Context(actor=context.actor, capabilities=frozenset(given))
    if granted.may(UNASKED) and not context.human:
        raise Forbidden(
            f"only a person lets a mission leave this machine unasked: leave {UNASKED} out, and name capabilities one by one",
            capability=UNASKED,
        )
    for capability in given:
        if not context.may(capability):
            raise Forbidden(
                f"{context.actor} lacks {capability} and cannot give it to a mission", capability=capability
            )
    for capability in needed:
        if not granted.may(capability):
            raise Forbidden(
                f"the mission's tools need {capability}, and its capabilities do not hold it",
                capability=capability,
            )
    return given
