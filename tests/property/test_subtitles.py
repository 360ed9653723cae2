"""Captions survive SRT, WebVTT and ASS on the very frames they were on; any bytes are captions or refused."""

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Parameter, Timeline, TimeRange, Track, Word
from engine.editing.interchange.ass import read_ass, write_ass
from engine.editing.interchange.losses import Exported, Imported
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.srt import read_srt, write_srt
from engine.editing.interchange.vtt import read_vtt, write_vtt
from engine.editing.timeline import places
from engine.kernel.errors import Invalid
from tests.property.timelines import RATES

Writer = Callable[[Timeline, Shelf], Exported]
Reader = Callable[[bytes, Asked, Shelf], Imported]
FORMATS: dict[str, tuple[Writer, Reader]] = {
    "srt": (write_srt, read_srt),
    "vtt": (write_vtt, read_vtt),
    "ass": (write_ass, read_ass),
}
lines = st.from_regex(r"\A[^\W\d_]{1,9}( [^\W\d_]{1,9}){0,3}[.!?]?\Z")
texts = st.lists(lines, min_size=1, max_size=2).map("\n".join)


@st.composite
def captions(draw: st.DrawFn, *, timed: bool) -> Timeline:
    rate = draw(st.sampled_from(RATES))
    items: list[Clip | Gap] = []
    for number, text in enumerate(draw(st.lists(texts, min_size=1, max_size=5))):
        if draw(st.booleans()):
            items.append(Gap(duration=draw(st.integers(1, 5000)) / rate))
        frames = draw(st.integers(30, 400))
        said = text.split() if timed else []
        step = frames / rate / max(len(said), 1)
        words = tuple(
            Word(
                text=word,
                start=round(at * step * 100) * Fraction(1, 100),
                end=round((at + 1) * step * 100) * Fraction(1, 100),
            )
            for at, word in enumerate(said)
        )
        media = Generator(kind="caption", parameters={"text": text}, words=words)
        items.append(
            Clip(
                id=f"{number}", media=media, source_range=TimeRange(start=Fraction(0), duration=frames / rate)
            )
        )
    return Timeline(
        name="A cut",
        rate=rate,
        width=1280,
        height=720,
        sample_rate=48000,
        tracks=(Track(kind="caption", name="C1", items=tuple(items)),),
    )


def shown(timeline: Timeline) -> list[tuple[Fraction, Fraction, Parameter]]:
    return [
        (start, end, item.media.parameters["text"])
        for track in timeline.tracks
        for start, end, item in places(track)
        if isinstance(item, Clip) and isinstance(item.media, Generator)
    ]


def spoken(timeline: Timeline) -> list[tuple[str, Fraction]]:
    clips = [item for track in timeline.tracks for item in track.items if isinstance(item, Clip)]
    return [
        (word.text, word.start)
        for clip in clips
        if isinstance(clip.media, Generator)
        for word in clip.media.words
    ]


def again(name: str, timeline: Timeline) -> Imported:
    write, read = FORMATS[name]
    asked = Asked(rate=timeline.rate, width=timeline.width, height=timeline.height)
    return read(write(timeline, Shelf()).data, asked, Shelf())


@pytest.mark.parametrize("name", FORMATS)
@given(timeline=captions(timed=False))
@settings(max_examples=40, deadline=None)
def test_captions_come_back_on_their_frames(name: str, timeline: Timeline) -> None:
    read = again(name, timeline)
    assert shown(read.timeline) == shown(timeline)
    assert read.losses == ()


@pytest.mark.parametrize("name", ["vtt", "ass"])
@given(timeline=captions(timed=True))
@settings(max_examples=40, deadline=None)
def test_words_keep_their_times_to_what_the_format_can_say(name: str, timeline: Timeline) -> None:
    read = again(name, timeline)
    assert shown(read.timeline) == shown(timeline)
    was, now = spoken(timeline), spoken(read.timeline)
    assert [text for text, _ in now] == [text for text, _ in was]
    # A caption's own start is rounded too, and its frame is found again; words count from it.
    assert all(abs(a - b) <= Fraction(2, 100) for (_, a), (_, b) in zip(was, now, strict=True))


pieces = st.sampled_from(
    [
        "WEBVTT\n\n", "1\n", "00:00:01,000 --> 00:00:02,000\n", "00:00:01.000 --> 00:00:02.500 line:10%\n", "<i>", "</i>",
        "<00:00:01.500>", "[Events]\n", "[V4+ Styles]\n", "Format: Start, Text\n", "Dialogue: 0,0:00:01.00,0:00:02.00,A,,0,0,0,,",
        "{\\k20}", "{\\pos(1,2)\\b1}", "PlayResX: 0\n", "Style: a,b,nan,inf\n", "\n\n", "-->", "NOTE\n", "<font color=red>", "x",
    ]
)  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@given(
    data=st.binary(max_size=200)
    | st.lists(pieces | st.text(max_size=5), max_size=20).map("".join).map(str.encode)
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_captions_or_refused(name: str, data: bytes) -> None:
    with suppress(Invalid):
        assert FORMATS[name][1](data, Asked(), Shelf()).timeline.tracks


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "data", [b"<" * 3_000_000, b"{\\" * 2_000_000, b"\n" * 3_000_000, b"--> " * 1_000_000]
)
def test_a_long_line_takes_no_long_time(name: str, data: bytes) -> None:
    with suppress(Invalid):
        head = {"vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\n", "srt": b"1\n00:00:01,000 --> 00:00:02,000\n"}
        event = b"[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,A,,0,0,0,,"
        assert FORMATS[name][1](head.get(name, event) + data, Asked(), Shelf()).timeline.tracks
