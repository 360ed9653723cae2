"""The suite notices what it is for: each invariant broken on purpose makes the test fail that is named beside it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.mutations import Mutation, broken, copied, mutations, run, unnoticed
from tests.house.source import ROOT


@pytest.fixture(scope="module")
def copy() -> Iterator[Path]:
    with copied() as folder:
        yield folder


@pytest.mark.parametrize("mutation", mutations(), ids=lambda one: one.name)
def test_each_still_breaks_something_and_names_a_test_that_is_there(mutation: Mutation, copy: Path) -> None:
    with broken(copy, mutation):
        compile((copy / mutation.file).read_bytes(), mutation.file, "exec")
    file, _, name = mutation.caught_by.partition("::")
    assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text()


def test_every_invariant_is_broken_at_least_once() -> None:
    assert len(mutations()) >= 15
    named = {found for one in mutations() for found in re.findall(r"^I\d", one.breaks)}
    assert named == {"I1", "I2", "I3", "I4", "I5", "I7"}


@pytest.mark.parametrize("mutation", [one for one in mutations() if one.first], ids=lambda one: one.name)
def test_a_few_are_noticed_with_every_commit(mutation: Mutation, copy: Path) -> None:
    assert not unnoticed(copy, mutation)


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutation", [one for one in mutations() if not one.first], ids=lambda one: one.name)
def test_each_is_noticed(mutation: Mutation, copy: Path) -> None:
    assert not unnoticed(copy, mutation)


@pytest.mark.deep
@pytest.mark.timeout(2000)
def test_a_copy_that_is_whole_passes_all_of_them(copy: Path) -> None:
    code, said = run(copy, sorted({one.caught_by for one in mutations()}), limit_s=1800)
    assert code == 0, said[-3000:]
