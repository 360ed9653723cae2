"""Whatever is edited in whatever order: every edit can be taken back, and what is accepted holds together."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.codec import convert, decode, encode, to_builtins
from cutroom_sdk.wire.timeline import Clip, Timeline
from cutroom_sdk.wire.timelines import StoredTimeline
from engine.editing import changes as c
from engine.editing.finding import clips
from engine.editing.operations import carried_out
from engine.editing.reducer import (
    Create,
    Edit,
    Edited,
    Event,
    Kept,
    TakeBack,
    decide,
    init,
    on_event,
)
from engine.editing.undo import Past, redoing, undoing
from engine.editing.validate import check_timeline
from engine.kernel.errors import Conflict, Invalid, NotFound, Rejected
from engine.kernel.reducer import Envelope, tag_of
from tests.property.edits import operations, timelines
from tests.unit.editing.test_kept import border, edit, keep

EVENT: Any = Event
REFUSED = (Invalid, Rejected)


class Bench:
    """A kept timeline, edited by hand: its state, and its history as the log has it."""

    def __init__(self, timeline: Timeline) -> None:
        self.kept: Kept = init("t")
        self.history: list[Past] = []
        self.says(Create(timeline=timeline), "ada")

    @property
    def timeline(self) -> Timeline:
        assert self.kept.timeline is not None
        return self.kept.timeline

    def says(self, proposal: Any, actor: str) -> bool:
        """Propose something; tell whether anything came of it."""
        envelope = Envelope(at_ms=len(self.history), actor=actor)
        events = decide(self.kept, proposal, envelope)
        for event in events:
            # What is folded is what the log gives back.
            read = decode(encode(event), EVENT)
            assert read == event
            self.kept = on_event(self.kept, read, envelope).state
            self.history.append(Past(self.kept.version, actor, envelope.at_ms, read))
        return bool(events)

    def takes_back(self, what: Any, actor: str) -> bool:
        """Undo or redo; False when there is nothing to. Raises Conflict as the routes do."""
        found = (undoing if what == "undo" else redoing)(self.history, actor)
        return found is not None and self.says(TakeBack(what=what, of=found.of, changes=found.changes), actor)

    def touched(self, actor: str) -> frozenset[str]:
        """The ids of the clips that an actor's edits changed."""
        made = [past.event for past in self.history if past.actor == actor]
        return frozenset().union(*(c.clips_of(one.changes) for one in made if isinstance(one, Edited)))

    def undo_all(self, actor: str) -> Conflict | None:
        """Undo until there is nothing left; return what stands in the way."""
        try:
            while self.takes_back("undo", actor):
                pass
        except Conflict as conflict:
            return conflict
        except Invalid:
            hypothesis.reject()  # nothing touched the same, but the neighbours do not go together: a route's 409
        except Rejected:
            hypothesis.reject()  # a track that bob has locked
        return None


def by_id(timeline: Timeline) -> dict[str, Clip]:
    """A timeline's clips."""
    return {one.id: one for one in clips(timeline)}


def edited(data: st.DataObject, bench: Bench, actor: str = "ada") -> bool:
    """Draw an edit of up to three operations and make it; tell whether it was one."""
    timeline, made = bench.timeline, []
    for _ in range(data.draw(st.integers(1, 3))):
        operation = data.draw(operations(timeline))
        try:
            timeline = carried_out(timeline, [operation]).timeline
        except REFUSED:
            continue
        made.append(operation)
    try:
        return bool(made) and bench.says(Edit(operations=tuple(made)), actor)
    except REFUSED:
        return False


@given(timelines(), st.data())
@settings(max_examples=60)
def test_an_edit_read_backwards_is_its_inverse(before: Timeline, data: st.DataObject) -> None:
    operation = data.draw(operations(before))
    try:
        after, changes = carried_out(before, [operation])
    except REFUSED:
        return
    assert c.applied(before, changes) == after
    assert c.applied(after, c.inverse(changes)) == before
    assert c.inverse(c.inverse(changes)) == changes


@given(timelines(), st.data())
@settings(max_examples=60)
def test_what_is_accepted_holds_together(timeline: Timeline, data: st.DataObject) -> None:
    bench = Bench(timeline)
    for _ in range(4):
        edited(data, bench)
        check_timeline(bench.timeline)


@given(timelines(), st.data())
@settings(max_examples=60)
def test_undoing_all_gives_the_first_and_redoing_all_the_last(
    timeline: Timeline, data: st.DataObject
) -> None:
    bench = Bench(timeline)
    seen = [bench.timeline]
    seen += [bench.timeline for _ in range(5) if edited(data, bench)]
    for earlier in seen[-2::-1]:
        assert bench.takes_back("undo", "ada")
        assert bench.timeline == earlier
    assert not bench.takes_back("undo", "ada")
    for later in seen[1:]:
        assert bench.takes_back("redo", "ada")
        assert bench.timeline == later
    assert not bench.takes_back("redo", "ada")


