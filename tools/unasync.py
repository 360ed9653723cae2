"""The synchronous client, made from the asynchronous one word by word (docs/decisions/0012): the same calls without a loop."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.inventory import ROOT

SOURCE: Final = ROOT / "clients" / "sdk" / "cutroom_sdk"
FOLDER: Final = SOURCE / "sync"
LEAD: Final = "# Made by `just specs` from cutroom_sdk/{name}; change that one.\n"
WORDS: Final = (
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait aside\(([\w.]+)(?:, )?", r"\1("),
    (r"\bawait ", ""),
    (r"\bAsyncGenerator\[(\w+), None\]", r"Generator[\1, None, None]"),
    (r"\bAwaitable\[None\]", "None"),
    (r"\bAsyncGenerator\b", "Generator"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\bAbstractAsyncContextManager\b", "AbstractContextManager"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\bAsync(Client|BaseTransport)\b", r"\1"),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\ba(close|closing|read|iter_raw)\b", r"\1"),
    (r"\basyncio\b", "time"),
    (r"\bcutroom_sdk\.(calls|client|connection)\b", r"cutroom_sdk.sync.\1"),
)


def files() -> dict[Path, str]:
    """Return what `cutroom_sdk/sync` is to hold beside what is written by hand: text by path."""
    return {FOLDER / path.relative_to(SOURCE): _made(path) for path in _sources()}


def _sources() -> Iterator[Path]:
    yield from sorted((SOURCE / "calls").glob("*.py"))
    yield from (SOURCE / name for name in ("client.py", "connection.py", "uploads.py"))


def _made(path: Path) -> str:
    return _formed(LEAD.format(name=path.relative_to(SOURCE).as_posix()) + without_a_loop(path.read_text()))


def without_a_loop(text: str) -> str:
    """Return asynchronous code as code that waits.

    >>> without_a_loop("async with aclosing(stream) as messages: found = await aside(read_at, path, 3)")
    'with closing(stream) as messages: found = read_at(path, 3)'
    """
    for pattern, instead in WORDS:
        text = re.sub(pattern, instead, text)
    return text


def _formed(text: str) -> str:
    """Sort the imports, leave out those that nothing needs any more, and put the lines into their form."""
    name = ("--stdin-filename", str(FOLDER / "made.py"), "--quiet", "-")
    for command in (("check", "--select=F401,I,UP028", "--fix", "--unsafe-fixes"), ("format",)):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *name],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return text
