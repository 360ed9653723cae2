"""Hostile footage all the way to a film: a result or an error that says where, soon, and nothing gets out of the sandbox.

Each damaged file is taken in as it comes, or, where nobody would take it in or every other time, under the frame index of
the whole file, as if it had been damaged since. It is rendered, cut without encoding, and one frame of it is shown, by the
daemon's own rooms in locked-down processes. After each file the process that has just read it tries to get out.
"""

import asyncio
import contextlib
import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Timeline, TimeRange, Track
from engine.editing.profiles import profile_named
from engine.editing.reducer import Create
from engine.kernel.blobs import hash_file
from engine.kernel.errors import StudioError
from engine.media import sandbox
from engine.media.index import FrameIndex
from engine.media.pool import Pool
from engine.rendering.failures import STAGES
from tests.fault.hostile import MAKES, damaged
from tests.fault.invariants import check_files
from tests.render.studio import EDITOR, WORKERS, Studio, studio
from tests.render.workshop import Source, source_of, timeline_of
from tests.unit.media.pool_tasks import Answer, Ask

TASKS = "tests.unit.media.pool_tasks"
PAL = Fraction(25)
LIMIT_S = 120.0
COMMIT, DEEP = 2, 250  # of each make
COMPOSED_EVERY = 4  # from the third on: the compositor takes seconds to load
GRADED = (Effect(name="contrast", parameters={"amount": 1.2}),)

pytestmark = pytest.mark.skipif(not sandbox.available().complete, reason="this machine has no sandbox")


@pytest.mark.parametrize(
    ("makes", "count"),
    [
        pytest.param(tuple(MAKES), COMMIT, id="all"),
        *(
            pytest.param((make,), DEEP, id=make, marks=[pytest.mark.deep, pytest.mark.timeout(3600)])
            for make in MAKES
        ),
    ],
)
async def test_hostile_footage_becomes_a_film_or_an_error_that_says_where(
    tmp_path: Path, makes: tuple[str, ...], count: int, record_property: Callable[[str, object], None]
) -> None:
    ends: Counter[str] = Counter()
    state = tmp_path / "state"
    others = frozenset(started_by(os.getpid()))
    async with studio(state, pool=Unhurried(modules=(*WORKERS, TASKS), workers=1)) as room:
        for make in makes:
            whole = source_of(MAKES[make](tmp_path).path)
            chance = np.random.default_rng(11)
            for number in range(count):
                hostile = tmp_path / f"{number}-{make}"
                hostile.write_bytes(damaged(whole.path.read_bytes(), chance))
                before = hash_file(hostile)
                try:
                    async with asyncio.timeout(LIMIT_S):
                        ends += await put_through(room, whole, hostile, number)
                    ends += await check_walls(room, state, others)
                except BaseException as error:
                    error.add_note(f"the file is {hostile}")
                    raise
                assert hash_file(hostile) == before
                hostile.unlink()
    check_files(state)
    record_property("ends", dict(sorted(ends.items())))
    done = {kind: ends[f"{kind}: done"] for kind in ("render", "cut", "frame")}
    assert done["render"] > 0, ends
    assert done["frame"] > 0, ends
    assert ends.total() > sum(done.values()), f"nothing was damaged: {ends}"


