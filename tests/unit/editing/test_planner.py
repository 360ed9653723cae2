"""What the planner does with footage that a person can picture."""

from fractions import Fraction

import pytest

from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.timeline import Clip, Gap
from engine.editing.checks import check_plan
from engine.editing.explain import BY_HAND, NOTHING_REMOVED, THROUGHOUT, lines
from engine.editing.planner.source import places
from engine.editing.profiles import profile_named
from engine.kernel.errors import Invalid
from tests import planned
from tests.planned import TALK, keep, make_source, plan


def kept(made: CutPlan, at: float) -> bool:
    return any(cut.start <= Fraction(str(at)) < cut.end for cut in made.cuts)


def reasons_at(made: CutPlan, at: float) -> str:
    where = Fraction(str(at))
    return next(gone.reason for gone in made.removed if gone.start <= where < gone.end)


@pytest.mark.parametrize("seconds", [3, 5, 10, 20, 30, 40])
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), planned.NTSC, Fraction(60)])
def test_a_highlight_has_the_length_asked_for(seconds: int, rate: Fraction) -> None:
    made = plan(f"{seconds} second highlight", make_source(rate=rate))
    assert abs(made.duration - seconds) <= Fraction(1, 2)
    assert abs(made.duration - seconds) < 2 / rate
    assert planned.split_words(made) == []


def test_at_most_is_never_passed() -> None:
    made = plan("under 20 seconds", make_source())
    assert Fraction(39, 2) <= made.duration <= 20


def test_air_is_kept_around_words_and_never_reaches_the_next_one() -> None:
    made = plan("20 second highlight", make_source())
    for cut in made.cuts:
        inside = [(Fraction(str(a)), Fraction(str(b))) for a, b in TALK if cut.start <= a and b <= cut.end]
        assert inside[0][0] - cut.start >= Fraction(8, 100)
        assert cut.end - inside[-1][1] >= Fraction(8, 100)


def test_without_a_length_the_pauses_go_and_every_word_stays() -> None:
    made = plan("cut the pauses", make_source())
    for start, end in TALK:
        assert any(cut.start <= start and end <= cut.end for cut in made.cuts)
    longest = max(gone.end - gone.start for gone in made.removed)
    assert longest > 3
    assert all("nobody speaks" in gone.reason for gone in made.removed)


def test_a_short_pause_within_a_sentence_stays() -> None:
    made = plan("cut the pauses", make_source(10, [(1, 3), (3.3, 5), (7, 9)]))
    assert kept(made, 3.2)
    assert not kept(made, 6)
    assert len(made.cuts) == 2


def test_a_sentence_over_a_blurred_picture_is_left_out_and_it_says_so() -> None:
    made = plan("cut the pauses", make_source(bad=((17, 21),)))
    assert not kept(made, 19)
    assert reasons_at(made, 19) == "speech over a bad stretch: picture out of focus"
    assert kept(made, 22)


def test_a_sentence_that_ends_on_a_black_picture_is_left_out() -> None:
    made = plan("cut the pauses", make_source(black=((48.5, 49.5),)))
    assert not kept(made, 46)
    assert reasons_at(made, 46) == "speech over a bad stretch: black picture"
    assert kept(made, 43)


def test_a_dark_stretch_between_sentences_is_named() -> None:
    made = plan("cut the pauses", make_source(dark=((57.5, 59.5),)))
    assert reasons_at(made, 58.5) == "picture too dark"


def test_footage_that_is_dark_throughout_is_not_thrown_away() -> None:
    made = plan("20 second highlight", make_source(dark=((0, 61),)))
    assert made.duration == 20
    assert any("nearly throughout" in notice for notice in made.notices)


def test_a_cut_goes_to_the_edge_of_a_shot_that_is_near() -> None:
    made = plan(
        "cut the pauses", make_source(12, [(2, 4), (7, 9)], shots=(Fraction(34, 5), 9 + Fraction(1, 3)))
    )
    second = made.cuts[1]
    assert second.start == Fraction(34, 5)
    assert "begins with a shot" in second.reasons
    assert "ends with a shot" in second.reasons


def test_no_flash_of_another_shot_is_kept_where_air_is_added() -> None:
    made = plan(
        "4 second highlight", make_source(12, [(2, 4), (7, 9)], shots=(Fraction(19, 10), Fraction(41, 10)))
    )
    first = made.cuts[0]
    assert first.start >= Fraction(19, 10) - Fraction(1, 25)
    assert first.end <= Fraction(41, 10) + Fraction(1, 25)


def test_a_sentence_longer_than_the_goal_is_divided_at_its_best_pause() -> None:
    # One sentence for the ear: pauses of a third of a second at 6 and 12 s.
    made = plan("6 second highlight", make_source(20, [(1, 6), (6.35, 12), (12.3, 18)]))
    assert abs(made.duration - 6) <= Fraction(1, 2)
    assert planned.split_words(made) == []


def test_a_word_is_never_cut_to_reach_a_length() -> None:
    made = plan("5 second highlight", make_source(20, [(1, 16)]))
    assert made.duration > 15
    assert planned.split_words(made) == []
    assert any("without cutting a word" in notice for notice in made.notices)


