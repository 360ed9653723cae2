from pathlib import Path

import pytest
import typer

from clients.cli.main import app, run
from cutroom_sdk.wire.problems import DONE, NOT_FOUND, UNAVAILABLE, USAGE


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CUTROOM_URL", "CUTROOM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUTROOM_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["edit", "nope.mp4"], NOT_FOUND, "there is no file nope.mp4"),
        (["edit"], USAGE, "Missing argument"),
        (["edit", "a.mp4", "--approve", "maybe"], USAGE, "maybe"),
        (["dance"], USAGE, "No such command"),
        (["status"], UNAVAILABLE, "'cutroom serve' starts one"),
        (["status", "--url", "http://127.0.0.1:9"], UNAVAILABLE, "no daemon answers at http://127.0.0.1:9"),
        (["tui"], USAGE, "needs a terminal"),
    ],
)
def test_an_error_is_one_line_that_says_what_is_wrong(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("cutroom: ")
    assert said in printed.err


def test_verbose_adds_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    run(["edit", "nope.mp4", "--verbose"])
    assert "Traceback" in capsys.readouterr().err


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == USAGE
    assert "edit" in capsys.readouterr().err


def test_stopping_where_nothing_runs_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["stop"]) == DONE
    assert "no daemon runs" in capsys.readouterr().out
    assert run(["--json", "stop"]) == DONE
    assert capsys.readouterr().out == '{"stopped":false,"pid":null}\n'


def test_every_command_that_answers_can_answer_in_json() -> None:
    without = {"tui", "serve"}
    root = typer.main.get_command(app)
    missing = [path for path, options in _commands(root, "") if "--json" not in options]
    assert {path.strip() for path in missing} == without


def _commands(command: object, path: str) -> list[tuple[str, set[str]]]:
    children: dict[str, object] = getattr(command, "commands", {})
    if children:
        return [found for name, child in children.items() for found in _commands(child, f"{path} {name}")]
    options = {option for parameter in getattr(command, "params", []) for option in parameter.opts}
    return [(path, options)]
