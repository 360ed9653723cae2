"""Proxies: smaller copies of footage that drafts are made from."""

from contextlib import AbstractAsyncContextManager

import httpx

from cutroom_sdk.calls.media import ranged
from cutroom_sdk.connection import Connection
from cutroom_sdk.places import filled
from cutroom_sdk.wire.proxies import Proxy, ProxyRequest


class ProxyCalls(Connection):
    """Proxies that are there, and those in the making."""

    async def proxies(self) -> list[Proxy]:
        """Return all proxies."""
        return await self.every("/v1/proxies", Proxy)

    async def proxy(self, proxy_id: str) -> Proxy:
        """Return one proxy."""
        return await self.get(filled("/v1/proxies/{proxy_id}", proxy_id), Proxy)

    async def ask_proxy(self, asked: ProxyRequest, *, idempotency_key: str | None = None) -> Proxy:
        """Have an asset's proxy made; return it as it stands, which is `ready` where it is there already."""
        return await self.post("/v1/proxies", asked, Proxy, idempotency_key=idempotency_key)

    async def cancel_proxy(self, proxy_id: str) -> Proxy:
        """End a proxy's making; drafts do not ask for it again."""
        return await self.ask("POST", filled("/v1/proxies/{proxy_id}/cancel", proxy_id), Proxy)

    async def remove_proxy(self, proxy_id: str) -> Proxy:
        """Be rid of a proxy and its file; return it as it was."""
        return await self.ask("DELETE", filled("/v1/proxies/{proxy_id}", proxy_id), Proxy)

    def proxy_content(
        self, proxy_id: str, *, bytes_range: str | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Open a proxy's file, an MP4 without sound; `bytes_range` is a part of it as HTTP has it."""
        return self.opened(filled("/v1/proxies/{proxy_id}/content", proxy_id), headers=ranged(bytes_range))
