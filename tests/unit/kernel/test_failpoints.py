"""Named places where a process can be had to die, fail or stand still: off unless asked for, and never by a wrong name."""

import os
import signal
import subprocess
import sys
import timeit
from collections.abc import Iterator
from typing import Final

import pytest

from engine.kernel import failpoints
from engine.kernel.errors import Invalid
from engine.kernel.failpoints import VARIABLE, Struck, arm, disarm, known, points

reach: Final = points("a_test", "here", "there")
PROGRAM: Final = """
import os
from engine.kernel.failpoints import arm, points
reach = points("a_program", "here")
arm(os.environ)
for number in range(3):
    print(number, flush=True)
    reach("here")
"""


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    disarm()


def _program(asked: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, VARIABLE: asked},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_place_that_nobody_asked_for_does_nothing_and_costs_next_to_nothing() -> None:
    arm({})
    reach("here")
    best_s = min(timeit.repeat(lambda: reach("here"), number=10_000, repeat=5)) / 10_000
    assert best_s < 2e-6, "a commit comes by a dozen of them, and takes a hundred times as long"


def test_it_strikes_once_at_the_time_that_is_named() -> None:
    arm({VARIABLE: "a_test.here:3=raise"})
    reach("there")
    reach("here")
    reach("here")
    with pytest.raises(Struck, match=r"^a_test.here$"):
        reach("here")
    reach("here")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("a_test.nowhere", "there is no such failpoint"),
        ("a_test.here=explode", "kill|raise|pause"),
        ("a_test.here:0", "nth from 1"),
        ("", "is taken"),
    ],
)
def test_what_is_no_place_or_no_action_is_an_error_at_the_start(asked: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        arm({VARIABLE: asked})
    assert said in refused.value.detail
    reach("here")


def test_two_modules_cannot_share_a_name() -> None:
    assert "a_test.here" in known()
    with pytest.raises(AssertionError, match="share a name"):
        points("a_test", "here")


def test_kill_ends_the_process_without_a_word_and_pause_holds_it_until_it_is_sent_on() -> None:
    with _program("a_program.here:2") as killed:
        out, said = killed.communicate()
    assert (killed.returncode, out) == (-signal.SIGKILL, "0\n1\n")
    assert "armed to kill at a_program.here" in said
    with _program("a_program.here=pause") as paused:
        _, status = os.waitpid(paused.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        paused.send_signal(signal.SIGCONT)
        out, _ = paused.communicate()
    assert (paused.returncode, out) == (0, "0\n1\n2\n")


def test_a_refusal_names_the_variable() -> None:
    with pytest.raises(Invalid) as refused:
        arm({failpoints.VARIABLE: "elsewhere.here"})
    assert refused.value.extra["field"] == VARIABLE
