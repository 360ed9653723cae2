"""Breaks each invariant on purpose, in a copy of the source, and sees that a named test notices.

python -m tests.fault.mutations [NAME...]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.house.source import ROOT, kept

FILE: Final = Path(__file__).with_suffix(".toml")
LIMIT_S: Final = 300
FOLDERS: Final = ("engine", "clients", "demo", "tests", "tools", "snapshots", "pyproject.toml")
TESTS_FAILED: Final = 1  # pytest's exit code; others mean that nothing was tested


@dataclass(frozen=True)
class Mutation:
    """One way to break the source; `caught_by` is the test that must notice, `first` whether every commit tries it."""

    name: str
    breaks: str
    file: str
    old: str
    new: str
    caught_by: str
    first: bool = False


def mutations() -> list[Mutation]:
    """All of them, as the file names them."""
    return [Mutation(name=name, **one) for name, one in tomllib.loads(FILE.read_text()).items()]


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of what git keeps, in which anything may be broken."""
    wanted = tuple(ROOT / name for name in FOLDERS)
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        for path in kept():
            if any(map(path.is_relative_to, wanted)):
                target = Path(folder) / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
        yield Path(folder)


def run(folder: Path, tests: Sequence[str], limit_s: float = LIMIT_S) -> tuple[int, str]:
    """Run tests in a copy; return pytest's exit code and what it said."""
    try:
        done = _pytest(folder, tests, limit_s)
    except subprocess.TimeoutExpired:
        return -1, f"it took longer than {limit_s} s"
    return done.returncode, done.stdout + done.stderr


def _pytest(folder: Path, tests: Sequence[str], limit_s: float) -> "subprocess.CompletedProcess[str]":
    path = f"{folder}{os.pathsep}{folder / 'clients' / 'sdk'}"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--hypothesis-profile=any-failure", *tests],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=limit_s,
    )


@contextmanager
def broken(folder: Path, mutation: Mutation) -> Iterator[None]:
    """Have a copy broken in one way for as long as the block lasts."""
    file = folder / mutation.file
    whole = file.read_text()
    assert whole.count(mutation.old) == 1, f"{mutation.name}: {mutation.file} reads otherwise by now"
    file.write_text(whole.replace(mutation.old, mutation.new))
    try:
        yield
    finally:
        file.write_text(whole)


def unnoticed(folder: Path, mutation: Mutation) -> str:
    """Break a copy and run the test; return why that is not noticed, empty when it is."""
    with broken(folder, mutation):
        code, said = run(folder, [mutation.caught_by])
    if code == TESTS_FAILED:
        return ""
    return f"{mutation.name} ({mutation.breaks}): {mutation.caught_by} ends with {code}\n{said[-2000:]}"


def main(names: Sequence[str]) -> int:
    """Try the mutations of these names, or all; return 1 when one is not noticed."""
    chosen = [one for one in mutations() if not names or one.name in names]
    failed = 0
    with copied() as folder:
        for mutation in chosen:
            why = unnoticed(folder, mutation)
            failed += bool(why)
            _say(f"NOT NOTICED {why}" if why else f"noticed: {mutation.name} ({mutation.breaks})")
    _say(f"{len(chosen) - failed} of {len(chosen)} were noticed")
    return int(failed > 0)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
