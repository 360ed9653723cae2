"""What every command takes: where the daemon is, in what form to answer, how much to say."""

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from cutroom_sdk.discovery import Address, find, state_dir
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.problems import USAGE

WIDTH_PIPED: Final = 120

StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="The daemon's folder; else CUTROOM_HOME, else your data folder."),
]
Url = Annotated[
    str | None, typer.Option("--url", help="A daemon's address, with CUTROOM_TOKEN as its token.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output; talk goes to standard error.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Add the trace to an error.")]

MissionId = Annotated[str, typer.Argument(help="The mission's id, its beginning, or 'last'.")]


class CommandError(Exception):
    """Ends a command with one line on standard error and an exit code."""

    def __init__(self, detail: str, exit_code: int = USAGE) -> None:
        self.exit_code = exit_code
        super().__init__(detail)


@dataclass(frozen=True)
class Setup:
    """The common options, decided: `folder` is the state directory, `url` a daemon that was named."""

    folder: Path
    url: str | None
    json: bool
    verbose: bool

    def locate(self) -> Address | None:
        """Return where the daemon is now, or None when none runs."""
        return find(self.folder, url=self.url)

    @property
    def remote(self) -> bool:
        """Whether a daemon was named, so that none is to be started here."""
        return bool(self.url or os.environ.get("CUTROOM_URL"))

    def command(self, words: str) -> str:
        """Return a command to name to people: `cutroom ...`, with the state directory where it is not the usual one."""
        elsewhere = (
            ""
            if self.remote or self.folder == state_dir()
            else f" --state-dir {shlex.quote(str(self.folder))}"
        )
        return f"cutroom {words}{elsewhere}"

    def talk(self) -> Console:
        """Return where people are talked to while work goes on: standard error."""
        return _console(stderr=True)

    def result(self) -> Console:
        """Return where results go that people read: standard output."""
        return _console(stderr=False)

    def document(self, value: Any) -> None:
        """Print one JSON document, on a line of its own."""
        sys.stdout.write(encode(value).decode() + "\n")
        sys.stdout.flush()


def of(ctx: typer.Context, state_folder: Path | None, url: str | None, json: bool, verbose: bool) -> Setup:
    """Return the common options of a command; what it was not given is taken from before the command's name."""
    before: dict[str, Any] = ctx.find_root().obj or {}
    verbose = verbose or bool(before.get("verbose"))
    ctx.find_root().obj = before | {"verbose": verbose}
    return Setup(
        folder=state_dir(state_folder or before.get("state_folder")),
        url=url or before.get("url"),
        json=json or bool(before.get("json")),
        verbose=verbose,
    )


class _Console(Console):
    """A console whose reader may go away; the command then ends quietly, as others in a pipe do."""

    def on_broken_pipe(self) -> None:
        """Leave it to the one place that knows what to do."""
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return _Console(stderr=stderr, highlight=False, width=None if stream.isatty() else WIDTH_PIPED)
