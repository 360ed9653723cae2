"""From what is asked for to a mission: templates, tools, gates, rights; every mistake is named."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.missions import MissionRequest
from cutroom_sdk.wire.renders import Check
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, Invalid
from engine.kernel.tools import ToolContext, ToolResult, Tools
from engine.missions import specs, templates
from engine.missions import types as t
from engine.missions.reducer import check_dependencies
from tests.missions_kit import ADA, FakeTool

FOOTAGE = {"asset_ids": ["a", "b"], "goal": "a 20 second highlight", "output": "/out.mp4"}


def tools() -> Tools:
    async def check(_result: ToolResult, _context: ToolContext) -> tuple[Check, ...]:
        return ()

    registry = Tools()
    registry.add(FakeTool("work").tool())
    registry.add(FakeTool("tested", check=check, capability="renders:write").tool())
    return registry


def read(context: Context = ADA, **fields: Any) -> t.Create:
    request = convert({"title": "x", "goal": "y"} | fields, MissionRequest)
    return specs.read(request, tools(), context)


def test_gates_left_out_are_a_persons_review_and_the_tools_own_test() -> None:
    items = [{"title": "a", "kind": "tested"}, {"title": "b", "kind": "work"}, {"title": "c"}]
    made = read(work_items=items).items
    assert [(one.review, one.test) for one in made] == [
        ("human", "auto"),
        ("human", "human"),
        ("human", "human"),
    ]


def test_an_item_is_done_by_hand_unless_a_tool_is_named() -> None:
    (made,) = read(work_items=[{"title": "Film it", "detail": "outside"}]).items
    assert (made.work_item_id, made.kind, made.input) == (
        "item-1",
        "manual",
        {"title": "Film it", "detail": "outside"},
    )


def test_a_gate_cannot_be_left_to_checks_that_are_not_there() -> None:
    with pytest.raises(Invalid, match="work has no checks of its own") as refused:
        read(work_items=[{"title": "a", "kind": "work", "gates": {"test": "auto"}}])
    assert refused.value.extra["field"] == "work_items[0].gates.test"


def test_an_unknown_tool_and_a_wrong_input_are_named() -> None:
    with pytest.raises(Invalid, match="no tool is called 'wrok'") as refused:
        read(work_items=[{"title": "a", "kind": "wrok"}])
    assert (refused.value.code, refused.value.extra["field"]) == ("unknown_tool", "work_items[0].kind")
    with pytest.raises(Invalid, match="txt") as refused:
        read(work_items=[{"title": "a"}, {"title": "b", "kind": "work", "input": {"txt": "?"}}])
    assert refused.value.extra["field"] == "work_items[1].input"
    with pytest.raises(Invalid, match="unknown field `x`"):
        read(work_items=[{"title": "a", "input": {"x": 1}}])


@pytest.mark.parametrize("missing", ["title", "goal"])
def test_a_mission_without_a_template_needs_a_title_and_a_goal(missing: str) -> None:
    fields: dict[str, Any] = {missing: None, "work_items": [{"title": "a"}]}
    with pytest.raises(Invalid, match=f"needs a {missing}"):
        read(**fields)


def test_more_items_than_a_mission_can_show_are_refused() -> None:
    with pytest.raises(Invalid, match="2000 is the most"):
        read(work_items=[{"title": "a"}] * 2001)


def test_a_mission_may_do_what_its_tools_need_and_no_more() -> None:
    items = [{"title": "a", "kind": "tested"}, {"title": "b", "kind": "work"}, {"title": "c"}]
    assert read(work_items=items).capabilities == ("media:write", "renders:write")
    with pytest.raises(Forbidden, match="need renders:write"):
        read(work_items=items, capabilities=["media:write"])


def test_nobody_gives_a_mission_what_they_lack() -> None:
    poor = Context(actor="eve", capabilities=frozenset({"missions:write", "media:write"}))
    with pytest.raises(Forbidden, match="eve lacks renders:write"):
        read(poor, work_items=[{"title": "a", "kind": "tested"}])
    with pytest.raises(Forbidden, match="eve lacks tokens:admin"):
        read(poor, work_items=[{"title": "a"}], capabilities=["tokens:admin"])


@pytest.mark.parametrize(("approve", "review"), [("ask", "human"), ("auto", "auto")])
def test_footage_flows_from_ingest_to_deliver_and_only_the_plan_is_reviewed(
    approve: str, review: str
) -> None:
    filled = templates.fill("footage_edit", FOOTAGE | {"approve": approve, "profile": "reels"})
    assert [item.work_item_id for item in filled.work_items] == [
        "ingest",
        "analyse",
        "plan_cut",
        "render",
        "deliver",
    ]
    gates = {item.work_item_id: (item.gates.review, item.gates.test) for item in filled.work_items}
    assert gates == {
        "ingest": ("none", "none"),
        "analyse": ("none", "none"),
        "plan_cut": (review, "none"),
        "render": ("none", "auto"),
        "deliver": ("none", "none"),
    }
    inputs = {item.work_item_id: item.input for item in filled.work_items}
    assert inputs["ingest"] == {"asset_ids": ["a", "b"]}
    assert inputs["plan_cut"] == {"goal": "a 20 second highlight", "profile": "reels", "post": {}}
    assert inputs["deliver"] == {"output": "/out.mp4"}


def test_a_person_reviews_the_plan_unless_told_otherwise() -> None:
    assert templates.fill("footage_edit", FOOTAGE).work_items[2].gates.review == "human"


def test_words_that_look_like_a_template_stay_words() -> None:
    filled = templates.fill("footage_edit", FOOTAGE | {"goal": "the $profile and $100 ${x}"})
    assert filled.work_items[2].input["goal"] == "the $profile and $100 ${x}"
    assert filled.title == "Edit: the $profile and $100 ${x}"


@pytest.mark.parametrize(
    ("name", "args", "field", "says"),
    [
        ("footage_edti", {}, "template", "did you mean footage_edit?"),
        ("zzz", {}, "template", "there are batch_of_footage, footage_edit, generic"),
        ("footage_edit", {"gaol": "x"}, "args.gaol", "did you mean goal?"),
        ("footage_edit", {"goal": "x", "output": "/x"}, "args.asset_ids", "needs asset_ids"),
        ("footage_edit", FOOTAGE | {"asset_ids": []}, "args.asset_ids", "at least one"),
        ("footage_edit", FOOTAGE | {"asset_ids": "a"}, "args.asset_ids", "not a list"),
        ("footage_edit", FOOTAGE | {"goal": 3}, "args.goal", "not a text"),
        ("footage_edit", FOOTAGE | {"approve": "maybe"}, "args.approve", "ask or auto"),
        ("footage_edit", FOOTAGE | {"approve": ["ask"]}, "args.approve", "ask or auto"),
    ],
)
def test_a_wrong_template_or_argument_is_named_with_what_would_be_right(
    name: str, args: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(Invalid, match=re.escape(says)) as refused:
        templates.fill(name, args)
    assert refused.value.extra["field"] == field


def test_what_comes_from_a_template_is_not_given_beside_it() -> None:
    with pytest.raises(Invalid, match="title comes from the template"):
        read(template="task", args={"title": "x"})


@pytest.mark.parametrize("name", templates.names())
def test_every_template_that_ships_can_be_read_and_done_in_some_order(name: str) -> None:
    template = templates.load(name)
    given: dict[str, Any] = {}
    for arg, wanted in template.args.items():
        given[arg] = {
            "text": "x",
            "texts": ["x"],
            "footage": ["x", "y"],
            "choice": next(iter(wanted.choices), ""),
            "settings": {},
        }[wanted.type]
    items = tuple(
        t.ItemSpec(
            work_item_id=item.work_item_id or "",
            title=item.title,
            detail=item.detail,
            role=item.role,
            kind=item.kind,
            input=item.input,
            depends_on=item.depends_on,
            review=item.gates.review or "none",
            test=item.gates.test or "none",
        )
        for item in templates.fill(name, given).work_items
    )
    check_dependencies(items)
    assert not {"one", "name", "n"} & set(template.args), "these are what stands for each of several"
    assert all(template.args[one["for_each"]].type != "text" for one in template.items if "for_each" in one)


BATCH = {"goal": "20 seconds", "output": "/out"}


@pytest.mark.parametrize("name", ["batch_of_footage", "footage_edit", "weekly_highlights"])
def test_every_template_that_cuts_takes_settings_for_what_is_done_with_the_cut(name: str) -> None:
    given = (FOOTAGE if name == "footage_edit" else BATCH | {"sources": ["/f/a.mp4"]}) | {"output": "/out"}

    def planned(**more: object) -> dict[str, object]:
        items = templates.fill(name, given | more).work_items
        (one,) = (item for item in items if item.kind == "plan_cut")
        return one.input

    assert planned()["post"] == {}
    assert planned(post={"speed": "2"})["post"] == {"speed": "2"}
    with pytest.raises(Invalid, match="post is no object") as refused:
        planned(post=["speed"])
    assert refused.value.extra["field"] == "args.post"


def test_a_batch_is_an_edit_of_each_clip_and_no_clip_waits_for_another() -> None:
    clips = [f"/clips/{number}.mp4" for number in range(1, 11)]
    items = {
        one.work_item_id: one
        for one in templates.fill("batch_of_footage", BATCH | {"sources": clips}).work_items
    }
    assert len(items) == 5 * len(clips)
    assert items["collect-03"].input == {"sources": ["/clips/3.mp4"]}
    assert items["collect-03"].title == "Take in 3.mp4"
    assert items["deliver-10"].input == {"output": "/out/", "prefix": "10-"}
    needs = [needed for one in items.values() for needed in one.depends_on if one.title.endswith(" 7.mp4")]
    assert {needed.rpartition("-")[2] for needed in needs} == {"07"}


async def test_a_folder_stands_for_its_footage_and_is_looked_into_before_the_items_are_made() -> None:
    registry = Tools()

    async def listing(sources: Sequence[str], _context: Context) -> list[str]:
        if sources == ["/empty"]:
            raise Invalid("there is no footage in /empty", field="sources")
        return [f"{source}/{name}.mp4" for source in sources for name in "ab"]

    registry.list_with("footage", listing)
    request = MissionRequest(template="batch_of_footage", args=BATCH | {"sources": ["/f", "/g"]})
    listed = await templates.listed(request, registry, ADA)
    assert listed.args["sources"] == ["/f/a.mp4", "/f/b.mp4", "/g/a.mp4", "/g/b.mp4"]
    empty = MissionRequest(template="batch_of_footage", args=BATCH | {"sources": ["/empty"]})
    with pytest.raises(Invalid, match="no footage in /empty") as refused:
        await templates.listed(empty, registry, ADA)
    assert refused.value.extra["field"] == "args.sources"
    unlike = MissionRequest(template="footage_edit", args=FOOTAGE)
    assert await templates.listed(unlike, registry, ADA) == unlike
