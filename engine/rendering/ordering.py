"""What is asked for when a render is, and what is put on record of it before any work is done."""

from dataclasses import dataclass

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.missions import Priority
from cutroom_sdk.wire.renders import CaptionsAs, Profile, Sidecar
from cutroom_sdk.wire.timeline import Timeline
from engine.kernel.blobs import Blobs
from engine.rendering.plan import RenderPlan
from engine.rendering.reducer import KIND, Job, Order


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody asks for. `job_id` None: equal plans are the same job. `party` "": the job is its own."""

    timeline: Timeline
    profile: Profile
    timeline_id: str | None = None
    timeline_version: int | None = None
    job_id: str | None = None
    cut_plan: str | None = None
    priority: Priority | None = None
    captions: CaptionsAs | None = None
    party: str = ""
    anew: bool = False
    asked_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """What is to be proposed, to which stream, and where the job stands before that."""

    render_id: str
    order: Order
    job: Job
    plan: RenderPlan

    @property
    def stream(self) -> str:
        """The stream of the job."""
        return f"{KIND}/{self.render_id}"


def input_hash(content: bytes, wanted: Wanted, plan: RenderPlan) -> str:
    """Return what tells two jobs of one name apart: the timeline as it is kept, the profile, the footage, the captions."""
    captions = () if wanted.captions is None else (wanted.captions,)
    return digest((content.decode(), wanted.profile.name, plan.assets, *captions))


def sidecars_of(plan: RenderPlan, blobs: Blobs) -> tuple[Sidecar, ...]:
    """Put the files of captions that go with a film among the blobs, and return what is to be known of them."""
    contents = [one.text.encode() for one in plan.beside]
    return tuple(
        Sidecar(
            format=one.format,
            track=one.track,
            name=one.name,
            sha256=blobs.put(content),
            bytes=len(content),
            captions=one.captions,
            losses=one.losses,
        )
        for one, content in zip(plan.beside, contents, strict=True)
    )
