"""The files that other programs get, byte for byte, and what is told of each: golden copies in `snapshots/interchange/`."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.codec import encode, to_builtins
from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Marker,
    Timeline,
    TimeRange,
    Track,
    Transition,
    Word,
)
from engine.editing.interchange.formats import FORMS
from engine.editing.interchange.settings import Asked
from tests.unit.editing.interchange import kit

FRAME = 1 / kit.DROP


def caption(number: int, text: str, frames: int, *, timed: bool = False) -> Clip:
    said = text.split() if timed else []
    step = Fraction(frames) * FRAME / max(len(said), 1)
    words = tuple(Word(text=word, start=step * at, end=step * (at + 1)) for at, word in enumerate(said))
    look = {"style": "karaoke", "highlight_colour": "#ffcc00"} if timed else {"italic": 1.0}
    return Clip(
        id=f"caption-{number}",
        media=Generator(kind="caption", parameters={"text": text, **look}, words=words),
        source_range=TimeRange(start=Fraction(0), duration=frames * FRAME),
    )


def interview() -> Timeline:
    """A cut at 30000/1001: two assets, a dissolve, a slow clip, a title above, music, captions."""
    talk = kit.clip(kit.TALK.asset_id, 300 * FRAME, 1800 * FRAME, name="Opening")
    street = kit.clip(kit.STREET.asset_id, 60 * FRAME, 120 * FRAME, number=2)
    slow = replace(
        kit.clip(kit.TALK.asset_id, 4000 * FRAME, 90 * FRAME, number=3),
        speed=Fraction(1, 2),
        effects=(Effect(name="exposure", parameters={"stops": 0.5}),),
        markers=(Marker(name="Laughs", at=30 * FRAME, colour="green"),),
        reasons=("said well",),
    )
    music = kit.clip(kit.STREET.asset_id, 0, 900 * FRAME, number=4)
    fade = (
        Keyframe(at=Fraction(0), value=-60.0),
        Keyframe(at=Fraction(2), value=-6.0, ease=(0.4, 0.0, 0.6, 1.0)),
    )
    dissolve = Transition(kind="dissolve", in_offset=15 * FRAME, out_offset=15 * FRAME)
    return Timeline(
        name="Interview & street",
        rate=kit.DROP,
        width=1920,
        height=1080,
        sample_rate=48_000,
        tracks=(
            Track(kind="video", name="V1", items=(talk, dissolve, street, Gap(duration=30 * FRAME), slow)),
            Track(
                kind="video",
                name="Titles",
                items=(Gap(duration=60 * FRAME), kit.title("Ada Lovelace", 90 * FRAME)),
            ),
            Track(kind="audio", name="Music", items=(music,), gain_db=fade),
            Track(
                kind="caption",
                name="English",
                items=(
                    caption(1, "So it\nbegan.", 75),
                    Gap(duration=15 * FRAME),
                    caption(2, "One <two> three", 90, timed=True),
                ),
            ),
        ),
        markers=(Marker(name="Check this", at=600 * FRAME, comment="colour", colour="red"),),
    )


@pytest.mark.parametrize("name", FORMS)
def test_the_file_is_the_golden_one(name: str, golden: Callable[[str, bytes], None]) -> None:
    form = FORMS[name]  # type: ignore[index]  # a name of the table
    made = form.write(interview(), kit.SHELF)
    golden(f"interchange/interview{form.suffixes[0]}", made.data)
    golden(
        f"interchange/{name}-losses.json", encode(to_builtins(made.losses)).replace(b"},{", b"},\n{") + b"\n"
    )


@pytest.mark.parametrize("name", FORMS)
def test_what_was_read_once_is_written_and_read_as_it_is(name: str) -> None:
    form = FORMS[name]  # type: ignore[index]  # a name of the table
    asked = Asked(name="Interview & street", rate=kit.DROP, width=1920, height=1080)

    def again(timeline: Timeline) -> Timeline:
        return form.read(form.write(timeline, kit.SHELF).data, asked, kit.SHELF).timeline

    # The first reading puts tracks into the format's own order.
    settled = again(again(interview()))
    assert again(settled) == settled
