"""What an artifact was made from, as a key: the same file, maker and parameters, the same key, so work is done once."""

from importlib.metadata import version
from typing import Any, Final

from cutroom_sdk.wire.codec import digest, encode
from cutroom_sdk.wire.media import Artifact, ArtifactMeta, Asset
from engine.kernel.blobs import Blobs
from engine.media.analysis.requests import Backend

DATA_MAX: Final = 200_000  # bytes of JSON that an artifact carries itself; more lies in a blob

FRAME_INDEX: Final = Backend(
    kind="frame_index",
    stream="picture",
    name="packets",
    version=f"3+av{version('av')}",
)


def cache_key(asset: Asset, backend: Backend, params: dict[str, Any]) -> str:
    """Return the key of an artifact, 64 hex digits; its first 32 are the artifact's id."""
    return digest(
        {
            "asset": asset.sha256,
            "kind": backend.kind,
            "schema": backend.schema,
            "params": params,
            "backend": backend.name,
            "backend_version": backend.version,
            "model_hash": backend.model_hash,
        }
    )


def artifact_id(asset: Asset, backend: Backend, params: dict[str, Any]) -> str:
    """Return the id that an artifact has or will have."""
    return cache_key(asset, backend, params)[:32]


def make_artifact(
    asset: Asset,
    backend: Backend,
    params: dict[str, Any],
    data: Any,
    blobs: Blobs,
    *,
    notices: tuple[str, ...] = (),
    elapsed_ms: int = 0,
) -> Artifact:
    """Return an artifact of `data`; bytes and large data are put among the blobs."""
    key = cache_key(asset, backend, params)
    content = data if isinstance(data, bytes) else encode(data)
    in_blob = isinstance(data, bytes) or len(content) > DATA_MAX
    return Artifact(
        artifact_id=key[:32],
        asset_id=asset.asset_id,
        kind=backend.kind,
        schema=backend.schema,
        cache_key=key,
        params=params,
        backend=backend.name,
        backend_version=backend.version,
        model_hash=backend.model_hash,
        notices=notices,
        data=None if in_blob else data,
        data_blob=blobs.put(content) if in_blob else None,
        meta=ArtifactMeta(created_at_ms=0, elapsed_ms=elapsed_ms),
    )