def test_too_little_speech_is_filled_with_pictures_and_it_says_so() -> None:
    made = plan("20 second highlight", make_source(60, [(5, 10), (30, 34)], moving=((45, 55),)))
    assert abs(made.duration - 20) <= Fraction(1, 2)
    assert kept(made, 7)
    assert kept(made, 32)
    assert any("chosen by its picture" in notice for notice in made.notices)


def test_footage_without_speech_is_cut_by_what_moves() -> None:
    made = plan("10 second highlight", make_source(60, None, shots=(20, 40), moving=((22, 36),)))
    assert made.duration == 10
    assert all(22 <= cut.start and cut.end <= 37 for cut in made.cuts)
    assert any(reason.startswith("much movement") for cut in made.cuts for reason in cut.reasons)
    assert all(isinstance(item, Gap) for item in made.timeline.tracks[1].items)


def test_silent_footage_without_speech_keeps_its_good_pictures() -> None:
    made = plan("tidy it up", make_source(30, [], bad=((10, 15),)))
    assert not kept(made, 12)
    assert kept(made, 5)
    assert kept(made, 20)


def test_sources_stay_in_their_order() -> None:
    first, second = make_source(asset_id="b" * 32), make_source(asset_id="a" * 32)
    made = plan("40 second highlight", first, second)
    assert [cut.asset_id[0] for cut in made.cuts] == sorted(
        (cut.asset_id[0] for cut in made.cuts), reverse=True
    )
    assert {cut.asset_id[0] for cut in made.cuts} == {"a", "b"}


def test_nothing_to_leave_out_is_said() -> None:
    made = plan("cut the pauses", make_source(10, [(0, 5), (5.3, 10)]))
    assert made.removed == ()
    assert NOTHING_REMOVED in made.notices


@pytest.mark.parametrize("goal", ["4 seconds", "cut the pauses", "20 seconds"])
def test_speech_without_a_pause_is_named_and_no_length_is_asked_for(goal: str) -> None:
    source = make_source(6, [(0, 6)])
    made = plan(goal, source)
    assert THROUGHOUT in made.notices
    check = {
        one.name: one for one in check_plan(made, {source.asset_id: source.index}, profile_named("reels"))
    }
    assert "speaks throughout" in check["non_pass_through"].fix
    assert "length" not in check["non_pass_through"].fix


def test_spans_that_grow_to_the_whole_footage_are_said_to() -> None:
    made = plan("4 seconds", make_source(6, [(0, 6)]), keep=keep(("1", "3")))
    assert made.chosen_by == "reviewer"
    assert BY_HAND in made.notices


def test_two_takes_without_a_pause_can_still_be_shortened() -> None:
    takes = make_source(6, [(0, 6)]), make_source(6, [(0, 6)], asset_id="b" * 32)
    assert THROUGHOUT not in plan("cut the pauses", *takes).notices
    assert len(plan("6 seconds", *takes).cuts) == 1


def test_material_longer_than_the_profile_takes_is_brought_within() -> None:
    talk = [(start, start + 8) for start in range(0, 300, 10)]
    made = plan("cut the pauses", make_source(300, talk), profile="shorts")
    assert made.duration <= 180
    assert any("the profile takes 3 min" in notice for notice in made.notices)


def test_each_cut_spells_out_what_its_signals_weigh() -> None:
    made = plan("20 second highlight", make_source())
    for cut in made.cuts:
        assert cut.signals.keys() == cut.weights.keys()
        assert abs(sum(cut.weights.values()) - 1) < 0.01
        mean = sum(cut.signals[name] * cut.weights[name] for name in cut.signals)
        assert abs(mean - cut.score) < 0.01
        assert any("sentence" in reason for reason in cut.reasons)
    assert len(lines(made)) >= len(made.cuts) + len(made.removed)


def test_a_refused_plan_is_followed_by_the_next_best() -> None:
    source = make_source()
    first = plan("20 second highlight", source)
    second = plan("20 second highlight", source, refused=(first.cuts,))
    third = plan("20 second highlight", source, refused=(first.cuts, second.cuts))
    assert len({places(made.cuts) for made in (first, second, third)}) == 3
    assert abs(second.duration - 20) <= Fraction(1, 2)


def test_what_a_refused_plan_had_is_not_said_to_have_had_no_room() -> None:
    source = make_source()
    first = plan("20 second highlight", source)
    second = plan("20 second highlight", source, refused=(first.cuts,))
    gone = [
        reasons_at(second, float(cut.start + cut.end) / 2)
        for cut in first.cuts
        if not kept(second, float(cut.start + cut.end) / 2)
    ]
    assert any("was in a plan that was refused" in reason for reason in gone)
    assert not any("did not fit" in reason for reason in gone)
    assert not any("refused" in removed.reason for removed in first.removed)


def test_no_air_is_named_where_there_is_none() -> None:
    cuts = plan("cut the pauses", make_source(10, [(0, 4), (6, 10)])).cuts
    reasons = [reason for cut in cuts for reason in cut.reasons]
    assert sum("of air kept" in reason for reason in reasons) == 2
    assert not any(reason.startswith("0 ms") for reason in reasons)


