"""A notice is told once, and shown until somebody has seen to it."""

import pytest

from engine.kernel.errors import NotFound
from engine.kernel.reducer import Envelope
from engine.notices import reducer as notices
from engine.notices.reducer import Dismiss, Notice, Tell

BY_ADA = Envelope(at_ms=7, actor="ada")


def asked(notice: Notice, proposal: notices.Proposal) -> Notice:
    for event in notices.decide(notice, proposal, BY_ADA):
        notice = notices.on_event(notice, event, BY_ADA).state
    return notice


def test_a_notice_is_there_until_it_is_dismissed() -> None:
    told = asked(notices.init("n1"), Tell(notice="mission.failed", properties={"mission_id": "m1"}))
    assert set(notices.resources("n1", told)) == {"notice/n1"}
    assert notices.published(told).told_at_ms == 7
    assert notices.resources("n1", asked(told, Dismiss())) == {}


def test_telling_or_dismissing_it_again_changes_nothing() -> None:
    told = asked(notices.init("n1"), Tell(notice="mission.failed", properties={}))
    assert notices.decide(told, Tell(notice="other", properties={}), BY_ADA) == ()
    gone = asked(told, Dismiss())
    assert notices.decide(gone, Dismiss(), BY_ADA) == ()


def test_what_was_never_told_cannot_be_dismissed() -> None:
    with pytest.raises(NotFound):
        notices.decide(notices.init("n1"), Dismiss(), BY_ADA)
