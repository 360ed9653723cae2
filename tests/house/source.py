"""The repository as the tests of the house see it: what git keeps, or would keep."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
CODE: Final = ("engine", "clients", "demo", "tools", "tests")


@functools.cache
def kept() -> tuple[Path, ...]:
    """All files that git tracks, and those it would; what is ignored, removed or binary is left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in sorted(set(listed.stdout.decode().split("\0"))) if name]
    return tuple(path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024])


def python_files(*folders: str) -> tuple[Path, ...]:
    """The Python files beneath these folders, or all of the repository's."""
    wanted = tuple(ROOT / name for name in folders or CODE)
    return tuple(path for path in kept() if path.suffix == ".py" and any(map(path.is_relative_to, wanted)))


@functools.cache
def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(), str(path))


def named(path: Path) -> str:
    """A file's name within the repository."""
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, nested ones too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(path: Path) -> set[str]:
    """The top-level names of the modules that a file imports, wherever it does so."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
