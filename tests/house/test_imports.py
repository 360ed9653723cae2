"""Who may import whom, and what a command loads before it does anything."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("clients.cli.main", {"engine", "av", "cv2", "onnxruntime", "numpy"}),
        ("clients.tui", {"engine", "av", "cv2", "onnxruntime"}),
        ("cutroom_sdk.client", {"engine", "clients", "av", "textual"}),
        ("cutroom_sdk.wire.missions", {"engine", "clients", "httpx"}),
        ("engine.missions.reducer", {"starlette", "av", "sqlite3"}),
    ],
)
def test_importing_a_module_does_not_bring_in_what_it_must_not_know(module: str, forbidden: set[str]) -> None:
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not forbidden & set(loaded)