def test_one_cut_is_spoken_of_as_one() -> None:
    assert "in 1 cut for reels" in lines(plan("4 seconds", make_source(6, [(0, 6)])))[0]
    assert "in 2 cuts for reels" in lines(plan("cut the pauses", make_source(10, [(0, 4), (6, 10)])))[0]


def test_refused_tidying_is_followed_by_a_tighter_one() -> None:
    source = make_source()
    first = plan("cut the pauses", source)
    second = plan("cut the pauses", source, refused=(first.cuts,))
    assert second.duration < first.duration
    assert planned.split_words(second) == []


def test_a_reviewers_spans_are_taken_as_they_are() -> None:
    made = plan("20 second highlight", make_source(), keep=keep(("8", "11"), ("262/10", "35")))
    assert [(cut.start, cut.end) for cut in made.cuts] == [
        (Fraction(8), Fraction(11)),
        (Fraction("26.2"), Fraction(35)),
    ]
    assert any("the goal is 20 s" in notice for notice in made.notices)
    assert made.cuts[0].reasons == ("kept by the reviewer",)


def test_a_reviewers_spans_are_put_in_order_and_joined_where_they_meet() -> None:
    made = plan("cut", make_source(), keep=keep(("262/10", "35"), ("8", "9"), ("8", "11")))
    assert [cut.start for cut in made.cuts] == [8, Fraction("26.2")]
    assert made.cuts[0].end == 11


def test_a_reviewers_span_is_widened_to_whole_words() -> None:
    made = plan("cut", make_source(), keep=keep(("9", "10")))
    assert made.cuts[0].start <= Fraction("8.05")
    assert made.cuts[0].end >= Fraction("10.87")
    assert any("would split a word" in notice for notice in made.notices)


def test_a_reviewers_spans_that_were_refused_are_not_proposed_again() -> None:
    spans = keep(("8", "11"), ("262/10", "35"))
    source = make_source()
    by_hand = plan("20 second highlight", source, keep=spans)
    again = plan("20 second highlight", source, keep=spans, refused=(by_hand.cuts,))
    assert again.chosen_by == "planner"
    assert again.duration == 20


@pytest.mark.parametrize(
    ("spans", "field"),
    [
        ((), "keep"),
        (keep(("5", "5")), "keep[0]"),
        (keep(("-1", "5")), "keep[0]"),
        (keep(("1", "2"), ("70", "80")), "keep[1].start"),
        (keep(("1", "2"), asset_id="f" * 32), "keep[0].asset_id"),
    ],
)
def test_a_reviewers_span_that_cannot_be_is_refused_by_its_field(spans: object, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        plan("cut", make_source(), keep=spans)
    assert refused.value.extra["field"] == field


def test_a_source_at_a_jittering_rate_is_cut_on_its_own_frames() -> None:
    index = planned.jittering_index(60, Fraction(30))
    made = plan("20 second highlight", make_source(index=index, rate=Fraction(30)))
    for cut in made.cuts:
        assert abs(cut.start - index.time_of(cut.start_frame)) < Fraction(1, 1000)
        assert cut.end_frame - cut.start_frame == (cut.end - cut.start) * 30


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Fraction(120), Fraction(60)),
        (Fraction(15), Fraction(30)),
        (Fraction(2999, 100), Fraction(30)),
        (planned.NTSC, planned.NTSC),
        (Fraction(25), Fraction(25)),
    ],
)
def test_the_rate_is_the_sources_brought_between_the_profiles_limits(
    rate: Fraction, expected: Fraction
) -> None:
    assert plan("5 s", make_source(20, TALK[:8], rate=rate)).timeline.rate == expected


def test_the_size_is_the_profiles_or_the_sources_made_even() -> None:
    source = make_source(width=1281, height=721)
    assert (plan("5 s", source).timeline.width, plan("5 s", source).timeline.height) == (1080, 1920)
    free = plan("5 s", source, profile="source").timeline
    assert (free.width, free.height) == (1280, 720)


def test_picture_and_sound_of_a_cut_are_linked() -> None:
    timeline = plan("20 second highlight", make_source()).timeline
    picture, sound = timeline.tracks
    assert (picture.kind, sound.kind) == ("video", "audio")
    for seen, heard in zip(picture.items, sound.items, strict=True):
        assert isinstance(seen, Clip)
        assert isinstance(heard, Clip)
        assert seen.source_range == heard.source_range
        assert seen.link_group == heard.link_group


def test_a_single_frame_of_footage_gives_a_plan() -> None:
    made = plan("10 second highlight", make_source(Fraction(1, 25), None))
    assert made.duration == Fraction(1, 25)


def test_two_hours_of_talk_are_planned_quickly_and_exactly() -> None:
    talk = [(Fraction(start), Fraction(start) + 4 + start % 3) for start in range(0, 7190, 8)]
    made = plan(
        "10 minute highlight",
        make_source(7200, talk, quality=None, motion=None, loudness=None),
        profile="source",
    )
    assert abs(made.duration - 600) <= Fraction(1, 2)
    assert planned.split_words(made) == []
