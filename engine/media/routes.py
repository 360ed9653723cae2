"""HTTP for assets, artifacts and uploads: decode, ask, encode."""

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.media import AnalysisRequest, Artifact, Asset, AssetRequest, Upload, UploadRequest
from engine.http.replies import replying
from engine.http.requests import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    answer,
    body,
    caller,
    check_content_type,
    kernel,
    listing,
    one,
    query_integer,
)
from engine.http.rights import needs
from engine.kernel.dispatch import Accepted
from engine.kernel.errors import Invalid, NotFound
from engine.media.cache import FRAME_INDEX
from engine.media.effects import Media
from engine.media.files import source_path

UPLOAD_TYPE: Final = "application/offset+octet-stream"
_DIGITS_MAX: Final = 15


def _media(request: Request) -> Media:
    media: Media = request.app.state.media
    return media


@needs("media:write")
async def create_asset(request: Request) -> Response:
    """`POST /v1/assets`: 201 when it is new, 200 when the same content is an asset already."""
    context = caller(request, "media:write")
    asked = await body(request, AssetRequest)
    if (asked.path is None) == (asked.upload is None):
        raise Invalid("give either path or upload", field="path")
    keeping = replying(request, context, _recorded_asset)
    if asked.path is not None:
        taken = await _media(request).take_path(asked.path, asked.name, keeping)
    else:
        assert asked.upload is not None, "one of the two is given"
        taken = await _media(request).uploads.finish(asked.upload, asked.name, keeping)
    return _told_asset(taken.asset, reused=taken.reused)


def _told_asset(asset: Asset, *, reused: bool) -> Response:
    status = 200 if reused else 201
    return answer(asset, status=status, headers={"Location": f"/v1/assets/{asset.asset_id}"})


def _recorded_asset(accepted: Sequence[Accepted]) -> Response | None:
    """Answer a commit that records an asset; when its index is recorded along with it, the file was read for it."""
    first = accepted[0]
    if not first.stream.startswith("asset/") or first.state.asset.state != "ready":
        return None
    read = any(one.stream.startswith("artifact/") for one in accepted)
    return _told_asset(first.state.asset, reused=not read)


async def list_assets(request: Request) -> Response:
    """`GET /v1/assets`."""
    return await listing(request, "asset", caller(request, "media:read"))


async def get_asset(request: Request) -> Response:
    """`GET /v1/assets/{id}`, with its ETag."""
    context, asset_id = caller(request, "media:read"), request.path_params["id"]
    return await one(request, f"asset/{asset_id}", context, missing=NotFound(f"there is no asset {asset_id}"))


async def get_content(request: Request) -> Response:
    """`GET /v1/assets/{id}/content`: the file itself, whole or in byte ranges (RFC 9110, 14)."""
    context, asset_id = caller(request, "media:read"), request.path_params["id"]
    found = kernel(request)
    asset = await found.resources.value(f"asset/{asset_id}", Asset, context.partition)
    if asset is None:
        raise NotFound(f"there is no asset {asset_id}")
    path = source_path(asset, found.blobs)
    return FileResponse(
        path,
        media_type=_content_type(asset),
        headers={"ETag": f'"{asset.sha256}"', "Content-Disposition": "inline"},
    )


@needs("media:write")
async def create_analysis(request: Request) -> Response:
    """`POST /v1/assets/{id}/analyses`: the artifact, once it is there."""
    context = caller(request, "media:write")
    asked = await body(request, AnalysisRequest)
    asset_id = request.path_params["id"]

    def told(accepted: Sequence[Accepted]) -> Response | None:
        for part in accepted:
            found = part.state.artifact if part.stream.startswith("artifact/") else None
            if found is not None and (found.asset_id, found.kind) == (asset_id, asked.kind):
                return answer(found)
        return None

    keeping = replying(request, context, told)
    return answer(await _media(request).analyse_one(asset_id, asked.kind, asked.params, keeping))


