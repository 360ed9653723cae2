"""Asking somebody at a terminal, without holding up what goes on meanwhile."""

import asyncio
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

EDITORS: Final = ("VISUAL", "EDITOR")


def interactive() -> bool:
    """Tell whether there is somebody to ask: standard input and standard error are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def ask_line(question: str) -> str | None:
    """Ask, and return the line without its end; None when the input has ended.

    Reads from the event loop, not from a thread: cancelling it leaves nothing behind.
    """
    sys.stderr.write(question)
    sys.stderr.flush()
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    answer: asyncio.Future[bytes] = loop.create_future()
    read = bytearray()

    def readable() -> None:
        chunk = os.read(descriptor, 4096)
        read.extend(chunk)
        if (not chunk or b"\n" in read) and not answer.done():
            answer.set_result(bytes(read))

    loop.add_reader(descriptor, readable)
    try:
        line = await answer
    finally:
        loop.remove_reader(descriptor)
    return line.decode(errors="replace").strip() if line else None


def editor() -> list[str] | None:
    """Return the command of the user's editor, or None when none is named or found."""
    for name in EDITORS:
        if chosen := os.environ.get(name, "").strip():
            return shlex.split(chosen)
    for fallback in ("/usr/bin/editor", "/usr/bin/nano", "/usr/bin/vi"):
        if Path(fallback).exists():
            return [fallback]
    return None


async def edit_text(text: str, command: list[str]) -> str | None:
    """Return the text as it left the editor; None when the editor could not be run or said that it failed."""
    with tempfile.TemporaryDirectory(prefix="cutroom-") as folder:
        file = Path(folder) / "plan.txt"
        file.write_text(text)
        # Ctrl-C belongs to the editor while it has the terminal.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process = await asyncio.create_subprocess_exec(*command, str(file))
            ended = await process.wait()
        except OSError:
            return None
        finally:
            signal.signal(signal.SIGINT, before)
        return file.read_text(errors="replace") if ended == 0 else None
