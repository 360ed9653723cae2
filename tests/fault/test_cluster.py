"""On a Dask cluster the same work is done by other machines: same file, less lost than a segment, called off when not wanted."""

import asyncio
import hashlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.renders import Render, RenderInput
from cutroom_sdk.wire.timeline import Track
from engine.kernel.errors import Unavailable, WorkCanceled
from engine.rendering.executor import cluster_settings
from engine.rendering.executor_dask import Cluster
from engine.rendering.executor_remote import TOPIC
from engine.rendering.executor_store import store_of
from engine.rendering.reducer import Cancel
from tests.clips import Sound, make_clip
from tests.render.cluster import Machines, bucket, certificates, machines
from tests.render.studio import EDITOR, Studio, studio
from tests.render.workshop import Source, source_of, span, timeline_of

# Processes take their time to come up on a machine that does much else.
pytestmark = [pytest.mark.deep, pytest.mark.timeout(600)]
PAL = Fraction(25)
ASKED = RenderInput(profile="source")
SPANS = ((0, 140), (160, 290), (310, 590))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    return source_of(
        make_clip(path, frames=600, audio=Sound(tone_hz=300, tone_peak=0.3, tick_every=None)).path
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, source: Source) -> str:
    """The hash of the file that this machine's own pool makes."""

    async def made() -> str:
        async with studio(tmp_path_factory.mktemp("here") / "state") as room:
            return await rendered(room, source)

    return asyncio.run(made())


async def planned(room: Studio, source: Source) -> tuple[str, ...]:
    items = [span(source, *one, rate=PAL) for one in SPANS]
    index = await room.take_in(source)
    plan = await room.plan(timeline_of(items, rate=PAL, sound=True), [source])
    return plan, index, f"asset/{source.asset.asset_id}"


async def rendered(room: Studio, source: Source) -> str:
    result = await room.renders.render(ASKED, room.run(*await planned(room, source)))
    key = next(ref for ref in result.refs if ref.startswith("render/"))
    render = await room.kernel.resources.value(key, Render)
    assert render is not None
    assert render.state == "completed"
    assert render.output is not None
    assert hashlib.sha256(Path(render.output.path).read_bytes()).hexdigest() == render.output.sha256
    return render.output.sha256


def cluster(of: Machines, store: str, **more: Any) -> Cluster:
    settings = cluster_settings(of.address, store)
    assert settings is not None
    # Workers take their time to come up on a machine that does much else.
    return Cluster(settings, **{"no_worker_s": 100.0, **more})


