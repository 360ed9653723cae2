import hashlib
import os
from pathlib import Path

import pytest

from clients.cli.files import check_free, footage, mission_of, output_path
from clients.cli.options import CommandError
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.problems import CONFLICT, NOT_FOUND, USAGE


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"footage")
    return path


def refused(code: int) -> "pytest.RaisesExc[CommandError]":
    return pytest.RaisesExc(CommandError, check=lambda error: error.exit_code == code)


def deliver(target: Path, content: bytes, mission_id: str = "m1") -> None:
    """Put a file where it would have been delivered, with its receipt."""
    target.write_bytes(content)
    receipt = {"output": {"sha256": hashlib.sha256(content).hexdigest()}, "mission_id": mission_id}
    Path(f"{target}.receipt.json").write_bytes(encode(receipt))


def test_footage_is_the_same_file_however_it_is_given(talk: Path) -> None:
    link = talk.with_name("link.mp4")
    link.symlink_to(talk)
    assert footage([talk, talk.parent / "." / "talk.mp4", link]) == [talk] * 3


@pytest.mark.parametrize("address", ["https://example.org/talk.mp4", "file:///films/talk.mp4"])
def test_an_address_is_no_footage_and_what_would_be_is_said(address: str) -> None:
    with refused(USAGE) as caught:
        footage([Path(address)])
    assert "fetch it first and name the file" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with refused(NOT_FOUND) as caught:
        footage([tmp_path / "nope.mp4"])
    assert "nope.mp4" in str(caught.value)


def test_an_empty_file_a_folder_and_a_pipe_are_no_footage(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("empty.mp4", ".", "pipe.mp4"):
        with refused(USAGE):
            footage([tmp_path / name])


@pytest.mark.parametrize(("profile", "name"), [("reels", "talk-reels.mp4"), ("source", "talk-edit.mp4")])
def test_without_an_output_the_name_comes_from_the_footage_and_the_profile(
    talk: Path, profile: str, name: str
) -> None:
    assert output_path(None, [talk], profile, talk.parent) == talk.parent / name
    assert output_path(Path("."), [talk], profile, talk.parent) == talk.parent / name


def test_the_source_is_never_the_output_whatever_it_is_called(talk: Path) -> None:
    (talk.parent / "hard.mp4").hardlink_to(talk)
    (talk.parent / "soft.mp4").symlink_to(talk)
    for given in ("talk.mp4", "hard.mp4", "soft.mp4", f"../{talk.parent.name}/talk.mp4"):
        with refused(USAGE):
            output_path(Path(given), [talk], "source", talk.parent)


def test_only_an_mp4_is_written(talk: Path) -> None:
    with refused(USAGE):
        output_path(Path("out.mov"), [talk], "source", talk.parent)


def test_a_file_that_came_from_here_is_replaced_and_one_that_did_not_is_not(tmp_path: Path) -> None:
    target = tmp_path / "cut.mp4"
    assert check_free(target, force=False) is False
    deliver(target, b"ours")
    assert check_free(target, force=False) is True
    target.write_bytes(b"touched up by hand")
    with refused(CONFLICT):
        check_free(target, force=False)
    assert check_free(target, force=True) is False


def test_a_file_was_delivered_by_the_mission_of_its_receipt_as_long_as_it_is_what_it_was(
    tmp_path: Path,
) -> None:
    target = tmp_path / "cut.mp4"
    assert mission_of(target) is None
    deliver(target, b"ours", mission_id="m1")
    assert mission_of(target) == "m1"
    target.write_bytes(b"touched up by hand")
    assert mission_of(target) is None


def test_a_receipt_of_something_else_proves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "cut.mp4"
    for receipt in (b"", b"[]", b'{"output": {}}', b'{"output": {"sha256": 7}}'):
        target.write_bytes(b"a stranger's")
        Path(f"{target}.receipt.json").write_bytes(receipt)
        with refused(CONFLICT):
            check_free(target, force=False)


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "cut.mp4").mkdir()
    with refused(CONFLICT):
        check_free(tmp_path / "cut.mp4", force=True)
