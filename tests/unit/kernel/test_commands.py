"""The life of a command, as its pure functions tell it."""

from typing import Any, get_args

import msgspec
import pytest

from cutroom_sdk.wire.outbox import UNFINISHED, CommandState
from engine.kernel import commands
from engine.kernel.commands import Command
from engine.kernel.errors import NotFound, Rejected
from engine.kernel.reducer import Envelope

ENVELOPE = Envelope(at_ms=1, actor="ada")
PROPOSALS: dict[str, Any] = {
    "enqueue": commands.Enqueue(command="shout", stream="counter/a", data=msgspec.Raw(b"{}")),
    "attempt": commands.Attempt(),
    "complete": commands.Complete(attempt=2),
    "fail": commands.Fail(attempt=2, error="no"),
    "fail, later": commands.Fail(attempt=2, error="no", retry_at_ms=7),
    "lose": commands.Lose(attempt=2, error="who knows"),
    "stop": commands.Stop(attempt=2),
    "redeliver": commands.Redeliver(),
    "cancel": commands.Cancel(),
}
OUTCOMES = {"complete", "fail", "fail, later", "lose", "stop"}
ALLOWED: dict[CommandState, set[str]] = {
    "new": {"enqueue"},
    "pending": {"attempt", "cancel"},
    "attempted": {"attempt", "cancel", *OUTCOMES},
    "completed": set(),
    "canceled": set(),
    "dead": {"redeliver", "cancel"},
    "unknown": {"redeliver", "cancel"},
}


def told(command: Command, name: str) -> Command:
    for event in commands.decide(command, PROPOSALS[name], ENVELOPE):
        command = commands.on_event(command, event, ENVELOPE).state
    return command


@pytest.mark.parametrize("state", get_args(CommandState))
@pytest.mark.parametrize("name", PROPOSALS)
def test_a_command_goes_only_the_ways_of_its_life(state: CommandState, name: str) -> None:
    command = Command(command_id="c", state=state, attempts=2)
    if name in ALLOWED[state]:
        assert commands.decide(command, PROPOSALS[name], ENVELOPE)
    elif state == "new" and name in ("redeliver", "cancel"):
        with pytest.raises(NotFound):
            commands.decide(command, PROPOSALS[name], ENVELOPE)
    else:
        with pytest.raises(Rejected) as refusal:
            commands.decide(command, PROPOSALS[name], ENVELOPE)
        assert (refusal.value.code, refusal.value.extra["state"]) == ("command_conflict", state)


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_the_outcome_of_an_attempt_that_is_over_is_refused(name: str) -> None:
    for overtaken in (
        Command(command_id="c", state="attempted", attempts=3),
        Command(command_id="c", state="dead", attempts=2),
    ):
        with pytest.raises(Rejected, match="attempt 2 is over") as refusal:
            commands.decide(overtaken, PROPOSALS[name], ENVELOPE)
        assert refusal.value.reason == "fenced"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("complete", "completed"),
        ("fail", "dead"),
        ("fail, later", "canceled"),
        ("lose", "unknown"),
        ("stop", "canceled"),
    ],
)
def test_after_it_was_asked_to_stop_nothing_is_tried_again_by_itself(outcome: str, state: str) -> None:
    stopping = told(Command(command_id="c", state="attempted", attempts=2), "cancel")
    assert (stopping.state, stopping.stopping) == ("attempted", True)
    assert told(stopping, "cancel") == stopping
    with pytest.raises(Rejected):
        commands.decide(stopping, commands.Attempt(), ENVELOPE)
    after = told(stopping, outcome)
    assert (after.state, after.stopping) == (state, after.state == "completed")


def test_a_redelivered_command_has_its_tries_before_it_again() -> None:
    dead = Command(command_id="c", state="dead", attempts=8, not_before_ms=99)
    again = told(dead, "redeliver")
    assert (again.state, again.attempts, again.attempts_before, again.not_before_ms) == ("pending", 8, 8, 0)


def test_it_can_be_seen_until_it_is_completed_or_canceled() -> None:
    seen = [
        state
        for state in get_args(CommandState)
        if commands.resources("c", Command(command_id="c", state=state))["outbox/c"] is not None
    ]
    assert tuple(seen) == tuple(sorted(UNFINISHED, key=get_args(CommandState).index))
