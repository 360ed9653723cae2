"""Whatever is asked in whatever order: an asset is its content, an artifact is made once, an upload ends once."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from cutroom_sdk.wire.media import Artifact, Asset
from engine.kernel.reducer import Envelope, Rejected
from engine.media import reducer as media

SHA = "ab" * 32
OTHER = "cd" * 32


def asset(sha256: str, path: str) -> Asset:
    return Asset(
        asset_id=sha256[:32],
        name=path,
        sha256=sha256,
        bytes=1,
        container="mp4",
        duration=Fraction(1),
        path=path,
    )


def artifact(key: str, data: int) -> Artifact:
    return Artifact(
        artifact_id=key[:32],
        asset_id=SHA[:32],
        kind="shots",
        schema=1,
        cache_key=key,
        params={},
        backend="b",
        backend_version="1",
        data=data,
    )


hashes = st.sampled_from([SHA, OTHER])
asset_proposals = st.one_of(
    st.builds(media.Register, asset=st.builds(asset, hashes, st.sampled_from(["/a", "/b"]))),
    st.builds(media.Stale, reason=st.just("gone")),
)


@given(st.lists(asset_proposals))
def test_an_asset_is_its_content_and_keeps_its_birthday(asked: list[media.AssetProposal]) -> None:
    state = media.init_asset(SHA[:32])
    born: set[int] = set()
    for at_ms, proposal in enumerate(asked, start=1):
        envelope = Envelope(at_ms=at_ms, actor="ada")
        try:
            events = media.decide_asset(state, proposal, envelope)
        except Rejected:
            continue
        for event in events:
            state = media.on_asset_event(state, event, envelope).state
        # Asked for again, there is nothing left to do.
        assert media.decide_asset(state, proposal, envelope) == ()
        assert state.asset is not None
        assert state.asset.sha256 == SHA
        assert state.asset.state == ("stale" if isinstance(proposal, media.Stale) else "ready")
        born.add(state.asset.created_at_ms)
    assert len(born) <= 1


@given(st.lists(st.builds(artifact, hashes, st.integers(0, 3)), min_size=1))
def test_an_artifact_is_recorded_once_for_good(asked: list[Artifact]) -> None:
    state, first = media.init_artifact(SHA[:32]), None
    for at_ms, one in enumerate(asked, start=1):
        envelope = Envelope(at_ms=at_ms, actor="ada")
        try:
            events = media.decide_artifact(state, media.Record(artifact=one), envelope)
        except Rejected:
            assert one.cache_key == OTHER
            continue
        for event in events:
            state = media.on_artifact_event(state, event, envelope).state
        assert state.artifact is not None
        first = first or state.artifact
        assert state.artifact == first


upload_proposals = st.one_of(
    st.builds(media.Begin, name=st.just("a"), bytes=st.integers(1, 3)),
    st.builds(media.Finish, asset_id=st.sampled_from(["x", "y"])),
    st.builds(media.Cancel),
)


@given(st.lists(upload_proposals))
def test_an_upload_begins_once_and_ends_once(asked: list[media.UploadProposal]) -> None:
    state = media.init_upload("u")
    seen: list[str] = []
    envelope = Envelope(at_ms=1, actor="ada")
    for proposal in asked:
        try:
            events = media.decide_upload(state, proposal, envelope)
        except Rejected:
            continue
        for event in events:
            state = media.on_upload_event(state, event, envelope).state
            assert state.upload is not None
            seen.append(state.upload.state)
    assert seen in ([], ["open"], ["open", "finished"], ["open", "canceled"])
