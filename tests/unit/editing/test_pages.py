"""Long timelines: published in pages, of which an edit writes those that it touches."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire import operations as o
from cutroom_sdk.wire.codec import convert, decode, encode, to_builtins
from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Gap, Timeline, TimeRange, Track
from cutroom_sdk.wire.timelines import StoredTimeline, TimelineTrack
from engine.editing import reducer, validate
from engine.editing.pages import PAGE_MOST, WHOLE_MOST, pages
from engine.editing.reducer import (
    TIMELINE,
    UNPAGED,
    Create,
    Created,
    Edit,
    Kept,
    changed,
    decide,
    init,
    on_event,
    resources,
)
from engine.editing.validate import check_timeline
from engine.kernel.errors import Invalid
from engine.kernel.reducer import Envelope
from engine.kernel.shapes import restore
from tests.unit.editing.test_kept import border, edit, keep, said

RATE = Fraction(25)
ADA = Envelope(at_ms=0, actor="ada")
EVENT: Any = reducer.Event


def clip(name: str) -> Clip:
    return Clip(
        id=name,
        media=AssetReference(asset_id="f00"),
        source_range=TimeRange(start=Fraction(1), duration=Fraction(1)),
    )


def film(count: int) -> Timeline:
    """A timeline with so many clips of a second each on its first track, and one on its second."""
    long = Track(kind="video", name="V1", items=tuple(clip(f"c{number}") for number in range(count)))
    short = Track(kind="video", name="V2", items=(clip("alone"),))
    return Timeline(name="film", rate=RATE, width=1920, height=1080, sample_rate=48_000, tracks=(long, short))


class Desk:
    """A kept timeline, and what is published of it as those have it who take in what each event changes."""

    def __init__(self, timeline: Timeline) -> None:
        self.kept: Kept = init("t")
        self.seen: dict[str, bytes] = {}
        self.does(Create(timeline=timeline))

    def does(self, proposal: Any) -> tuple[int, Mapping[str, int]]:
        """Propose something; return the bytes of its events and of each resource that it writes."""
        size, told = 0, dict[str, int]()
        for event in decide(self.kept, proposal, ADA):
            data = encode(event)
            before, self.kept = self.kept, on_event(self.kept, decode(data, EVENT), ADA).state
            size += len(data)
            differs = changed("t", before, self.kept)
            assert len(self.seen) < 8 or len(differs) < 12, "what is left alone is not even looked at"
            for key, value in differs.items():
                new = b"" if value is None else encode(value)
                if self.seen.get(key, b"") != new:
                    told[key] = len(new)
                    self.seen[key] = new
        return size, told

    def edits(self, *operations: o.TimelineOperation) -> tuple[int, Mapping[str, int]]:
        return self.does(Edit(operations=operations))

    @property
    def whole(self) -> dict[str, bytes]:
        """All that is published of the timeline as it is."""
        return {key: encode(value) for key, value in resources("t", self.kept).items() if value is not None}


def test_a_long_track_is_published_in_pages_and_a_short_one_whole() -> None:
    desk = Desk(film(1000))
    track = decode(desk.seen["timeline/t/track/0"], TimelineTrack)
    assert track.track.items == ()
    assert len({f"timeline/t/track/0/items/{page}" for page in track.pages} & desk.seen.keys()) == len(
        track.pages
    )
    assert max(map(len, desk.seen.values())) < 64 << 10
    assert "pages" not in desk.seen["timeline/t/track/1"].decode(), "what was known before is as it was"
    assert pages(film(WHOLE_MOST).tracks[0].items) == {}


def test_pages_are_of_bounded_length_and_come_to_all_items() -> None:
    same = [name for name in (f"n{number}" for number in range(4000)) if not begins_by_itself(name)]
    items = tuple(map(clip, same))
    found = pages(items)
    assert tuple(item for page in found.values() for item in page) == items
    assert {len(page) for page in list(found.values())[:-1]} == {PAGE_MOST}


def begins_by_itself(name: str) -> bool:
    """Whether a page begins with this clip, whatever stands around it."""
    around = [clip(f"{name}/{number}") for number in range(WHOLE_MOST)]
    return len(pages((*around[:1], clip(name), *around[1:])).get("first", ())) == 1


MIDDLE = Fraction(500)
OPERATIONS: list[o.TimelineOperation] = [
    o.Trim(clip="c500", tail=1 / RATE, ripple=True),
    o.Trim(clip="c500", head=1 / RATE),
    o.SetClip(clip="c500", name="better"),
    o.AddEffect(clip="c500", effect=Effect(name="exposure", parameters={"stops": 0.5})),
    o.Split(clip="c500", at=10 / RATE),
    o.SetSpeed(clip="c500", speed=Fraction(2)),
    o.Remove(clip="c500"),
    o.RippleDelete(clip="c500"),
    o.Insert(track=0, item=clip("new"), at=Fraction(0)),
    o.Insert(track=0, item=clip("new"), at=MIDDLE, placing="overwrite"),
    o.Insert(track=0, item=Gap(duration=Fraction(2)), at=MIDDLE + 10 / RATE),
    o.Move(clip="c3", at=Fraction(900)),
    o.Move(clip="c900", at=Fraction(2), placing="overwrite"),
    o.Move(clip="c500", at=Fraction(3), track=1),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: type(one).__name__)
def test_an_edit_of_a_long_timeline_records_and_publishes_what_it_touches(
    operation: o.TimelineOperation,
) -> None:
    desk = Desk(film(1000))
    recorded, told = desk.edits(operation)
    assert recorded < 4 << 10
    assert sum(told.values()) < 40 << 10
    assert len([key for key in told if "/items/" in key]) <= 6


def test_what_each_edit_changes_comes_to_what_is_there() -> None:
    desk = Desk(film(WHOLE_MOST + 1))
    for step in (
        o.RippleDelete(clip="c1"),  # short now
        o.Split(clip="c2", at=10 / RATE),  # long again
        o.Insert(track=0, item=clip("new"), at=Fraction(3)),
        o.AddTrack(kind="video", name="below", index=0),
        o.Move(clip="c9", at=Fraction(0), track=2),
        o.SetTrack(track=1, name="other"),
        o.RemoveTrack(track=1),
    ):
        desk.edits(step)
        assert {key: value for key, value in desk.seen.items() if value} == desk.whole, step


def test_a_check_looks_at_what_an_edit_touched_and_finds_what_is_wrong_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []
    real = validate._check_clip

    def look(one: Clip, kind: str, field: str, depth: int) -> None:
        looked.append(one.id)
        real(one, kind, field, depth)

    desk = Desk(film(500))
    monkeypatch.setattr(validate, "_check_clip", look)
    desk.edits(o.Trim(clip="c300", tail=1 / RATE, ripple=True))
    assert looked == ["c300"]
    for operation, field in (
        (o.Insert(track=0, item=clip("c7")), "timeline.tracks[0].items[500].id"),
        (o.SetSpeed(clip="c9", speed=Fraction(101), keep="duration"), "timeline.tracks[0].items[9].speed"),
    ):
        with pytest.raises(Invalid) as refused:
            desk.edits(operation)
        assert refused.value.extra["field"] == field
    desk.edits(o.SetSettings(rate=Fraction(50)))
    with pytest.raises(Invalid, match="whole number of frames"):
        desk.edits(o.SetSettings(rate=Fraction(3, 7)))


def test_a_timeline_of_a_log_from_before_there_were_pages_is_published_as_it_was() -> None:
    made = to_builtins(Created(timeline=film(200)))
    del made["paged"]
    kept = on_event(init("t"), convert(made, EVENT), ADA).state
    published = resources("t", kept)
    assert set(published) == {"timeline/t", "timeline/t/track/0", "timeline/t/track/1"}
    (edited,) = decide(kept, Edit(operations=(o.SetClip(clip="c5", name="x"),)), ADA)
    after = on_event(kept, edited, ADA).state
    assert set(changed("t", kept, after)) == {"timeline/t", "timeline/t/track/0"}
    assert after.timeline is not None
    check_timeline(after.timeline)


def test_a_state_that_was_kept_before_there_were_pages_is_read_with_the_lengths_of_its_tracks() -> None:
    made = on_event(init("t"), Created(timeline=film(200)), ADA).state
    kept = to_builtins(made)
    assert (kept.pop("lasts"), kept.pop("paged")) == (("200", "1"), False)
    assert restore(encode(kept), UNPAGED, TIMELINE) == made
    none = {name: value for name, value in to_builtins(init("t")).items() if name not in ("lasts", "paged")}
    assert restore(encode(none), UNPAGED, TIMELINE) == init("t")


async def test_a_long_timeline_is_read_edited_taken_back_and_forked_as_a_short_one(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        first = await keep(client, film(300))
        path = f"/v1/timelines/{first['timeline_id']}"
        done = await edit(client, path, {"type": "ripple_delete", "clip": "c100"}, at=1)
        assert done.json()["tracks"][0]["items"] == 299
        read = (await client.get(path)).json()
        names = [one["id"] for one in read["timeline"]["tracks"][0]["items"]]
        assert names == [f"c{number}" for number in range(300) if number != 100]
        assert (await client.get(path, params={"version": 1})).json() == first
        forked = (await client.post(f"{path}/fork", json={"version": 1})).json()
        assert forked["timeline"] == first["timeline"]
        assert (await said(client, path, "undo")).status_code == 200
        again = convert((await client.get(path)).json(), StoredTimeline)
        assert again.timeline == film(300)
