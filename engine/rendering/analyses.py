"""What analyses have found in the footage of a timeline, where something in it goes by that."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from cutroom_sdk.wire.codec import convert, decode
from cutroom_sdk.wire.media import Artifact, Asset, Faces, Speech
from cutroom_sdk.wire.plans import Dependency
from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Nested, Timeline, Track
from engine.kernel.blobs import Blobs

T = TypeVar("T")
Kind = Literal["camera", "faces", "speech"]
KINDS: Final[tuple[Kind, ...]] = ("camera", "faces", "speech")
USES: Final[dict[Kind, str]] = {
    "camera": "stabilising",
    "faces": "effects whose region are faces",
    "speech": "music that ducks under speech",
}
STABILISE: Final = "stabilise"
DUCK: Final = "duck"
# Gives what an analysis has found in an asset, None: nobody has looked.
Find = Callable[[Asset, Kind], Awaitable[Artifact | None]]


@dataclass(frozen=True, kw_only=True)
class Analyses:
    """By asset id, of those that somebody has looked at: faces, the hash of the camera's path, stretches of speech."""

    faces: Mapping[str, Faces] = field(default_factory=dict)
    cameras: Mapping[str, str] = field(default_factory=dict)
    speech: Mapping[str, tuple[Speech, ...]] = field(default_factory=dict)


NONE: Final = Analyses()


def command_for(kind: Kind, asset_id: str) -> str:
    """Return what to ask for so that an analysis is there, for messages."""
    return f'POST /v1/assets/{asset_id}/analyses {{"kind": "{kind}"}}'


async def gathered(
    timeline: Timeline, assets: Mapping[str, Asset], find: Find, blobs: Blobs
) -> tuple[Analyses, tuple[Dependency, ...]]:
    """Return what is known of the assets that a resolved timeline wants analyses of, and which were looked for."""
    faces: dict[str, Faces] = {}
    cameras: dict[str, str] = {}
    speech: dict[str, tuple[Speech, ...]] = {}
    dependencies: list[Dependency] = []
    for kind, asset_id in sorted(set(wanted(timeline))):
        if asset_id not in assets:
            continue
        found = await find(assets[asset_id], kind)
        dependencies.append(dependency(asset_id, found, kind, USES[kind]))
        if found is None:
            continue
        match kind:
            case "faces":
                faces[asset_id] = read(found, Faces, blobs)
            case "camera" if found.data_blob is not None:
                cameras[asset_id] = found.data_blob
            case "speech":
                speech[asset_id] = read(found, tuple[Speech, ...], blobs)
    return Analyses(faces=faces, cameras=cameras, speech=speech), tuple(dependencies)


def wanted(timeline: Timeline) -> Iterator[tuple[Kind, str]]:
    """Yield which analyses of which assets a timeline goes by: a pair may come more than once."""
    ducking = [effect for track in timeline.tracks if track.enabled for effect in _ducks(track)]
    for track in timeline.tracks:
        if not track.enabled:
            continue
        speaks = track.kind == "audio" and any(heeds(effect, track) for effect in ducking)
        for clip in track.items:
            if not isinstance(clip, Clip) or not clip.enabled:
                continue
            if speaks:
                yield from (("speech", asset_id) for asset_id in _heard(clip))
            if isinstance(clip.media, Nested):
                yield from wanted(clip.media.timeline)
            elif isinstance(clip.media, AssetReference) and track.kind != "audio":
                yield from ((kind, clip.media.asset_id) for kind in _of_effects(clip.effects))


def heeds(effect: Effect, track: Track) -> bool:
    """Tell whether a ducking effect makes room for a track: those it names, else all that do not duck themselves."""
    under = effect.parameters.get("under", "")
    names = [part.strip() for part in under.split(",") if part.strip()] if isinstance(under, str) else []
    return track.name in names if names else not _ducks(track)


def _ducks(track: Track) -> list[Effect]:
    return [one for one in track.effects if one.name == DUCK and one.enabled and track.kind == "audio"]


def _heard(clip: Clip) -> Iterator[str]:
    """Yield the assets whose sound a clip plays."""
    match clip.media:
        case AssetReference(asset_id=asset_id):
            yield asset_id
        case Nested(timeline=timeline):
            for track in timeline.tracks:
                if track.kind == "audio" and track.enabled:
                    for inner in track.items:
                        if isinstance(inner, Clip) and inner.enabled:
                            yield from _heard(inner)
        case _:
            pass


def _of_effects(effects: tuple[Effect, ...]) -> Iterator[Kind]:
    for effect in effects:
        if effect.enabled and effect.mask is not None and effect.mask.shape == "faces":
            yield "faces"
        if effect.enabled and effect.name == STABILISE and not effect.parameters.get("file"):
            yield "camera"


def read(artifact: Artifact, form: type[T], blobs: Blobs) -> T:
    """Return what an artifact holds, in itself or in its blob."""
    if artifact.data_blob is not None:
        return decode(blobs.read(artifact.data_blob), form)
    return convert(artifact.data, form)


def dependency(asset_id: str, artifact: Artifact | None, kind: str, use: str) -> Dependency:
    """Return what is said of an artifact that was looked for, and what for."""
    if artifact is None:
        return Dependency(kind=kind, asset_id=asset_id, found=False, use=use)
    return Dependency(
        kind=artifact.kind,
        asset_id=asset_id,
        found=True,
        backend=artifact.backend,
        backend_version=artifact.backend_version,
        cache_key=artifact.cache_key,
        use=use,
    )
