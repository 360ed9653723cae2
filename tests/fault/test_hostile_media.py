"""Damaged and hostile files: each gives a result or a clear error, soon, and never more than that."""

from pathlib import Path

import pytest

from engine.kernel.errors import Invalid
from engine.media.pool import Pool
from engine.media.probe import Probe, ProbeRequest
from tests import clips
from tests.unit.media.pool_tasks import Answer, Ask

MODULES = ("engine.media.probe", "tests.unit.media.pool_tasks")
LIMIT_S = 20.0
COMMIT, DEEP = 40, 4_000  # of each kind
KINDS = {"mp4": "libx264", "mkv": "libx264", "ts": "libx264", "webm": "libvpx-vp9", "avi": "mpeg4"}


@pytest.mark.parametrize(
    "count", [COMMIT, pytest.param(DEEP, marks=[pytest.mark.deep, pytest.mark.timeout(3600)])]
)
@pytest.mark.parametrize("kind", KINDS)
async def test_mutated_media_gives_a_result_or_a_clear_error(tmp_path: Path, kind: str, count: int) -> None:
    audio = clips.Sound() if kind != "avi" else None
    clip = clips.make_clip(tmp_path / f"whole.{kind}", frames=12, gop=4, codec=KINDS[kind], audio=audio)
    ends = []
    async with Pool(modules=MODULES, workers=2, memory_bytes=1 << 30) as pool:
        for number, data in enumerate(clips.mutations(clip.path.read_bytes(), count=count, seed=7)):
            path = tmp_path / f"{number}.{kind}"
            path.write_bytes(data)
            ends.append(await how_it_ends(pool, path))
            path.unlink()
    assert set(ends) == {"read", "media_unreadable"}


async def how_it_ends(pool: Pool, path: Path) -> str:
    try:
        await pool.run("engine.media.probe:probe", ProbeRequest(), Probe, inputs=(path,), limit_s=LIMIT_S)
        await pool.run("tests.unit.media.pool_tasks:watch", Ask(), Answer, inputs=(path,), limit_s=LIMIT_S)
    except Invalid as error:
        return error.code
    return "read"
