"""Progress: the latest of each running thing, with the time left at the pace so far."""

import json

import pytest

from engine.kernel import progress as progress_module
from engine.kernel.progress import Progress, Standing


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress_module, "monotonic_s", lambda: now[0])
    return now


def _one(progress: Progress) -> Standing:
    (standing,) = progress.standings("local/dev").values()
    return standing


def test_the_time_left_follows_from_the_pace_since_the_first_report(time: list[float]) -> None:
    progress = Progress(lambda: None)
    progress.report("local/dev", "render/r", 10, 110)
    assert _one(progress).eta_s is None  # one report is no pace
    time[0] += 4
    progress.report("local/dev", "render/r", 30, 110)
    assert _one(progress).eta_s == 16.0  # 20 in 4 s, 80 to go


def test_work_that_stands_still_or_has_just_begun_has_no_estimate(time: list[float]) -> None:
    progress = Progress(lambda: None)
    progress.report("local/dev", "render/r", 10, 100)
    time[0] += 0.1
    progress.report("local/dev", "render/r", 90, 100)
    assert _one(progress).eta_s is None
    progress.report("local/dev", "render/s", 0, 100)
    time[0] += 9
    progress.report("local/dev", "render/s", 0, 100)
    assert progress.standings("local/dev")["render/s"].eta_s is None


def test_work_that_goes_back_begins_anew(time: list[float]) -> None:
    progress = Progress(lambda: None)
    for done in (0, 50, 99):
        progress.report("local/dev", "run/r", done, 100)
        time[0] += 10
    progress.report("local/dev", "run/r", 0, 100)  # the next step of the same run
    time[0] += 5
    progress.report("local/dev", "run/r", 10, 100)
    assert _one(progress).eta_s == 45.0


def test_only_the_latest_report_of_each_thing_is_told(time: list[float]) -> None:
    progress = Progress(lambda: None)
    for done in range(5):
        progress.report("local/dev", "run/a", done, 5)
        progress.report("local/dev", "run/b", done, 5)
    told = progress.since("local/dev", 0)
    assert [(standing.key, standing.done) for standing in told] == [("run/a", 4), ("run/b", 4)]
    assert progress.since("local/dev", progress.serial) == []
    progress.report("local/dev", "run/a", 5, 5, "done")
    assert [standing.note for standing in progress.since("local/dev", told[-1].serial)] == ["done"]


def test_what_has_ended_is_forgotten(time: list[float]) -> None:
    progress = Progress(lambda: None)
    progress.report("local/dev", "run/a", 1, 5)
    progress.clear("local/dev", "run/a")
    progress.clear("local/dev", "run/never")
    assert progress.since("local/dev", 0) == []
    assert progress.standings("local/dev") == {}


def test_partitions_do_not_see_each_others_work(time: list[float]) -> None:
    progress = Progress(lambda: None)
    progress.report("acme/prod", "run/a", 1, 5)
    assert progress.since("local/dev", 0) == []
    assert progress.standings("local/dev") == {}


def test_every_report_wakes_who_waits(time: list[float]) -> None:
    woken: list[None] = []
    progress = Progress(lambda: woken.append(None))
    progress.report("local/dev", "run/a", 1, 5)
    progress.report("local/dev", "run/a", 2, 5)
    assert len(woken) == 2


def test_a_frame_has_no_id_for_it_is_no_event(time: list[float]) -> None:
    progress = Progress(lambda: None)
    progress.report("local/dev", "run/a", 1, 4, "cutting")
    event, data = _one(progress).frame.decode().rstrip("\n").split("\n")
    assert event == "event: progress"
    assert json.loads(data.removeprefix("data: ")) == {
        "key": "run/a",
        "done": 1,
        "total": 4,
        "eta_s": None,
        "note": "cutting",
    }
