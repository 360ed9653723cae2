"""What a newcomer types does what the front page says, and installs what the code needs."""

import re
import subprocess
import tomllib
from typing import Final

import pytest

from tests.house.source import ROOT

README: Final = (ROOT / "README.md").read_text()
RECIPES: Final = set(re.findall(r"^([a-z]+)(?: \*\w+)?:", (ROOT / "justfile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("recipe", ["demo", "test"])
def test_the_front_page_gives_one_command_for_a_fresh_machine(recipe: str) -> None:
    assert f"pip install uv rust-just && just {recipe}\n" in README
    assert recipe in RECIPES


def test_every_recipe_that_the_documents_speak_of_is_there() -> None:
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        spoken = set(re.findall(r"(?:`|^|&& )just ([a-z]+)", path.read_text(), re.MULTILINE))
        assert spoken <= RECIPES, f"{path.name}: {sorted(spoken - RECIPES)}"


def test_every_dependency_is_locked() -> None:
    locked = set(
        re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements/runtime.lock").read_text(), re.MULTILINE)
    )
    for project in (ROOT / "pyproject.toml", ROOT / "clients/sdk/pyproject.toml"):
        for requirement in tomllib.loads(project.read_text())["project"]["dependencies"]:
            name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
            assert name in locked or name == "cutroom-sdk", f"{project.name} needs {name}, no lock has it"


def test_what_runs_is_locked_as_what_is_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    assert pins("runtime.lock") <= pins("dev.lock")


def test_ci_runs_what_anybody_can_run() -> None:
    program = (ROOT / ".ci/run").read_text()
    assert "just check" in program
    assert "CI=true" in program


def test_an_environment_that_is_as_the_locks_say_is_left_alone() -> None:
    script = [str(ROOT / "tools/setup.sh"), "python"]
    first = subprocess.run(script, capture_output=True, text=True, check=True)
    second = subprocess.run(script, capture_output=True, text=True, check=True)
    assert (second.stdout, second.stderr) == ("", ""), first.stderr
