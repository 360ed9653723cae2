"""The tool `command`: what the operator has allowed, with arguments that fit, behind a fence."""

from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.programs import AllowedCommand, CommandInput
from engine.config import load
from engine.kernel.blobs import Blobs
from engine.kernel.errors import Invalid
from engine.media import sandbox
from engine.programs.commands import Commands
from engine.programs.process import Workshop
from tests.unit.programs.packages import room

needs_walls = pytest.mark.skipif(not sandbox.available().complete, reason="no walls on this machine")
ECHO: dict[str, Any] = {
    "argv": ["/usr/bin/printf", "%s|", "$text", "--n=$count", "$$HOME", "a b"],
    "args": {
        "text": {"type": "text", "pattern": "[A-Za-z $;-]*"},
        "count": {"type": "integer", "minimum": 0, "default": 7},
    },
}
SHELL = {"argv": ["/bin/sh", "-c", "$text"], "args": {"text": {"type": "text"}}, "limit_s": 3}
COMMANDS = convert({"echo": ECHO, "shell": SHELL}, dict[str, AllowedCommand])


async def test_each_part_is_one_argument_and_no_shell_looks_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch, commands=COMMANDS) as own:
        made = await own.run("command", command="echo", args={"text": "x; $HOME"})
        assert made.reason == ""
        assert made.output["printed"] == "x; $HOME|--n=7|$HOME|a b|"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo no >&2; exit 3", "the command shell ended with code 3: no"),
        ("kill -9 $$", "ended"),
        ("while :; do :; done", "took longer than 3 s"),
        (
            "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
            "more than 4 MiB",
        ),
    ],
)
async def test_what_a_command_does_wrong_fails_its_run(
    script: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path, monkeypatch, commands=COMMANDS) as own:
        failed = await own.run("command", command="shell", args={"text": script})
        assert (failed.status, says in failed.reason) == ("failed", True), failed.reason


@needs_walls
async def test_it_writes_in_its_folder_alone_and_what_it_leaves_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo film > made; echo > ../above"
    async with room(tmp_path, monkeypatch, commands=COMMANDS) as own:
        tried = await own.run("command", command="shell", args={"text": script})
        assert "cannot create ../above" in tried.reason, tried.reason
        made = await own.run(
            "command", command="shell", args={"text": "echo film > made; read x < made; echo $x"}
        )
        assert made.output["printed"] == "film\n"
        (file,) = made.output["files"]
        assert (file["name"], Path(file["path"]).read_text()) == ("made", "film\n")
        peeked = await own.run("command", command="shell", args={"text": "read x < /etc/passwd"})
        assert "cannot open /etc/passwd" in peeked.reason
        started = await own.run("command", command="shell", args={"text": "/bin/true & wait"})
        assert started.status == "failed", "it starts no other process"


def commands_of(folder: Path, **described: Any) -> Commands:
    (folder / "state").mkdir(parents=True, exist_ok=True)
    workshop = Workshop(folder / "state" / "programs", Blobs(folder / "state" / "blobs"), fenced=True)
    return Commands(convert(described, dict[str, AllowedCommand]), workshop)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"command": "rm"}, "no command 'rm' is allowed; there are echo"),
        ({"command": "echo"}, "missing required field `text`"),
        ({"command": "echo", "args": {"text": "9"}}, "matching regex"),
        ({"command": "echo", "args": {"text": "a\nb"}}, "matching regex"),
        ({"command": "echo", "args": {"text": "-rf"}}, "text must not begin with -"),
        ({"command": "echo", "args": {"text": "a", "count": -1}}, ">= 0"),
        ({"command": "echo", "args": {"text": "a", "shell": "x"}}, "unknown field `shell`"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_anything_runs(
    asked: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(Invalid) as refused:
        commands_of(tmp_path, echo=ECHO).verify(convert(asked, CommandInput))
    assert says in refused.value.detail


@pytest.mark.parametrize(
    ("described", "says"),
    [
        ({"argv": ["ls"]}, "'ls' is no absolute path"),
        ({"argv": ["/bin/ls", "$where"]}, "argv names 'where'"),
        ({"argv": ["/bin/ls", "costs $"]}, "$$ is a dollar sign"),
        ({"argv": ["/bin/ls"], "args": {"One": {"type": "text"}}}, "'One' is no name"),
        ({"argv": ["/bin/ls"], "args": {"one": {"type": "choice"}}}, "a choice needs choices"),
        ({"argv": ["/bin/ls"], "args": {"one": {"type": "text", "pattern": "("}}}, "the pattern '('"),
        ({"argv": ["/bin/ls"], "args": {"one": {"type": "integer", "default": "x"}}}, "the default of one"),
        ({"argv": ["/bin/ls"], "reads": ["/"]}, "it may not read '/'"),
    ],
)
def test_a_command_that_is_described_wrongly_stops_the_start(
    described: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(Invalid) as refused:
        commands_of(tmp_path, one=described)
    assert says in refused.value.detail


def test_commands_stand_in_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "cutroom.toml").write_text('[commands.tell]\nargv = ["/bin/echo", "hello"]\n')
    assert load(tmp_path, {}, {}).commands["tell"].argv == ("/bin/echo", "hello")
    with pytest.raises(Invalid, match=r"in the file cutroom\.toml alone"):
        load(tmp_path, {"CUTROOM_COMMANDS": "rm"}, {})
