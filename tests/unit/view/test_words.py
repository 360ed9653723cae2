import doctest
import re
from typing import get_args

import pytest

from clients.view import actions, screens, words
from cutroom_sdk.replica import Connection
from cutroom_sdk.wire.approvals import ApprovalState
from cutroom_sdk.wire.missions import GateState, ItemStatus, MissionStatus
from cutroom_sdk.wire.outbox import CommandState
from cutroom_sdk.wire.problems import CODES
from cutroom_sdk.wire.routines import RoutineRunStatus, RoutineStatus
from tools import api


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
        ("routine", get_args(RoutineStatus)),
        ("routine_run", get_args(RoutineRunStatus)),
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


def test_no_two_actions_of_a_screen_share_a_key_and_each_says_why_it_cannot_be_done() -> None:
    table = actions.actions()
    for shown in screens.screens():
        keys = [one.key for one in table if one.applies_to in shown.kinds]
        assert len(set(keys)) == len(keys)
    for one in table:
        assert one.refusal(None) == one.otherwise != ""
        assert one.refusal(one.enabled_when[0]) == ""


def test_actions_are_enabled_in_states_that_there_are() -> None:
    states = {
        "mission": get_args(MissionStatus),
        "approval": get_args(ApprovalState),
        "routine": get_args(RoutineStatus),
        "routine_run": get_args(RoutineRunStatus),
        "item": get_args(ItemStatus),
        "command": get_args(CommandState),
        "notice": ("shown",),
    }
    for one in actions.actions():
        assert set(one.enabled_when) <= set(states[one.applies_to])


def test_every_action_is_a_route_of_the_daemon_with_the_capability_that_it_takes() -> None:
    for one in actions.actions():
        path = re.sub(r"\{\w+\}", "{id}", one.path)
        # Work by hand is reported on the route of events too, with a capability of its own.
        expected = "missions:write" if one.id == "report" else one.capability
        assert api.OPERATIONS[f"{one.method} {path}"].capability == expected


def test_every_action_has_its_screen_and_says_elsewhere_which() -> None:
    shown = {kind for one in screens.screens() for kind in one.kinds}
    assert {one.applies_to for one in actions.actions()} == shown
    assert screens.elsewhere(actions.action("dismiss")) == "Dismiss is done on another screen: H shows Home"
    assert screens.elsewhere(actions.action("pause")) == "Pause is done on another screen: M shows Missions"
    assert screens.elsewhere(actions.action("approve")).endswith("W shows Requests")
