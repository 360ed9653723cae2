"""HTTP for proxies: asking for one, what there is, the file itself; canceling and removing."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from cutroom_sdk.wire.proxies import Proxy, ProxyRequest
from engine.http.replies import committed
from engine.http.requests import answer, body, caller, kernel, listing, one
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import NotFound
from engine.rendering.jobs import Jobs
from engine.rendering.reducer_proxy import PROXY_KIND, CancelProxy


async def list_proxies(request: Request) -> Response:
    """`GET /v1/proxies`."""
    return await listing(request, PROXY_KIND, caller(request, "media:read"))


async def get_proxy(request: Request) -> Response:
    """`GET /v1/proxies/{proxy_id}`."""
    context, proxy_id = caller(request, "media:read"), request.path_params["proxy_id"]
    return await one(request, f"{PROXY_KIND}/{proxy_id}", context, missing=_missing(proxy_id))


async def get_content(request: Request) -> Response:
    """`GET /v1/proxies/{proxy_id}/content`: the file, an MP4 without sound, whole or in byte ranges (RFC 9110, 14)."""
    proxy = await _proxy(request, caller(request, "media:read"))
    blobs = kernel(request).blobs
    if proxy.sha256 is None or not blobs.has(proxy.sha256):
        raise NotFound(f"the proxy {proxy.proxy_id} has no file (it is {proxy.state})")
    return FileResponse(
        blobs.path(proxy.sha256),
        media_type="video/mp4",
        headers={"ETag": f'"{proxy.sha256}"', "Cache-Control": "private, no-cache"},
    )


@needs("media:write")
async def ask_proxy(request: Request) -> Response:
    """`POST /v1/proxies`: have an asset's proxy made, unless it is there."""
    context = caller(request, "media:write")
    asked = await body(request, ProxyRequest)
    return await _asked(
        request, context, await _jobs(request).proxies.asked(asked.asset_id, asked.size, context), 202
    )


@needs("media:write")
async def cancel_proxy(request: Request) -> Response:
    """`POST /v1/proxies/{proxy_id}/cancel`: end its making; drafts do not ask for it again."""
    context = caller(request, "media:write")
    proxy = await _proxy(request, context)
    return await _asked(request, context, [Asked(f"{PROXY_KIND}/{proxy.proxy_id}", CancelProxy())], 200)


@needs("media:write")
async def remove_proxy(request: Request) -> Response:
    """`DELETE /v1/proxies/{proxy_id}`: be rid of it and its file; it is answered as it was. A draft may ask for it again."""
    context = caller(request, "media:write")
    proxy, asked = await _jobs(request).proxies.removed(request.path_params["proxy_id"], context)
    return await committed(request, context, asked, lambda _: answer(proxy))


async def _asked(request: Request, context: Context, asked: Sequence[Asked], status: int) -> Response:
    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(accepted[0].state.proxy, status=status)

    return await committed(request, context, asked, told)


async def _proxy(request: Request, context: Context) -> Proxy:
    proxy_id = request.path_params["proxy_id"]
    proxy = await kernel(request).resources.value(f"{PROXY_KIND}/{proxy_id}", Proxy, context.partition)
    if proxy is None:
        raise _missing(proxy_id)
    return proxy


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.render_jobs
    return jobs


def _missing(proxy_id: str) -> NotFound:
    return NotFound(f"there is no proxy {proxy_id[:64]}", proxy_id=proxy_id[:64])


routes: Final = [
    Route("/v1/proxies", ask_proxy, methods=["POST"]),
    Route("/v1/proxies", list_proxies, methods=["GET"]),
    Route("/v1/proxies/{proxy_id}", get_proxy, methods=["GET"]),
    Route("/v1/proxies/{proxy_id}", remove_proxy, methods=["DELETE"]),
    Route("/v1/proxies/{proxy_id}/content", get_content, methods=["GET"]),
    Route("/v1/proxies/{proxy_id}/cancel", cancel_proxy, methods=["POST"]),
]
