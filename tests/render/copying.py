"""From a timeline to a film of which a part is copied, in one process: what the pool does, without the pool."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import Timeline
from engine.media.tasks import no_report
from engine.rendering import worker
from engine.rendering.capabilities import capabilities
from engine.rendering.plan import RenderPlan
from engine.rendering.smartcopy import tasks
from engine.rendering.smartcopy.compiling import compile_film
from engine.rendering.smartcopy.work import CutFound, LookAtMixWork, LookWork, SpliceWork, Splicing
from engine.rendering.walking import graph_inputs
from engine.rendering.work import Inspection
from tests.render.workshop import PROFILE, Opened, Source, index_file, make_sound

COPYING = replace(PROFILE, copies="exact", rate_max=PROFILE.rate_max * 2)


@dataclass(frozen=True)
class Copied:
    """A film of which a part is copied; `found` is what the engine's own look at it has found."""

    path: Path
    plan: RenderPlan
    found: Inspection | CutFound

    @property
    def kinds(self) -> set[str]:
        return {one.kind for one in self.splicing.stretches}

    @property
    def splicing(self) -> Splicing:
        assert self.plan.splicing is not None
        return self.plan.splicing


def plan_copies(timeline: Timeline, sources: Sequence[Source], profile: Profile = COPYING) -> RenderPlan:
    return compile_film(
        timeline,
        {source.asset.asset_id: source.asset for source in sources},
        {source.asset.asset_id: source.index for source in sources if source.index is not None},
        profile,
        capabilities(),
    )


def make_copied(folder: Path, plan: RenderPlan, sources: Sequence[Source]) -> Copied:
    """Make the film of a plan that splices, `folder/film.mp4`."""
    splicing = plan.splicing
    assert splicing is not None
    folder.mkdir(parents=True, exist_ok=True)
    by_hash = {source.asset.sha256: source for source in sources}
    by_id = {source.asset.asset_id: source for source in sources}
    pairs = [path for one in splicing.sources for path in (by_id[one].path, index_file(folder, by_id[one]))]
    parts = []
    for number, segment in enumerate(plan.segments):
        read = [by_hash[sha256] for sha256 in graph_inputs(segment.work.graph).sources]
        parts.append(folder / f"{number}.segment")
        with Opened(
            [path for one in read for path in (one.path, index_file(folder, one))], parts[-1:]
        ) as files:
            worker.render_segment(segment.work, files, no_report)
    for number, edge in enumerate(splicing.edges):
        parts.append(folder / f"{number}.edge")
        with Opened(pairs, parts[-1:]) as files:
            tasks.encode_edge(edge.work, files, no_report)
    heard = [] if plan.sound is None else [folder / "sound"]
    if splicing.sound is not None:
        with Opened([by_id[splicing.sources[splicing.heard]].path], heard) as files:
            tasks.make_cut_sound(splicing.sound, files, no_report)
    elif plan.sound is not None:
        make_sound(folder, plan.sound, sources)
    film = folder / "film.mp4"
    joining = SpliceWork(
        stretches=splicing.stretches, rate=splicing.rate, parts=len(parts),
        sound=None if plan.sound is None else plan.sound.encoder, sources=len(splicing.sources),
        heard=splicing.heard, subtitles=plan.subtitles,
    )  # fmt: skip
    with Opened([*pairs, *parts, *heard], [film]) as files:
        tasks.join_cut(joining, files, no_report)
    return Copied(film, plan, _looked_at(plan, splicing, film, parts, pairs))


def _looked_at(
    plan: RenderPlan, splicing: Splicing, film: Path, parts: Sequence[Path], pairs: Sequence[Path]
) -> Inspection | CutFound:
    if splicing.mixed:
        mix = LookAtMixWork(stretches=splicing.stretches, cuts=plan.cuts, parts=len(parts))
        with Opened([film, *parts, *pairs], []) as files:
            return tasks.look_at_mix(mix, files, no_report)
    cut = LookWork(stretches=splicing.stretches, rate=splicing.rate, nominal=splicing.nominal)
    with Opened([film, *pairs], []) as files:
        return tasks.look_at_cut(cut, files, no_report)
