"""What a timeline would become: its plan, and any one of its frames, without a render.

A frame is made by the worker from the very tree that a segment is made from, so it is the picture that an export has there.
Frames are urgent in the pool. Who no longer waits for one gives its turn back; one that is being made is made to its end,
for a killed process takes longer to come back than a frame takes.
"""

import asyncio
import bisect
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Final

from cutroom_sdk.wire.plans import Plan, PlanSegment, SegmentKind
from cutroom_sdk.wire.renders import Profile, Segment
from cutroom_sdk.wire.timeline import Clip, Nested, Timeline, TimelineReference
from engine.kernel.context import Context
from engine.kernel.errors import Invalid, StudioError
from engine.kernel.turns import Party, Turns, on_behalf_of
from engine.rendering.captioning import captioned
from engine.rendering.describing import encoder_of, limits_of, ordering_of, sound_of
from engine.rendering.graph import Node
from engine.rendering.jobs import Jobs
from engine.rendering.knowing import known_of
from engine.rendering.making import COMPOSITOR, WORKER
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_faces import cropped_assets
from engine.rendering.reducer_segment import SEGMENT_KIND
from engine.rendering.smartcopy.work import Splicing
from engine.rendering.sources import Material, resolved
from engine.rendering.stills import StillDone, StillFormat, StillWork
from engine.rendering.walking import graph_inputs, is_plain, taken

# Plans that are kept compiled: of the timelines that somebody is looking at.
PLANS_KEPT: Final = 8
FRAMES_AT_ONCE: Final = 2
FRAME_LIMIT_S: Final = 60.0
PARTY: Final = Party("previews", "high")
# Partition, timeline, version, profile, and how often other proxies have come where those are read.
Key = tuple[str, str, int, Profile, int]
_first = attrgetter("first")


@dataclass(frozen=True)
class Looked:
    """A timeline's plan, what it was compiled from, and whose it is; `said` is what was told when its encoder was chosen."""

    partition: str
    timeline_id: str
    version: int
    profile: Profile
    plan: RenderPlan
    material: Material
    timeline: Timeline
    said: tuple[str, ...] = ()


@dataclass
class Previews:
    """What is looked at in one daemon."""

    jobs: Jobs
    _plans: "OrderedDict[Key, Looked]" = field(default_factory=OrderedDict)
    _turns: Turns = field(default_factory=lambda: Turns(FRAMES_AT_ONCE))

    async def look(
        self, timeline_id: str, version: int | None, profile: Profile, context: Context, *, lenient: bool
    ) -> Looked:
        """Return the plan of a timeline at a version, None: as it is.

        Args:
            timeline_id: of a kept timeline.
            version: of its stream.
            profile: what it is rendered for.
            context: who looks.
            lenient: what is missing becomes a warning; else it is an error.

        Raises:
            Invalid: it cannot be rendered; the text names the clip.
            NotFound: the timeline, or something that it needs, is not there.
            Rejected: `asset_stale`.
        """
        timeline, version = await self.jobs.read(timeline_id, version, context)
        key = (
            context.partition,
            timeline_id,
            version,
            profile,
            self.jobs.proxies.changes if profile.proxies else 0,
        )
        if not lenient and key in self._plans:
            self._plans.move_to_end(key)
            return self._plans[key]
        forgiven: list[StudioError] = []
        forgive = forgiven.append if lenient else None
        whole = await resolved(timeline, self.jobs.read, context, (timeline_id,), forgive=forgive)
        material = await self.jobs.gathered(whole, profile, context, forgive=forgive)
        profile = captioned(profile, whole, None)
        said: tuple[str, ...] = ()
        if lenient:  # who looks at frames does not care what encodes them
            profile, said = await self.jobs.encoders.settled(profile, context)
        plan = await self.jobs.compiler.plan(
            whole, material, profile, lenient=lenient, warnings=tuple(error.detail for error in forgiven)
        )
        looked = Looked(context.partition, timeline_id, version, profile, plan, material, whole, said)
        # What others keep changing underneath is compiled anew each time.
        if not lenient and not _follows(timeline):
            self._plans[key] = looked
            while len(self._plans) > PLANS_KEPT:
                self._plans.popitem(last=False)
        return looked

    async def plan(self, looked: Looked, context: Context) -> Plan:
        """Return the plan as it is shown: what of it is kept already, and what it stands on."""
        plan = looked.plan
        segments = await self._segments(plan, context)
        sound = None if plan.sound_key is None else await self._kept(plan.sound_key, context)
        jobs, material = self.jobs, looked.material
        known = await known_of(material, cropped_assets(plan), jobs.registrar, context, jobs.kernel.blobs)
        return Plan(
            timeline_id=looked.timeline_id,
            version=looked.version,
            profile=plan.profile,
            plan_hash=plan.plan_hash,
            frames=plan.frames,
            duration=plan.duration,
            encoder=encoder_of(plan, looked.profile, looked.said),
            segments=segments,
            to_render=sum(one.frames for one in segments if not one.kept),
            sound_kept=None if plan.sound_key is None else sound is not None,
            defaults=plan.defaults,
            notices=(*plan.notices, *limits_of(plan, looked.profile)),
            methods=plan.methods,
            proxies=plan.proxies,
            preview_warnings=looked.material.preview_warnings,
            warnings=plan.warnings,
            dependency_notices=(*looked.material.dependencies, *known.dependencies),
            ordering=ordering_of(looked.timeline, plan.captions),
            sound=sound_of(plan, sound),
            captions=plan.captions,
            sidecars=tuple(".".join(part for part in (one.name, one.format) if part) for one in plan.beside),
        )

    async def frame(self, looked: Looked, number: int, kind: StillFormat) -> bytes:
        """Return a frame of the film as a file.

        Cancelling gives the turn back; what a worker has begun, it finishes.

        Raises:
            Invalid: the film has no such frame, or a source cannot be decoded there.
            NotFound, Rejected: a source's file is gone, or another one by now.
            WorkFailed: as `Pool.run`.
        """
        graph, _ = frame_of(looked.plan, number)
        encoder = looked.plan.encoder
        work = StillWork(graph=graph, width=encoder.width, height=encoder.height, format=kind)
        with on_behalf_of(PARTY):
            async with self._turns.turn():
                running = asyncio.create_task(self._made(work, looked))
                running.add_done_callback(_heard)
                return await asyncio.shield(running)

    async def _made(self, work: StillWork, looked: Looked) -> bytes:
        done = await self.jobs.pool.run(
            f"{WORKER}:make_still",
            work,
            StillDone,
            inputs=self._inputs(work.graph, looked.material),
            limit_s=FRAME_LIMIT_S,
            tenant=looked.partition,
            needs=() if is_plain(work.graph) else (COMPOSITOR,),
            watched=True,
        )
        return done.data

    def _inputs(self, graph: Node, material: Material) -> list[Path]:
        blobs = self.jobs.kernel.blobs
        sources, files = graph_inputs(graph)
        pictures = material.pictures(blobs, only=sources)
        return [
            *(path for sha256 in sources for path in pictures[sha256]),
            *(blobs.path(one) for one in files),
        ]

    async def _segments(self, plan: RenderPlan, context: Context) -> tuple[PlanSegment, ...]:
        splicing = plan.splicing
        copies, kinds = _spliced(splicing) if splicing is not None else ((), {})
        encoded = [
            PlanSegment(
                first=one.first,
                frames=one.work.count,
                kind=kinds.get(one.first, "render"),
                key=one.key,
                clip=one.clip,
                asset_id=one.asset_id,
                kept=await self._kept(one.key, context) is not None,
            )
            for one in (plan.segments if splicing is None or splicing.mixed else splicing.edges)
        ]
        return tuple(sorted([*copies, *encoded], key=_first))

    async def _kept(self, key: str, context: Context) -> Segment | None:
        resources = self.jobs.kernel.resources
        found: Segment | None = await resources.value(f"{SEGMENT_KIND}/{key}", Segment, context.partition)
        return found if found is not None and self.jobs.kernel.blobs.has(found.blob) else None


