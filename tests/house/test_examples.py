"""Examples are run: those in docstrings, those in documents, and the commands that documents tell people to type."""

import doctest
import importlib
import re
import shlex
from pathlib import Path

import pytest
import typer

from clients.cli.main import app
from tests.house.source import ROOT, kept, named, python_files
from tools.command_line import commands, options

WITH_EXAMPLES = [
    path for path in python_files("engine", "clients", "demo", "tools") if ">>> " in path.read_text()
]
DOCUMENTS = [
    path
    for path in kept()
    if path.suffix == ".md" and "decisions" not in path.parts and path.parent.name != "reference"
]
COMMANDS = dict(commands(typer.main.get_command(app)))


def _module(path: Path) -> str:
    inner = path.relative_to(ROOT / "clients/sdk" if path.is_relative_to(ROOT / "clients/sdk") else ROOT)
    return ".".join(inner.with_suffix("").parts)


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=named)
def test_examples_in_docstrings_are_true(path: Path) -> None:
    result = doctest.testmod(importlib.import_module(_module(path)))
    assert (result.failed, result.attempted > 0) == (0, True)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_examples_in_documents_are_true(path: Path) -> None:
    result = doctest.testfile(str(path), module_relative=False)
    assert result.failed == 0


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_commands_in_documents_can_be_typed(path: Path) -> None:
    for line in re.findall(r"^\s*(?:\$ )?(cutroom [^#\n]*)", _shell_text(path.read_text()), re.MULTILINE):
        words = shlex.split(line.replace("[", "").replace("]", ""))
        name = max(
            (one for one in COMMANDS if words[: len(one.split())] == one.split()), key=len, default=None
        )
        assert name, f"{named(path)}: there is no command for {line!r}"
        said = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        unknown = said - options(COMMANDS[name]) - {"--help"}
        assert not unknown, f"{named(path)}: {line!r} has {sorted(unknown)}"


def _shell_text(document: str) -> str:
    """The fenced blocks of a document that are typed into a shell."""
    return "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", document, re.DOTALL))


@pytest.mark.parametrize("path", [one for one in kept() if one.suffix == ".md"], ids=named)
def test_links_in_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{named(path)} links to {target}"
