"""What all tests share: a state directory, a clock that stands still, golden files, and the rule about skips."""

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings

IN_CI: Final = bool(os.environ.get("CI"))
ROOT: Final = Path(__file__).resolve().parent.parent
SNAPSHOTS: Final = ROOT / "snapshots"

# In CI the same examples run every time, so that a failure there is a failure everywhere; `just fault` digs deeper.
# Timing is no test: the machine is shared.
settings.register_profile("commit", deadline=None, derandomize=IN_CI)
settings.register_profile(
    "deep", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow]
)
# Where a failure is what is wanted (tests/fault/mutations.py), the first is as good as the smallest.
settings.register_profile("any-failure", deadline=None, phases=[Phase.explicit, Phase.generate])
settings.load_profile("commit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snap", action="store_true", help="rewrite the golden files under snapshots/")
    parser.addoption("--deep", action="store_true", help="many more examples in each property test")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--deep"):
        settings.load_profile("deep")


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that keeps the skip's reason; a test that is expected to fail is no skip."""
    if IN_CI and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skipped, and in CI nothing may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse(report)
    return report


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def forward(self, ms: int) -> None:
        self._now_ms += ms


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A fresh state directory, as private as a real one."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


Golden = Callable[[str, bytes], None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare bytes with a golden file under snapshots/; `just snap` is what rewrites it."""

    def check(name: str, found: bytes) -> None:
        file = SNAPSHOTS / name
        if request.config.getoption("--snap"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(found)
        assert file.exists(), f"snapshots/{name} is not there; `just snap` writes it"
        assert found == file.read_bytes(), f"snapshots/{name} says otherwise; `just snap` if that is meant"

    return check
