"""Killed in the middle of whatever its handlers do, the daemon does nothing twice that must not be."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from engine.kernel.clock import SystemClock
from engine.kernel.kernel import Kernel
from tests.fault.outbox_life import calls
from tests.kernel_kit import COUNTER, check_invariants
from tests.outbox_kit import check_effects

ROOT: Final = Path(__file__).resolve().parents[2]
KILLS: Final = (1, 2, 5, 17, 40, 80)  # after so many calls of a life


def _live(folder: Path, kill_after: int) -> None:
    command = [sys.executable, "-m", "tests.fault.outbox_life", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as life:
        assert life.stdout is not None
        said = [life.stdout.readline() for _ in range(kill_after)]
        life.kill()
    assert all(said), "it died by itself"


async def _check(folder: Path) -> None:
    kernel = await Kernel.open(folder, [COUNTER], SystemClock())
    try:
        check_effects(await check_invariants(kernel), calls(folder), once="whisper")
    finally:
        await kernel.database.close()


@pytest.mark.timeout(120)
async def test_no_kill_makes_happen_twice_what_must_not(tmp_path: Path) -> None:
    for kill_after in KILLS:
        _live(tmp_path, kill_after)
        await _check(tmp_path)
    done = calls(tmp_path)
    assert len(done) >= sum(KILLS)
    assert {call.does for call in done} == {"works", "later", "no", "breaks", "hangs"}


@pytest.mark.deep
@pytest.mark.timeout(1200)
async def test_no_kill_makes_happen_twice_what_must_not_however_often(tmp_path: Path) -> None:
    for number in range(60):
        _live(tmp_path, 1 + number * 7 % 60)
    await _check(tmp_path)