def shared(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A cluster of two workers; each test leaves it with two."""
    with machines(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def left(store: Path) -> list[str]:
    """What work has written and nobody has fetched."""
    return [file.name for file in (store / "out").rglob("*") if file.is_file()]


async def first_segment(room: Studio, work: "asyncio.Future[Any]") -> None:
    """Wait until a segment is on record; work that ends before says why."""
    seen = asyncio.ensure_future(room.segments())
    await asyncio.wait((seen, work), return_when=asyncio.FIRST_COMPLETED)
    if not seen.done():
        seen.cancel()
        work.result()


async def heard(far: Cluster) -> list[tuple[str, str]]:
    """Listen to a cluster in its stead; return what is begun there from now on, as (piece, task)."""
    client, _ = await far._connected()
    begun: list[tuple[str, str]] = []

    async def hear(event: tuple[float, Any]) -> None:
        if "begun" in event[1]:
            begun.append((event[1]["piece"], event[1]["begun"]))

    client.unsubscribe_topic(TOPIC)
    client.subscribe_topic(TOPIC, hear)
    return begun


async def test_two_machines_make_the_file_that_one_makes(
    tmp_path: Path, source: Source, here: str, two: Machines
) -> None:
    store = shared(tmp_path / "shared")
    async with cluster(two, str(store)) as far, studio(tmp_path / "state", far) as room:
        assert await rendered(room, source) == here
        assert room.told[-1][:2] == (550, 550)
    # What was fetched is gone from the store; what was read stays for the next render.
    assert left(store) == []
    assert {file.name for file in (store / "in").rglob("*") if file.is_file()} >= {source.asset.sha256}


async def test_a_canceled_render_is_called_off_on_the_workers(
    tmp_path: Path, source: Source, two: Machines
) -> None:
    store = shared(tmp_path / "shared")
    async with cluster(two, str(store)) as far, studio(tmp_path / "state", far) as room:
        context = room.run(*await planned(room, source))
        work = asyncio.ensure_future(room.renders.render(ASKED, context))
        await first_segment(room, work)
        render = (await room.kernel.resources.values("render", Render))[0]
        await room.kernel.dispatch.propose(f"render/{render.render_id}", Cancel(), EDITOR)
        with pytest.raises(WorkCanceled):
            await work
        client, _ = await far._connected()
        # The one thread of each worker is free again: others' work is done at once.
        sums = [client.submit(sum, [number, 2], pure=False) for number in range(4)]
        assert await asyncio.wait_for(client.gather(sums), 30) == [2, 3, 4, 5]
        assert left(store) == []


async def test_a_worker_that_is_killed_costs_only_its_segment(
    tmp_path: Path, source: Source, here: str
) -> None:
    store = shared(tmp_path / "shared")
    with machines(tmp_path / "cluster") as two:
        async with cluster(two, str(store)) as far, studio(tmp_path / "state", far) as room:
            begun = await heard(far)
            client, _ = await far._connected()
            await client.wait_for_workers(2, timeout=60)
            work = asyncio.ensure_future(rendered(room, source))
            await first_segment(room, work)
            two.kill(0)
            two.add()
            assert await work == here
    # Only what the dead one had in hand was begun again.
    assert 0 < len(set(begun)) <= len(begun) <= len(set(begun)) + 1


async def test_files_may_lie_in_a_bucket(
    tmp_path: Path, source: Source, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with bucket("films") as endpoint, machines(tmp_path / "cluster", workers=1) as one:
        place = f"s3://films/cutroom?endpoint={endpoint}&region=us-east-1"
        async with cluster(one, place) as far, studio(tmp_path / "state", far) as room:
            assert await rendered(room, source) == here
        held = list(store_of(place)._store.list().collect())  # type: ignore[attr-defined]  # what only a bucket has
    paths = {entry["path"] for entry in held}
    assert f"cutroom/in/{source.asset.sha256[:2]}/{source.asset.sha256}" in paths
    assert not [path for path in paths if path.startswith("cutroom/out/")]


async def test_edges_of_a_cut_and_sound_that_takes_computing_are_made_on_the_cluster(
    tmp_path: Path, source: Source, two: Machines
) -> None:
    items = [span(source, *one, rate=PAL) for one in SPANS]
    faster = [replace(item, id=f"{item.id}-heard", speed=Fraction(9, 10)) for item in items]
    cut = timeline_of(items, rate=PAL)
    paced = replace(cut, tracks=(*cut.tracks, Track(kind="audio", name="sound", items=tuple(faster))))

    async def made(room: Studio) -> list[str]:
        await room.take_in(source)
        films = [await room.rendered(cut, "cut"), await room.rendered(paced, "source")]
        assert [one.error for one in films] == [None, None]
        return [one.output.sha256 for one in films if one.output is not None]

    async with studio(tmp_path / "here") as room:
        expected = await made(room)
    # Work that takes longer than one waits for a worker is not taken for work that has none.
    far = cluster(two, str(shared(tmp_path / "shared")), no_worker_s=1)
    async with far, studio(tmp_path / "far", far) as room:
        begun = await heard(far)
        client, _ = await far._connected()
        await client.wait_for_workers(2, timeout=60)
        assert await made(room) == expected
    assert {name.rpartition(":")[2] for _, name in begun} == {"encode_edge", "render_segment", "make_stems"}


async def test_under_tls_both_sides_show_certificates(tmp_path: Path, source: Source, here: str) -> None:
    papers = certificates(tmp_path)
    tls = ("--tls-ca-file", papers["ca"], "--tls-cert", papers["cert"], "--tls-key", papers["key"])
    store = shared(tmp_path / "shared")
    with machines(tmp_path / "cluster", workers=1, tls=tls) as one:
        settings = cluster_settings(
            one.address, str(store), tls_ca=papers["ca"], tls_cert=papers["cert"], tls_key=papers["key"]
        )
        assert settings is not None
        assert settings.address.startswith("tls://")
        async with Cluster(settings, no_worker_s=100) as far, studio(tmp_path / "state", far) as room:
            assert await rendered(room, source) == here
        with pytest.raises(Unavailable, match="no Dask scheduler answers"):
            await cluster(one, str(store))._connected()


async def test_a_cluster_without_workers_is_said_plainly(tmp_path: Path) -> None:
    store = shared(tmp_path / "shared")
    with machines(tmp_path / "cluster", workers=0) as none:
        async with cluster(none, str(store), no_worker_s=2) as alone:
            with pytest.raises(Unavailable, match="has no workers"):
                await alone.run("engine.rendering.worker:join", PictureOnly(), PictureOnly)


class PictureOnly(Struct, frozen=True, kw_only=True):
    """Work that nobody will carry out."""
