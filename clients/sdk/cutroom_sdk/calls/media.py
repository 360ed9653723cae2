"""Footage, what was derived from it, and uploads in pieces."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import httpx

from cutroom_sdk.connection import READING_S, Connection
from cutroom_sdk.places import filled, given
from cutroom_sdk.wire.media import (
    AnalysisRequest,
    Artifact,
    Asset,
    AssetRequest,
    FrameTimes,
    Upload,
    UploadRequest,
)

UPLOAD_TYPE: Final = "application/offset+octet-stream"


class MediaCalls(Connection):
    """Assets, artifacts, uploads. A whole file is sent with `cutroom_sdk.uploads.upload`."""

    async def register(
        self, path: str, *, name: str | None = None, idempotency_key: str | None = None
    ) -> Asset:
        """Have footage taken in that stays where it is; the same content gives the same asset.

        Raises:
            SdkError: `media_unreadable`; `path_outside_roots`: upload it instead.
        """
        return await self._taken_in(AssetRequest(path=path, name=name), idempotency_key)

    async def register_upload(
        self, upload_id: str, *, name: str | None = None, idempotency_key: str | None = None
    ) -> Asset:
        """Have an upload that has come whole taken in.

        Raises:
            SdkError: `media_unreadable`: what came is thrown away.
        """
        return await self._taken_in(AssetRequest(upload=upload_id, name=name), idempotency_key)

    async def _taken_in(self, asked: AssetRequest, idempotency_key: str | None) -> Asset:
        return await self.post(
            "/v1/assets", asked, Asset, idempotency_key=idempotency_key, timeout_s=READING_S
        )

    async def assets(self) -> list[Asset]:
        """Return all assets."""
        return await self.every("/v1/assets", Asset)

    async def asset(self, asset_id: str) -> Asset:
        """Return one asset."""
        return await self.get(filled("/v1/assets/{id}", asset_id), Asset)

    def asset_content(
        self, asset_id: str, *, bytes_range: str | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Open an asset's file; `bytes_range` is a part of it as HTTP has it: `0-499`, `-500` (the last 500)."""
        return self.opened(filled("/v1/assets/{id}/content", asset_id), headers=ranged(bytes_range))

    async def frame_times(self, asset_id: str, times: Sequence[str]) -> FrameTimes:
        """Return the frames that begin nearest to times: seconds (`3/2`, `1.5`) or frames (`45f`), at most 1000.

        Raises:
            SdkError: `invalid_request`: one is no time, or lies beyond the end.
        """
        path = filled("/v1/assets/{id}/frames", asset_id)
        return await self.get(path, FrameTimes, params={"times": ",".join(times)})

    async def analyse(self, asset_id: str, kind: str, params: dict[str, Any] | None = None) -> Artifact:
        """Have an asset analysed and return what came of it; what was found before is found again at once."""
        asked, path = AnalysisRequest(kind=kind, params=params or {}), "/v1/assets/{id}/analyses"
        return await self.post(filled(path, asset_id), asked, Artifact, timeout_s=READING_S)

    async def artifacts(self, *, asset_id: str | None = None, kind: str | None = None) -> list[Artifact]:
        """Return artifacts, sorted by id; those of one asset, of one kind, if they are named."""
        return await self.every("/v1/artifacts", Artifact, given({"asset_id": asset_id, "kind": kind}))

    async def artifact(self, artifact_id: str) -> Artifact:
        """Return one artifact, its data filled in where it is JSON that lies apart for its size."""
        return await self.get(filled("/v1/artifacts/{id}", artifact_id), Artifact)

    async def begin_upload(self, name: str, size: int) -> Upload:
        """Begin an upload of so many bytes."""
        return await self.post("/v1/uploads", UploadRequest(name=name, bytes=size), Upload)

    async def upload_offset(self, upload_id: str) -> int:
        """Return how many bytes of an upload have come."""
        answer = await self.request("GET", filled("/v1/uploads/{id}", upload_id))
        return int(answer.headers["Upload-Offset"])

    async def send_chunk(self, upload_id: str, offset: int, chunk: bytes) -> int:
        """Send the bytes that go at `offset`; return how many have come then.

        Raises:
            SdkError: `version_conflict`, the daemon has another number of bytes: ask for the `upload_offset`.
        """
        headers = {"Content-Type": UPLOAD_TYPE, "Upload-Offset": str(offset)}
        path = filled("/v1/uploads/{id}", upload_id)
        answer = await self.request("PATCH", path, content=chunk, headers=headers)
        return int(answer.headers["Upload-Offset"])

    async def cancel_upload(self, upload_id: str) -> Upload:
        """Throw away what has come of an upload."""
        return await self.ask("DELETE", filled("/v1/uploads/{id}", upload_id), Upload)


def ranged(bytes_range: str | None) -> dict[str, str]:
    """Return the header that asks for a part of a file."""
    return {} if bytes_range is None else {"Range": f"bytes={bytes_range}"}
