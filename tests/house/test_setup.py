"""What a newcomer types does what the front page says, and installs what the code needs."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

from tests.house.source import ROOT, imported, named, python_files

README: Final = (ROOT / "README.md").read_text()
OWN: Final = {"engine", "clients", "cutroom_sdk"}
RECIPES: Final = set(
    re.findall(r"^([a-z]+)(?: \w+=\S+)?(?: \*\w+)?:", (ROOT / "justfile").read_text(), re.MULTILINE)
)


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


def test_the_daemon_that_is_installed_serves_the_specification_of_its_interface(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = zipfile.ZipFile(wheel).read("engine/http/openapi.json")
    assert packed == (ROOT / "specs" / "openapi.json").read_bytes()


@pytest.mark.parametrize(
    ("project", "folders"),
    [("pyproject.toml", ("engine", "clients")), ("clients/sdk/pyproject.toml", ("clients/sdk",))],
)
def test_what_the_code_imports_is_what_its_project_asks_for(project: str, folders: tuple[str, ...]) -> None:
    said = tomllib.loads((ROOT / project).read_text())["project"]
    extras = said.get("optional-dependencies", {}).values()
    asked = [*said["dependencies"], *(one for extra in extras for one in extra)]
    declared = {re.split(r"[^A-Za-z0-9._-]", one)[0].lower() for one in asked}
    brought = packages_distributions()
    missing = {
        f"{named(path)} imports {name}"
        for path in python_files(*folders)
        if project != "pyproject.toml" or not path.is_relative_to(ROOT / "clients/sdk")
        for name in imported(path)
        if name not in sys.stdlib_module_names and name not in OWN
        if not declared & {one.lower() for one in brought.get(name, [])}
    }
    assert missing == set()