async def list_artifacts(request: Request) -> Response:
    """`GET /v1/artifacts?asset_id=&kind=`, sorted by id."""
    context = caller(request, "media:read")
    limit = query_integer(request, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    wanted = {name: request.query_params.get(name) for name in ("asset_id", "kind")}
    cursor: str | None = request.query_params.get("cursor", "")
    items: list[msgspec.Raw] = []
    position = 0
    while cursor is not None and len(items) < limit:
        page = await kernel(request).resources.page("artifact", context.partition, limit=limit, cursor=cursor)
        position, cursor = page.position, page.next
        for record in page.items:
            artifact = decode(record.value, Artifact)
            if all(value in (None, getattr(artifact, name)) for name, value in wanted.items()):
                items.append(msgspec.Raw(record.value))
            if len(items) == limit:
                cursor = None if cursor is None and record is page.items[-1] else record.key
                break
    return answer({"items": items, "next": cursor, "position": position})


async def get_artifact(request: Request) -> Response:
    """`GET /v1/artifacts/{id}`: whole, its data filled in when it is JSON that lies apart for its size."""
    context, key = caller(request, "media:read"), f"artifact/{request.path_params['id']}"
    artifact = await kernel(request).resources.value(key, Artifact, context.partition)
    if artifact is None or artifact.data_blob is None or artifact.kind == FRAME_INDEX.kind:
        return await one(request, key, context)
    content = await asyncio.to_thread(kernel(request).blobs.read, artifact.data_blob)
    return answer(replace(artifact, data=msgspec.Raw(content)))


@needs("media:write")
async def begin_upload(request: Request) -> Response:
    """`POST /v1/uploads {name, bytes}`: where to send the pieces."""
    context = caller(request, "media:write")
    asked = await body(request, UploadRequest)

    def told(accepted: Sequence[Accepted]) -> Response:
        return _told_upload(accepted[0].state.upload)

    keeping = replying(request, context, told)
    return _told_upload(await _media(request).uploads.begin(asked.name, asked.bytes, keeping))


def _told_upload(upload: Upload) -> Response:
    headers = {"Location": f"/v1/uploads/{upload.upload_id}", "Upload-Offset": "0"}
    return answer(upload, status=201, headers=headers)


async def head_upload(request: Request) -> Response:
    """`HEAD` and `GET /v1/uploads/{id}`: how much has come, as `Upload-Offset`."""
    context = caller(request, "media:write")
    uploads = _media(request).uploads
    upload = await uploads.find(request.path_params["id"], context)
    return answer(upload, headers=_offsets(uploads.offset(upload), upload.bytes))


@needs("media:write")
async def append_upload(request: Request) -> Response:
    """`PATCH /v1/uploads/{id}` with `Upload-Offset`: bytes that go there. What came before a break is kept."""
    context = caller(request, "media:write")
    check_content_type(request, UPLOAD_TYPE)
    offset = request.headers.get("upload-offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) <= _DIGITS_MAX):
        raise Invalid(f"Upload-Offset is {offset[:40]!r}; a number of bytes is taken", field="Upload-Offset")
    uploads = _media(request).uploads
    upload = await uploads.find(request.path_params["id"], context)
    reached = await uploads.append(upload, int(offset), _pieces(request))
    return Response(status_code=204, headers=_offsets(reached, upload.bytes))


@needs("media:write")
async def cancel_upload(request: Request) -> Response:
    """`DELETE /v1/uploads/{id}`: throw away what has come."""
    context = caller(request, "media:write")
    keeping = replying(request, context, lambda accepted: answer(accepted[0].state.upload))
    return answer(await _media(request).uploads.cancel(request.path_params["id"], keeping))


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        return


def _offsets(offset: int, size: int) -> dict[str, str]:
    return {"Upload-Offset": str(offset), "Upload-Length": str(size), "Cache-Control": "no-store"}


def _content_type(asset: Asset) -> str:
    """What a browser is told: only ever video or audio, for names are not to be trusted."""
    kind = "video" if asset.video is not None else "audio"
    guessed = mimetypes.guess_type(asset.name)[0] or ""
    if guessed.startswith((f"{kind}/", "video/", "audio/")):
        return guessed
    family = "webm" if "webm" in asset.container else "mp4" if "mp4" in asset.container else ""
    return f"{kind}/{family}" if family else "application/octet-stream"


routes = [
    Route("/v1/assets", create_asset, methods=["POST"]),
    Route("/v1/assets", list_assets, methods=["GET"]),
    Route("/v1/assets/{id}", get_asset, methods=["GET"]),
    Route("/v1/assets/{id}/content", get_content, methods=["GET"]),
    Route("/v1/assets/{id}/analyses", create_analysis, methods=["POST"]),
    Route("/v1/artifacts", list_artifacts, methods=["GET"]),
    Route("/v1/artifacts/{id}", get_artifact, methods=["GET"]),
    Route("/v1/uploads", begin_upload, methods=["POST"]),
    Route("/v1/uploads/{id}", head_upload, methods=["GET"]),
    Route("/v1/uploads/{id}", append_upload, methods=["PATCH"]),
    Route("/v1/uploads/{id}", cancel_upload, methods=["DELETE"]),
]