class Unhurried(Pool):
    """A pool in which work that is called off comes to its end.

    When one segment fails the others are called off, which kills a process that takes seconds to come up. These films
    take milliseconds, and it is the process that read hostile footage which is to be looked at; it is not replaced for
    having done much.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more, jobs_max=1_000_000)

    async def run_packed(self, *arguments: Any, **more: Any) -> bytes:
        work = asyncio.ensure_future(super().run_packed(*arguments, **more))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.gather(work, return_exceptions=True)
            raise


async def put_through(room: Studio, whole: Source, hostile: Path, number: int) -> Counter[str]:
    """Have a file rendered, cut and looked at; return how each of it ended."""
    footage = await taken_in(room, whole, hostile, trusting=bool(number % 2))
    effects = GRADED if number % COMPOSED_EVERY == COMPOSED_EVERY - 2 else ()
    film = film_of(footage, effects)
    plain = film_of(footage, ())
    return Counter(
        {
            f"render: {await how_it_ends(rendered(room, film, 'source'))}": 1,
            f"cut: {await how_it_ends(rendered(room, plain, 'cut'))}": 1,
            f"frame: {await how_it_ends(shown(room, film, hostile.name))}": 1,
        }
    )


async def taken_in(room: Studio, whole: Source, hostile: Path, *, trusting: bool) -> Source:
    """Register a file as what it is found to be; `trusting` or unreadable: as what the whole one was."""
    sha256 = hash_file(hostile)
    alike = replace(
        whole.asset, asset_id=sha256[:32], sha256=sha256, bytes=hostile.stat().st_size, path=str(hostile)
    )
    source = Source(hostile, alike, whole.index)
    if not trusting:
        registrar = room.renders.jobs.registrar
        try:
            asset, index = await registrar.read(hostile, sha256, hostile.name, EDITOR)
        except StudioError as error:
            if error.code not in ("media_unreadable", "work_failed"):
                raise
        else:
            index = index or await registrar.index_of(asset, EDITOR)  # it was there: two came out alike
            assert index is not None
            assert index.data_blob is not None
            if data := room.kernel.blobs.read(index.data_blob):
                source = Source(hostile, replace(asset, path=str(hostile)), FrameIndex.from_bytes(data))
    await room.take_in(source)
    return source


def film_of(source: Source, effects: tuple[Effect, ...]) -> Timeline:
    """About a second of two spans of what a file says it holds, with its sound."""
    frames = int(min(source.asset.duration, Fraction(8, 5)) * PAL)
    items = []
    for start, end in ((frames // 10, frames * 4 // 10), (frames // 2, frames * 9 // 10)):
        span = TimeRange(start=start / PAL, duration=max(1, end - start) / PAL)
        media = AssetReference(asset_id=source.asset.asset_id)
        items.append(Clip(id=f"at-{start}", media=media, source_range=span, effects=effects))
    film = timeline_of(items, rate=PAL, width=128, height=72)
    if source.asset.audio is None:
        return film
    heard = tuple(replace(item, id=f"{item.id}-heard", effects=()) for item in items)
    return replace(film, tracks=(*film.tracks, Track(kind="audio", name="sound", items=heard)))


async def rendered(room: Studio, film: Timeline, profile: str) -> str:
    render = await room.rendered(film, profile)
    if render.error is None:
        assert render.output is not None
        return "done"
    assert render.error.stage in STAGES
    assert render.error.cause
    assert render.output is None
    if render.error.code != "work_failed":
        return f"{render.error.stage} {render.error.code}"
    return f"{render.error.stage} work_failed: {render.error.cause[:80]}"


async def shown(room: Studio, film: Timeline, timeline_id: str) -> str:
    previews = room.renders.previews
    await room.kernel.dispatch.propose(f"timeline/{timeline_id}", Create(timeline=film), EDITOR)
    looked = await previews.look(timeline_id, None, profile_named("source"), EDITOR, lenient=False)
    picture = await previews.frame(looked, looked.plan.frames // 2, "png")
    assert picture.startswith(b"\x89PNG")
    return "done"


async def how_it_ends(work: Awaitable[str]) -> str:
    """Return how work ended, errors that say what is wrong among it."""
    try:
        return await work
    except StudioError as error:
        said = f": {error.detail[:80]}" if error.code == "work_failed" else ""
        return f"refused {error.code}{said}"


async def check_walls(room: Studio, state: Path, others: frozenset[int]) -> Counter[str]:
    """The process that has read hostile footage serves the next job, and can do nothing; nothing is left of what it did.

    One that crashed is not there any more: it is counted, and it is the next one that serves. `others` are processes that
    were there before.
    """
    before = [one for one in started_by(os.getpid()) if one not in others]
    target = state / "there"
    target.write_bytes(b"x")
    with socket.create_server(("127.0.0.1", 0)) as server:
        ask = Ask(text=str(target), number=server.getsockname()[1])
        answer = await room.pool.run(
            f"{TASKS}:escape", ask, Answer, inputs=(target,), limit_s=LIMIT_S, tenant=EDITOR.partition
        )
    assert answer.text == "", "the sandbox has a hole"
    assert target.read_bytes() == b"x"
    assert before in ([], [answer.number]), "it was the process that read the footage"
    for worker in set(started_by(os.getpid())) - others:
        assert started_by(worker) == []
        held = [os.readlink(one) for one in Path(f"/proc/{worker}/fd").iterdir()]
        assert not [one for one in held if one.startswith(str(state.parent))], held
    assert list((state / "blobs" / "staging").iterdir()) == []
    return Counter({"process gone": int(not before)})


def started_by(pid: int) -> list[int]:
    """Return the processes that a process has started and that are alive."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
            found += [int(one) for one in (task / "children").read_text().split()]
    return found
