"""Assets, artifacts and uploads: what came in, what was derived from it, what is on its way.

asset     (nothing) --registered--> ready --staled--> stale --registered--> ready
artifact  (nothing) --recorded--> recorded, for good
upload    (nothing) --begun--> open --finished--> finished
                               open --canceled--> canceled
"""

from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.media import Artifact, Asset, Upload
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step


class AssetState(Struct, frozen=True, kw_only=True):
    """State of the stream `asset/{asset_id}`; `asset` is None before it is registered."""

    asset_id: str
    asset: Asset | None = None


class Register(Struct, frozen=True, kw_only=True, tag="register"):
    """The file was read and is media. `asset.created_at_ms` is set when it is accepted."""

    asset: Asset


class Stale(Struct, frozen=True, kw_only=True, tag="stale"):
    """The file is gone or no longer what it was; `reason` says which, in words."""

    reason: str


class Registered(Struct, frozen=True, kw_only=True, tag="asset.registered"):
    """An asset came in, or was found again, or lies somewhere else."""

    asset: Asset


class Staled(Struct, frozen=True, kw_only=True, tag="asset.staled"):
    """An asset's file cannot be used any more."""

    reason: str


AssetProposal = Register | Stale
AssetEvent = Registered | Staled


def init_asset(asset_id: str) -> AssetState:
    """Return an asset that has not come in."""
    return AssetState(asset_id=asset_id)


def decide_asset(state: AssetState, proposal: AssetProposal, envelope: Envelope) -> tuple[AssetEvent, ...]:
    """Answer a proposal; registering what is known already, and staling what is stale, comes to nothing.

    Raises:
        Rejected: `asset_unknown` or `wrong_asset`.
    """
    match proposal:
        case Register(asset=asset):
            if asset.asset_id != state.asset_id or not asset.sha256.startswith(asset.asset_id):
                raise Rejected("wrong_asset", f"{asset.asset_id} does not follow from {asset.sha256}")
            created = state.asset.created_at_ms if state.asset is not None else envelope.at_ms
            accepted = replace(asset, created_at_ms=created, state="ready")
            return () if accepted == state.asset else (Registered(asset=accepted),)
        case Stale(reason=reason):
            if state.asset is None:
                raise Rejected("asset_unknown", f"there is no asset {state.asset_id}")
            return () if state.asset.state == "stale" else (Staled(reason=reason),)
        case _:
            assert_never(proposal)


def on_asset_event(state: AssetState, event: AssetEvent, _envelope: Envelope) -> Step[AssetState, Struct]:
    """Fold one accepted event."""
    match event:
        case Registered(asset=asset):
            return Step(replace(state, asset=asset))
        case Staled():
            assert state.asset is not None, "only what came in can go stale"
            return Step(replace(state, asset=replace(state.asset, state="stale")))
        case _:
            assert_never(event)


def asset_resources(asset_id: str, state: AssetState) -> dict[str, Struct | None]:
    """Publish `asset/{asset_id}`."""
    return {f"asset/{asset_id}": state.asset}


class ArtifactState(Struct, frozen=True, kw_only=True):
    """State of the stream `artifact/{artifact_id}`; `artifact` is None before it is recorded."""

    artifact_id: str
    artifact: Artifact | None = None


class Record(Struct, frozen=True, kw_only=True, tag="record"):
    """Something was derived. `artifact.meta.created_at_ms` is set when it is accepted."""

    artifact: Artifact


class Recorded(Struct, frozen=True, kw_only=True, tag="artifact.recorded"):
    """An artifact is there."""

    artifact: Artifact


def init_artifact(artifact_id: str) -> ArtifactState:
    """Return an artifact that has not been made."""
    return ArtifactState(artifact_id=artifact_id)


def decide_artifact(state: ArtifactState, proposal: Record, envelope: Envelope) -> tuple[Recorded, ...]:
    """Record an artifact once; its key says what it was made from, so a second one is the same.

    Raises:
        Rejected: `wrong_artifact`.
    """
    artifact = proposal.artifact
    if artifact.artifact_id != state.artifact_id or not artifact.cache_key.startswith(artifact.artifact_id):
        raise Rejected("wrong_artifact", f"{artifact.artifact_id} does not follow from {artifact.cache_key}")
    if state.artifact is not None:
        return ()
    return (Recorded(artifact=replace(artifact, meta=replace(artifact.meta, created_at_ms=envelope.at_ms))),)


