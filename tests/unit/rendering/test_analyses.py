"""Which analyses a timeline goes by, and what is read of them."""

from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.media import Artifact, Asset, Faces, Speech
from cutroom_sdk.wire.timeline import Clip, Effect, Gap, Mask, Nested, TimeRange, Track
from engine.kernel.blobs import Blobs
from engine.rendering.analyses import Kind, gathered, wanted
from tests.unit.rendering.material import a_clip, a_timeline, an_asset

VOICE, MUSIC, OTHER = an_asset("a"), an_asset("b"), an_asset("c")
DUCK = Effect(name="duck")


def sounding(name: str, *clips: Clip | Gap, effects: tuple[Effect, ...] = ()) -> Track:
    return Track(kind="audio", name=name, items=clips, effects=effects)


def pictured(*effects: Effect) -> Clip:
    return a_clip(VOICE, 0, 50, effects=effects)


@pytest.mark.parametrize(
    ("effects", "kinds"),
    [
        ((Effect(name="stabilise"),), {"camera"}),
        ((Effect(name="stabilise", parameters={"file": "f" * 64}),), set()),
        ((Effect(name="stabilise", enabled=False),), set()),
        ((Effect(name="blur", mask=Mask(shape="faces")),), {"faces"}),
        ((Effect(name="blur", mask=Mask(shape="ellipse")),), set()),
    ],
)
def test_effects_want_analyses_of_their_own_clips_footage(
    effects: tuple[Effect, ...], kinds: set[Kind]
) -> None:
    timeline = a_timeline(pictured(*effects))
    assert set(wanted(timeline)) == {(kind, VOICE.asset_id) for kind in kinds}
    whole = TimeRange(start=Fraction(0), duration=Fraction(2))
    nested = Clip(id="n", media=Nested(timeline=timeline), source_range=whole)
    assert set(wanted(a_timeline(nested))) == set(wanted(timeline))


def test_ducking_wants_to_know_who_speaks_on_the_tracks_it_makes_room_for() -> None:
    tracks = (
        sounding("music", a_clip(MUSIC, 0, 50), effects=(DUCK,)),
        sounding("voice", a_clip(VOICE, 0, 50)),
        sounding("other", Gap(duration=Fraction(1)), a_clip(OTHER, 0, 50)),
    )
    timeline = a_timeline(sound=False)
    everywhere = replace(timeline, tracks=tracks)
    assert set(wanted(everywhere)) == {("speech", VOICE.asset_id), ("speech", OTHER.asset_id)}
    named = Effect(name="duck", parameters={"under": "voice"})
    only = sounding("music", a_clip(MUSIC, 0, 50), effects=(named,))
    one = replace(timeline, tracks=(only, *tracks[1:]))
    assert set(wanted(one)) == {("speech", VOICE.asset_id)}
    nobody = replace(timeline, tracks=tracks[1:])
    assert set(wanted(nobody)) == set()


async def test_what_is_found_is_read_and_what_is_not_is_told(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    faces = Mask(shape="faces")
    timeline = a_timeline(
        pictured(Effect(name="stabilise"), Effect(name="blur", mask=faces)),
        a_clip(OTHER, 0, 50, effects=(Effect(name="stabilise"),)),
        sound=False,
    )
    duck = sounding("music", a_clip(MUSIC, 0, 50), effects=(DUCK,))
    voice = sounding("voice", a_clip(VOICE, 0, 50))
    timeline = replace(timeline, tracks=(*timeline.tracks, duck, voice))
    said = (Speech(start=Fraction(1), end=Fraction(2), confidence=0.5),)
    nobody = Faces(hop=Fraction(1, 5), tracks=())
    path = blobs.put(b"a path")
    kept = {"camera": (None, path), "faces": (to_builtins(nobody), None), "speech": (to_builtins(said), None)}

    async def find(asset: Asset, kind: Kind) -> Artifact | None:
        if asset is OTHER:
            return None
        data, blob = kept[kind]
        return Artifact(
            artifact_id="0", asset_id=asset.asset_id, kind=kind, schema=1, cache_key="k", params={},
            backend="b", backend_version="1", data=data, data_blob=blob,
        )  # fmt: skip

    assets = {one.asset_id: one for one in (VOICE, MUSIC, OTHER)}
    found, dependencies = await gathered(timeline, assets, find, blobs)
    assert found.cameras == {VOICE.asset_id: path}
    assert found.faces == {VOICE.asset_id: nobody}
    assert found.speech == {VOICE.asset_id: said}
    assert [(one.kind, one.asset_id, one.found, one.cache_key) for one in dependencies] == [
        ("camera", VOICE.asset_id, True, "k"),
        ("camera", OTHER.asset_id, False, ""),
        ("faces", VOICE.asset_id, True, "k"),
        ("speech", VOICE.asset_id, True, "k"),
    ]
