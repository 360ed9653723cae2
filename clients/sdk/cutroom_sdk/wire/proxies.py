"""Proxies: smaller copies of an asset's pictures, frame for frame, that drafts are made from."""

from typing import Final, Literal

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.renders import RenderError

# Lines of the shorter side: the ladder that proxies are made on, the largest first.
SIZES: Final = (1080, 720, 360)
ProxyState = Literal["queued", "running", "ready", "failed", "canceled"]


class Proxy(Wire, frozen=True, kw_only=True):
    """Resource `proxy/{proxy_id}`, the id being `{asset_id}-{size}`: frame n of it is frame n of the asset.

    `size` is how many lines its shorter side has on the ladder, `width` x `height` what it is, upright and with square
    pixels. `key` is the hash of all that its pixels depend on. `bytes` and `sha256` are the file's, None until it is there;
    a file that had to make room for others takes its proxy with it.
    """

    proxy_id: str
    asset_id: str
    size: int
    state: ProxyState
    width: int
    height: int
    frames: int
    key: str
    bytes: int | None = None
    sha256: str | None = None
    error: RenderError | None = None


class ProxyRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/proxies`: `size` is one of the ladder: 1080, 720 or 360 lines, no more than the asset has itself."""

    asset_id: str
    size: int = 720