def frame_of(plan: RenderPlan, number: int) -> tuple[Node, str]:
    """Return the tree of one frame of a film, and a name for what it shows: equal names, equal pictures.

    Raises:
        Invalid: the film has no such frame.
    """
    if not 0 <= number < plan.frames:
        raise Invalid(f"frame {number} is not in the film, which has 0 to {plan.frames - 1}", field="frame")
    segment = plan.segments[bisect.bisect_right(plan.segments, number, key=_first) - 1]
    place = number - segment.first
    return taken(segment.work.graph, place), f"{segment.key}-{place}"


def proxies_of(looked: Looked, number: int) -> tuple[str, ...]:
    """Return the ids of the proxies that a frame is made from."""
    sources = graph_inputs(frame_of(looked.plan, number)[0]).sources
    return tuple(sorted(one.proxy_id for one in looked.material.stand_ins.values() if one.sha256 in sources))


def _spliced(splicing: Splicing) -> tuple[list[PlanSegment], dict[int, SegmentKind]]:
    """Return what is copied of a film, and of what is encoded why it is, by its first frame.

    What is copied is made anew each time, which is quicker than keeping it.
    """
    copies: list[PlanSegment] = []
    kinds: dict[int, SegmentKind] = {}
    first = 0
    for one in splicing.stretches:
        kinds[first] = one.kind
        if one.kind == "copy":
            assert one.source is not None, "what is copied has a source"
            asset_id = splicing.sources[one.source]
            copies.append(
                PlanSegment(
                    first=first,
                    frames=one.count,
                    kind="copy",
                    key="",
                    clip="",
                    asset_id=asset_id,
                    kept=False,
                )
            )
        first += one.count
    return copies, kinds


def _follows(timeline: Timeline) -> bool:
    """Whether a timeline shows others as they are at any time."""
    clips: Sequence[Clip] = [
        item for track in timeline.tracks for item in track.items if isinstance(item, Clip)
    ]
    return any(
        (isinstance(clip.media, TimelineReference) and clip.media.version is None)
        or (isinstance(clip.media, Nested) and _follows(clip.media.timeline))
        for clip in clips
    )


def _heard(task: "asyncio.Task[bytes]") -> None:
    """Take note of how a frame ended that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
