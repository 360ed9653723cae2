"""The operator's token: made once, readable by its owner alone, and the only one that is known."""

import stat
from pathlib import Path

import pytest

from engine.access.tokens import OPERATOR_FILE, Tokens
from engine.kernel.errors import Invalid


def _token(folder: Path) -> str:
    return (folder / OPERATOR_FILE).read_text().strip()


def test_the_first_start_makes_a_token_that_only_its_owner_can_read(tmp_path: Path) -> None:
    Tokens.open(tmp_path)
    assert stat.S_IMODE((tmp_path / OPERATOR_FILE).stat().st_mode) == 0o600
    assert len(_token(tmp_path)) >= 43  # 256 bits
    assert [path.name for path in tmp_path.iterdir()] == [OPERATOR_FILE]


def test_later_starts_keep_it(tmp_path: Path) -> None:
    Tokens.open(tmp_path)
    token = _token(tmp_path)
    context = Tokens.open(tmp_path).check(token)
    assert context is not None
    assert (context.actor, context.human, context.partition) == ("operator", True, "local/dev")
    assert context.may("anything:at-all")


def test_nobody_else_is_known(tmp_path: Path) -> None:
    tokens = Tokens.open(tmp_path)
    token = _token(tmp_path)
    for other in ("", token[:-1], token + "x", token.swapcase(), "ä"):
        assert tokens.check(other) is None


def test_an_empty_file_opens_for_nobody_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / OPERATOR_FILE).write_text("\n")
    with pytest.raises(Invalid, match="remove it"):
        Tokens.open(tmp_path)


def test_what_a_crash_left_of_making_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "operator.new").write_text("half")
    tokens = Tokens.open(tmp_path)
    assert _token(tmp_path) != "half"
    assert tokens.check("half") is None
