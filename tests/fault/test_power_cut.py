"""The power goes at any moment: what was promised is on the disk, whatever else the disk did or did not get to.

A recorded program writes all that a daemon keeps. From the record of its calls come images, states that the disk may be in
when the power goes (`tests/fault/images.py`); each is opened as a daemon does it and checked. A kill alone shows nothing
of this: what was written and not synced survives it.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cutroom_sdk.discovery import ENDPOINT_FILE, read_endpoint
from engine.access.secrets import kept_secret
from engine.kernel import anchor
from engine.kernel.clock import SystemClock
from engine.kernel.errors import StudioError
from engine.kernel.kernel import Kernel
from engine.kernel.proof import prove
from engine.kernel.replay import check
from tests.fault import strace
from tests.fault.images import Disk, Image, images
from tests.fault.recorded import SECRET
from tests.fault.writer import prepare
from tests.kernel_kit import ADA, COUNTER, Add, running

ROOT: Final = Path(__file__).resolve().parents[2]
COMMIT: Final = 500
DEEP: Final = 10_000
CARELESS: Final = 150
WAL_HEADER: Final = ("32", "0")  # how many bytes, and where
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is one: what is synced here tells nothing and costs time."""
    memory = Path("/dev/shm")
    folder = (
        memory if memory.is_dir() else tmp_path_factory.getbasetemp()
    ) / f"power-cut-{id(tmp_path_factory)}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def _recorded(place: Path, name: str, *how: str) -> tuple[list[strace.Step], Path]:
    folder = place / name
    folder.mkdir()
    program = [sys.executable, "-m", "tests.fault.recorded", str(folder), *how]
    return strace.trace(program, place / f"{name}.strace", cwd=ROOT), folder


@pytest.fixture(scope="module")
def record(place: Path) -> tuple[list[strace.Step], Path]:
    return _recorded(place, "careful")


def test_the_record_explains_what_the_program_left(record: tuple[list[strace.Step], Path]) -> None:
    """Played to its end with nothing lost, it gives the very files: nothing was written in a way that it does not see."""
    steps, folder = record
    disk = Disk(folder)
    for step in steps:
        disk.apply(step)
    assert disk.now() == {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
    told = {line.split()[0] for line in disk.said.splitlines()}
    assert told == {b"secret", b"record", b"blob", b"anchor"}
    begun = [step for step in steps if step.call.name == "pwrite64" and step.call.words[2:] == WAL_HEADER]
    assert len(begun) >= 2 * 3, "the write-ahead log is folded in and begun anew on the way"


@pytest.mark.parametrize(
    "count", [COMMIT, pytest.param(DEEP, marks=[pytest.mark.deep, pytest.mark.timeout(1200)])]
)
async def test_no_power_cut_takes_back_what_was_promised(
    record: tuple[list[strace.Step], Path], place: Path, count: int
) -> None:
    steps, folder = record
    wrong = []
    for number, image in enumerate(images(steps, folder, count, seed=count)):
        wrong += [f"image {number}, step {image.moment}: {what}" for what in await _looked_at(image, place)]
    assert not wrong, "\n".join([f"{len(wrong)} in {count} images", *wrong[:10]])


async def test_a_log_that_syncs_at_checkpoints_only_is_found_out(place: Path) -> None:
    """The mistake that these images are for; were it not found here, all of the above would prove nothing."""
    steps, folder = _recorded(place, "careless", "careless")
    lost = 0
    for image in images(steps, folder, CARELESS, seed=1):
        lost += any(what.startswith("record") for what in await _looked_at(image, place))
    assert lost, f"{CARELESS} images of a careless log, and nothing that was promised was missing"


async def _looked_at(image: Image, place: Path) -> list[str]:
    """Open an image and return what is wrong with it."""
    folder = place / "image"
    image.lay_out(folder)
    try:
        return await _broken(folder, _lines(image.said))
    except (StudioError, OSError) as error:
        return [f"it cannot be opened: {error}"]
    finally:
        shutil.rmtree(folder)


def _lines(said: bytes) -> list[str]:
    """What was said to its end; half a line is no promise."""
    return said.decode().split("\n")[:-1]


async def _broken(folder: Path, said: list[str]) -> list[str]:
    promised = [line.split() for line in said]
    wrong = _files(folder, promised)
    kernel = await Kernel.open(folder, [COUNTER], SystemClock())
    try:
        wrong += await _log(kernel, folder, promised)
    finally:
        await kernel.database.close()
    async with running(
        folder, prepare=lambda kernel: prepare(kernel, folder)
    ) as again:  # and it goes on from there
        before = again.dispatch.head
        await again.dispatch.propose("counter/after", Add(), ADA)
        assert again.dispatch.head > before
    return wrong


def _files(folder: Path, promised: list[list[str]]) -> list[str]:
    """What is wrong with the files beside the log."""
    read_endpoint(folder)  # stale at worst, and never an error
    endpoint = folder / ENDPOINT_FILE
    wrong = ["endpoint.json is there in part"] if endpoint.exists() and not endpoint.read_bytes() else []
    secret = [words[1] for words in promised if words[0] == "secret"]
    if kept_secret(folder / SECRET) not in (secret or [kept_secret(folder / SECRET)]):
        wrong.append("the operator's token is another one")
    there = {path.name for path in (folder / "blobs").glob("??/*")}
    wrong += [f"blob {name} is not whole" for name in there if _hash(folder, name) != name]
    wrong += [
        f"blob {words[1]} is lost" for words in promised if words[0] == "blob" and words[1] not in there
    ]
    kept = anchor.read(folder)
    reached = max((int(words[1]) for words in promised if words[0] == "anchor"), default=0)
    if reached > (kept.position if kept else 0):
        wrong.append(f"anchor {reached} is lost")
    return wrong


def _hash(folder: Path, name: str) -> str:
    return hashlib.sha256((folder / "blobs" / name[:2] / name).read_bytes()).hexdigest()


async def _log(kernel: Kernel, folder: Path, promised: list[list[str]]) -> list[str]:
    """What is wrong with the log: its chain, its file, its anchor, its resources, what it had acknowledged."""
    proof = await prove(kernel.database, folder)
    replayed = await check(kernel.database, kernel.aggregates)
    wrong = [finding.detail for finding in proof.findings]
    if replayed.difference is not None:
        wrong.append(f"replayed it differs: {replayed.difference}")
    query = "SELECT key, position FROM resource_history WHERE key LIKE 'project/%'"
    there = await kernel.database.read(lambda connection: connection.execute(query).fetchall())
    written = [[key.removeprefix("project/"), str(position)] for key, position in there]
    if len({number for number, _ in written}) != len(written):
        wrong.append("records were written twice")
    return wrong + [
        f"record {words[1]} is lost"
        for words in promised
        if words[0] == "record" and words[1:] not in written
    ]
