import doctest
from typing import get_args

import pytest

from clients.view import actions, words
from cutroom_sdk.replica import Connection
from cutroom_sdk.wire.approvals import ApprovalState
from cutroom_sdk.wire.missions import GateState, ItemStatus, MissionStatus
from cutroom_sdk.wire.problems import CODES


def test_the_examples_in_the_words_are_true() -> None:
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize(
    ("kind", "states"),
    [
        ("mission", get_args(MissionStatus)),
        ("item", get_args(ItemStatus)),
        ("gate", get_args(GateState)),
        ("approval", get_args(ApprovalState)),
        ("connection", get_args(Connection)),
        ("check", ("pass", "fail", "not_applicable")),
    ],
)
def test_every_state_of_the_wire_has_its_word_and_no_other(kind: words.Kind, states: tuple[str, ...]) -> None:
    assert set(words._TABLE[kind]) == set(states)
    assert all(words.word(kind, state).help != state for state in states)


def test_a_state_newer_than_this_client_shows_as_itself() -> None:
    assert words.word("mission", "dreaming").help == "dreaming"


def test_next_steps_are_said_of_codes_that_there_are() -> None:
    assert set(words._TABLE["next_steps"]) <= set(CODES)


def test_no_two_actions_share_a_key_and_each_says_why_it_cannot_be_done() -> None:
    table = actions.actions()
    assert len({one.key for one in table}) == len(table)
    for one in table:
        assert one.refusal(None) == one.otherwise != ""
        assert one.refusal(one.enabled_when[0]) == ""


def test_actions_are_enabled_in_states_that_there_are() -> None:
    states = {"mission": get_args(MissionStatus), "approval": get_args(ApprovalState)}
    for one in actions.actions():
        assert set(one.enabled_when) <= set(states[one.applies_to])
