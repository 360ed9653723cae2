"""Lists what grew too large and what is there twice: signs that something wants to be two, or one.

python -m tools.house
"""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.inventory import ROOT

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 70
ALIKE_NODES: Final = 60  # smaller functions look alike because there is only one way to write them
SAME_LINES: Final = 6
FOLDERS: Final = ("engine", "clients", "demo", "tools", "tests")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files() -> list[Path]:
    """All of the repository's Python files, sorted."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def large() -> list[str]:
    """What is larger than it should be, largest first."""
    found: list[tuple[int, str]] = []
    for path in python_files():
        lines = len(path.read_text().splitlines())
        if lines > FILE_LINES:
            found.append((lines, _place(path)))
        for node in functions(path):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > FUNCTION_LINES:
                found.append((size, f"{_place(path, node.lineno)} {node.name}"))
    return [f"{lines:5} lines  {what}" for lines, what in sorted(found, reverse=True)]


def alike() -> list[str]:
    """Functions of the same shape, whatever their names are called."""
    shapes: defaultdict[str, list[str]] = defaultdict(list)
    for path in python_files():
        for node in functions(path):
            shape, size = _shape(node)
            if size >= ALIKE_NODES:
                shapes[shape].append(f"{_place(path, node.lineno)} {node.name}")
    return [" = ".join(places) for places in shapes.values() if len(places) > 1]


def _shape(function: Function) -> tuple[str, int]:
    kinds = [
        type(node).__name__
        for statement in function.body
        for node in ast.walk(statement)
        if not isinstance(node, ast.expr_context)
    ]
    return hashlib.sha256(" ".join(kinds).encode()).hexdigest(), len(kinds)


def same() -> list[str]:
    """Stretches of lines that stand in two places, letter by letter; imports and blank lines do not count."""
    seen: dict[tuple[str, ...], tuple[Path, int]] = {}
    found: list[str] = []
    for path in python_files():
        lines = [
            (number, line.strip())
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if len(line.strip()) > 3 and not line.startswith(("import ", "from "))
        ]
        skip_to = 0
        for place in range(len(lines) - SAME_LINES + 1):
            window = tuple(text for _, text in lines[place : place + SAME_LINES])
            number = lines[place][0]
            first = seen.setdefault(window, (path, number))
            if first != (path, number) and place >= skip_to:
                found.append(f"{_place(path, number)} = {_place(*first)}")
                skip_to = place + SAME_LINES
    return found


def _place(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


if __name__ == "__main__":
    for title, lines in (("too large", large()), ("of one shape", alike()), ("written twice", same())):
        print(f"{title}: {len(lines)}", *lines, "", sep="\n")
