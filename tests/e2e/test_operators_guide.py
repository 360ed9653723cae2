"""The operator's guide: each command of its worked day is typed, and what it prints is what the guide shows.

`$ ` begins a command, what follows is what it prints. Ids and times are other ones each time: an id stands for the one that
was first printed in its place, a moment or a length of time for any. Commands are
carried out by the same function as the program's, without a process for each. `--snap` writes down what they print.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from clients.cli.main import run
from cutroom_sdk.discovery import find
from cutroom_sdk.sync.client import Client
from cutroom_sdk.sync.replica import Replica
from cutroom_sdk.wire.outbox import OutboxCommand
from demo.footage import Script
from tests.daemons import Daemon

GUIDE: Final = Path(__file__).parents[2] / "docs/operators-guide.md"
BLOCKS: Final = re.compile(r"(```console\n.*?```)", re.DOTALL)
TYPED: Final = re.compile(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)
ID: Final = re.compile(r"\b(?:1m[0-9a-z]{18}|[0-9a-f]{64}|[0-9a-f]{32}|digest~[0-9a-f]{12}-\d)\b")
VARIES: Final = (
    (r"\w{3} \d{4}-\d\d-\d\d (?!\d\d:00:00)\d\d:\d\d:\d\d CES?T", "<moment>"),
    (r"\d{4}-\d\d-\d\d (?=\d\d:00:00)", "<day> "),
    (r"CES?T", "CET"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "<moment>"),
    (r"just now|\d+ (?:s|min) ago", "<ago>"),
    (r"\b\d+\.\d s\b", "<length>"),
    (r"127\.0\.0\.1:\d+", "<address>"),
    (r"process \d+", "process <number>"),
    (r"\b\d+ (events|resources|streams)\b", r"<number> \1"),
    (r"position \d+", "position <number>"),
    (r"\d+\.\d [kM]?B\b", "<size>"),
    (r"\b(anchor at|log up to) \d+", r"\1 <position>"),
    (r"\b\d+\.\d+\b", "<figure>"),
    (r"\b\d+ bytes\b", "<size>"),
)
ANNOUNCE: Final = """\
title = "Tell the web site"
goal = "the reel is announced"

[[work_items]]
work_item_id = "tell"
title = "Announce the reel"
kind = "http_request"
input = { method = "POST", url = "https://hooks.example/reel" }
gates = { review = "none", test = "none" }
"""


class Plain:
    """Text without what differs each time: ids are numbered as they first come up."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(self, text: str) -> str:
        text = " ".join(re.sub("[━╸╺]+", "", text).split())
        for varying, name in VARIES:
            text = re.sub(varying, name, text)
        return ID.sub(lambda found: f"<id {self._number(found[0])}>", text)

    def _number(self, one: str) -> int:
        if one not in self.ids:
            self.ids.append(one)
        return self.ids.index(one)


class Shell:
    """What a person types at, in the home folder of somebody who cuts films."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home, self._folder = home, folder
        self._variables: dict[str, str] = {}
        self._code = 0

    def type(self, line: str) -> str:
        """Return what a command line prints, on both of its outputs, when all that it set going has come to rest."""
        for name, value in {**self._variables, "HOME": str(self._home)}.items():
            line = line.replace(f"${name}", value)
        if caught := re.fullmatch(r"([A-Z]+)=\$\((.*)\)", line):
            self._variables[caught[1]] = self._carry_out(shlex.split(caught[2]), {})[0].strip()
            return ""
        words = shlex.split(line)
        setting = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        if words == ["echo", "$?"]:
            return f"{self._code}\n"
        said = "".join(self._carry_out([word for word in words if not re.match(r"[A-Z_]+=", word)], setting))
        self._settle()
        for real, shown in ((self._folder, "/home/ada/.local/share/cutroom"), (self._home, "/home/ada")):
            # A long path may have been broken by the end of a line.
            said = re.sub(r"\s*".join(map(re.escape, str(real))), shown, said)
        return said

    def _carry_out(self, words: list[str], setting: dict[str, str]) -> tuple[str, str]:
        if words[0] != "cutroom":
            done = subprocess.run(words, cwd=self._home, capture_output=True, text=True, check=True)
            return done.stdout, done.stderr
        out, talk = io.StringIO(), io.StringIO()
        before = {name: os.environ.get(name) for name in setting}
        os.environ.update(setting)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
                self._code = run(words[1:])
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        return out.getvalue(), talk.getvalue()

    def _settle(self) -> None:
        """Wait until the engine has nothing under way but what waits for a time or for somebody."""
        if find(self._folder) is None:
            return
        with Client(lambda: find(self._folder)) as client, Replica(client, prefixes=["outbox"]) as copy:
            copy.until(
                lambda: not any(map(_under_way, copy.values("outbox", OutboxCommand))) or None, timeout_s=60
            )


def _under_way(command: OutboxCommand) -> bool:
    return command.state in ("pending", "attempted") and not command.type.startswith("schedule")


@pytest.fixture
def shell(state_dir: Path, talk: tuple[Path, Script], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The home folder with some footage in it, and a daemon."""
    # Tables are cut to the terminal's width: what they print must not hang on how long a path is.
    home = Path(tempfile.mkdtemp(prefix="guide-"))
    (home / "Videos").mkdir(parents=True)
    shutil.copy(talk[0], home / "Videos/harbour.mp4")
    for name in [name for name in os.environ if name.startswith("CUTROOM_")]:
        monkeypatch.delenv(name)
    for name, value in (("HOME", str(home)), ("CUTROOM_HOME", str(state_dir)), ("TZ", "Europe/Berlin")):
        monkeypatch.setenv(name, value)
    (home / "tell.toml").write_text(ANNOUNCE)
    monkeypatch.chdir(home)
    time.tzset()
    daemon = Daemon(state_dir, HOME=str(home), TZ="Europe/Berlin")
    daemon.start()
    try:
        yield Shell(home, state_dir)
    finally:
        if find(state_dir) is not None:
            run(["stop"])
        assert daemon.process is not None
        daemon.process.communicate(timeout=30)
        monkeypatch.undo()
        shutil.rmtree(home)
        time.tzset()


def test_the_worked_day_goes_as_the_guide_says(shell: Shell, request: pytest.FixtureRequest) -> None:
    snap, written = request.config.getoption("--snap"), []
    real, shown = Plain(), Plain()
    for block in BLOCKS.split(GUIDE.read_text()):
        made = []
        for line, prints in TYPED.findall(block) if block.startswith("```console\n") else ():
            typed = ID.sub(lambda found: real.ids[shown.ids.index(found[0])], line)
            said = shell.type(typed)
            assert snap or real(said) == shown(prints), line
            if snap:
                real(said), shown(prints)
            made.append(f"$ {typed}\n" + "".join(f"{one.rstrip()}\n" for one in said.splitlines()))
        written.append("".join(["```console\n", *made, "```"]) if made else block)
    if snap:
        GUIDE.write_text("".join(written))