@given(timelines(), st.data())
@settings(max_examples=60)
def test_undo_takes_back_the_actors_own_edits_and_leaves_the_others(
    timeline: Timeline, data: st.DataObject
) -> None:
    """What ada alone has touched is as it was at first; what bob alone has touched is as he left it."""
    bench = Bench(timeline)
    for _ in range(data.draw(st.integers(1, 4))):
        edited(data, bench, data.draw(st.sampled_from(["ada", "bob"])))
    left, touched = by_id(bench.timeline), {who: bench.touched(who) for who in ("ada", "bob")}
    conflict = bench.undo_all("ada")
    if conflict is not None:
        assert {one.actor for one in conflict.extra["operations"]} == {"bob"}, "who is in the way is named"
        return
    now, first = by_id(bench.timeline), by_id(timeline)
    for name in touched["ada"] - touched["bob"]:
        assert now.get(name) == first.get(name)
    for name in touched["bob"] - touched["ada"]:
        assert now.get(name) == left.get(name)


@given(timelines(), st.data())
@settings(max_examples=60)
def test_edits_between_an_edit_and_its_undo_do_not_hinder_each_other(
    timeline: Timeline, data: st.DataObject
) -> None:
    bench = Bench(timeline)
    if not edited(data, bench, "ada"):
        return
    before = bench.timeline
    made = edited(data, bench, "bob")
    assert bench.takes_back("undo", "bob") is made
    assert bench.timeline == before
    assert bench.takes_back("undo", "ada"), "what bob took back himself is in nobody's way"
    assert bench.timeline == timeline


@given(timelines(), st.data())
@settings(max_examples=60)
def test_a_fork_equals_its_source_and_a_replay_its_first_fold(
    timeline: Timeline, data: st.DataObject
) -> None:
    bench = Bench(timeline)
    for _ in range(3):
        edited(data, bench)
    fork = Bench(bench.timeline)
    assert fork.timeline == bench.timeline
    again = init("t")
    for past in bench.history:
        again = on_event(again, past.event, Envelope(at_ms=past.at_ms, actor=past.actor)).state
    assert again == bench.kept
    assert encode(again) == encode(bench.kept)


@given(timelines(), st.data())
@settings(max_examples=15)
def test_who_edits_an_older_version_is_refused_whatever_they_touch_and_told_what_won(
    timeline: Timeline, data: st.DataObject
) -> None:
    """Nothing is merged: not even edits of different clips. At the version that it has come to they are accepted."""
    asyncio.run(_overtaken(timeline, data))


async def _overtaken(first: Timeline, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with border(Path(folder)) as (kernel, client):
            path = f"/v1/timelines/{(await keep(client, first))['timeline_id']}"
            now, won = first, list[tuple[str, set[str]]]()
            for _ in range(data.draw(st.integers(1, 3))):
                operation = data.draw(operations(now))
                done = await edit(client, path, to_builtins(operation), at=len(won) + 1, who="bob")
                if done.status_code == 200 and done.json()["version"] > len(won) + 1:
                    before, now = now, carried_out(now, [operation]).timeline
                    won.append((tag_of(type(operation)), _differing(before, now)))
            hypothesis.assume(won)
            head, late = kernel.dispatch.head, data.draw(operations(first))
            refused = (await edit(client, path, to_builtins(late), at=1)).json()
            assert (refused["code"], refused["expected"]) == ("version_conflict", 1)
            assert refused["actual"] == len(won) + 1
            told = refused["operations"]
            assert [(one["version"], one["actor"]) for one in told] == [
                (version, "bob") for version in range(2, len(won) + 2)
            ]
            for one, (name, touched) in zip(told, won, strict=True):
                assert one["operations"] == [name]
                assert touched <= set(one["clips"]), "every clip that is another one now is named"
            assert kernel.dispatch.head == head, "a refusal leaves nothing behind"
            again = await edit(client, path, to_builtins(late), at=len(won) + 1)
            left = convert((await client.get(path)).json(), StoredTimeline).timeline
            assert left == (carried_out(now, [late]).timeline if again.status_code == 200 else now)


def _differing(before: Timeline, after: Timeline) -> set[str]:
    """The ids of clips that are there once, or not as they were."""
    old, new = by_id(before), by_id(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def test_a_timeline_that_is_not_there_takes_no_edit() -> None:
    with pytest.raises(NotFound, match="no timeline"):
        decide(init("t"), Edit(operations=()), Envelope(at_ms=0, actor="ada"))