def on_artifact_event(
    state: ArtifactState, event: Recorded, _envelope: Envelope
) -> Step[ArtifactState, Struct]:
    """Fold one accepted event."""
    return Step(replace(state, artifact=event.artifact))


def artifact_resources(artifact_id: str, state: ArtifactState) -> dict[str, Struct | None]:
    """Publish `artifact/{artifact_id}`."""
    return {f"artifact/{artifact_id}": state.artifact}


class UploadState(Struct, frozen=True, kw_only=True):
    """State of the stream `upload/{upload_id}`; `upload` is None before it is begun."""

    upload_id: str
    upload: Upload | None = None


class Begin(Struct, frozen=True, kw_only=True, tag="begin"):
    """A file of `bytes` bytes is to come in pieces."""

    name: str
    bytes: int


class Finish(Struct, frozen=True, kw_only=True, tag="finish"):
    """All of it came, and it became an asset."""

    asset_id: str


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """It is no longer wanted."""


class Begun(Struct, frozen=True, kw_only=True, tag="upload.begun"):
    """A place for the file is there."""

    name: str
    bytes: int


class Finished(Struct, frozen=True, kw_only=True, tag="upload.finished"):
    """The file is an asset's."""

    asset_id: str


class Canceled(Struct, frozen=True, kw_only=True, tag="upload.canceled"):
    """What had come is thrown away."""


UploadProposal = Begin | Finish | Cancel
UploadEvent = Begun | Finished | Canceled


def init_upload(upload_id: str) -> UploadState:
    """Return an upload that has not begun."""
    return UploadState(upload_id=upload_id)


def decide_upload(
    state: UploadState, proposal: UploadProposal, _envelope: Envelope
) -> tuple[UploadEvent, ...]:
    """Answer a proposal.

    Raises:
        Rejected: `upload_begun` or `upload_over`.
    """
    upload = state.upload
    match proposal:
        case Begin(name=name, bytes=size):
            if upload is not None:
                raise Rejected("upload_begun", f"the upload {state.upload_id} has begun already")
            return (Begun(name=name, bytes=size),)
        case Finish(asset_id=asset_id):
            if upload is not None and upload.asset_id == asset_id:
                return ()
            _check_open(state)
            return (Finished(asset_id=asset_id),)
        case Cancel():
            if upload is not None and upload.state == "canceled":
                return ()
            _check_open(state)
            return (Canceled(),)
        case _:
            assert_never(proposal)


def on_upload_event(state: UploadState, event: UploadEvent, _envelope: Envelope) -> Step[UploadState, Struct]:
    """Fold one accepted event."""
    match event:
        case Begun(name=name, bytes=size):
            upload = Upload(upload_id=state.upload_id, name=name, bytes=size, state="open")
            return Step(replace(state, upload=upload))
        case Finished(asset_id=asset_id):
            assert state.upload is not None, "only what has begun can finish"
            return Step(replace(state, upload=replace(state.upload, state="finished", asset_id=asset_id)))
        case Canceled():
            assert state.upload is not None, "only what has begun can be canceled"
            return Step(replace(state, upload=replace(state.upload, state="canceled")))
        case _:
            assert_never(event)


def upload_resources(upload_id: str, state: UploadState) -> dict[str, Struct | None]:
    """Publish `upload/{upload_id}`."""
    return {f"upload/{upload_id}": state.upload}


def _check_open(state: UploadState) -> None:
    if state.upload is None or state.upload.state != "open":
        word = "unknown" if state.upload is None else state.upload.state
        raise Rejected("upload_over", f"the upload {state.upload_id} is {word}, not open")


ASSET = Aggregate(
    kind="asset",
    init=init_asset,
    decide=decide_asset,
    on_event=on_asset_event,
    event=AssetEvent,
    state=AssetState,
    resources=asset_resources,
)
ARTIFACT = Aggregate(
    kind="artifact",
    init=init_artifact,
    decide=decide_artifact,
    on_event=on_artifact_event,
    event=Recorded,
    state=ArtifactState,
    resources=artifact_resources,
)
UPLOAD = Aggregate(
    kind="upload",
    init=init_upload,
    decide=decide_upload,
    on_event=on_upload_event,
    event=UploadEvent,
    state=UploadState,
    resources=upload_resources,
)
