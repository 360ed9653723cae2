# Made by `just specs` from cutroom_sdk/calls/proxies.py; change that one.
"""Proxies: smaller copies of footage that drafts are made from."""

from contextlib import AbstractContextManager

import httpx

from cutroom_sdk.places import filled
from cutroom_sdk.sync.calls.media import ranged
from cutroom_sdk.sync.connection import Connection
from cutroom_sdk.wire.proxies import Proxy, ProxyRequest


class ProxyCalls(Connection):
    """Proxies that are there, and those in the making."""

    def proxies(self) -> list[Proxy]:
        """Return all proxies."""
        return self.every("/v1/proxies", Proxy)

    def proxy(self, proxy_id: str) -> Proxy:
        """Return one proxy."""
        return self.get(filled("/v1/proxies/{proxy_id}", proxy_id), Proxy)

    def ask_proxy(self, asked: ProxyRequest, *, idempotency_key: str | None = None) -> Proxy:
        """Have an asset's proxy made; return it as it stands, which is `ready` where it is there already."""
        return self.post("/v1/proxies", asked, Proxy, idempotency_key=idempotency_key)

    def cancel_proxy(self, proxy_id: str) -> Proxy:
        """End a proxy's making; drafts do not ask for it again."""
        return self.ask("POST", filled("/v1/proxies/{proxy_id}/cancel", proxy_id), Proxy)

    def remove_proxy(self, proxy_id: str) -> Proxy:
        """Be rid of a proxy and its file; return it as it was."""
        return self.ask("DELETE", filled("/v1/proxies/{proxy_id}", proxy_id), Proxy)

    def proxy_content(
        self, proxy_id: str, *, bytes_range: str | None = None
    ) -> AbstractContextManager[httpx.Response]:
        """Open a proxy's file, an MP4 without sound; `bytes_range` is a part of it as HTTP has it."""
        return self.opened(filled("/v1/proxies/{proxy_id}/content", proxy_id), headers=ranged(bytes_range))
