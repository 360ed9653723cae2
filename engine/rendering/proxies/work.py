"""What crosses to the worker for a proxy, beside the pieces of its picture."""

from msgspec import Struct

from engine.rendering.work import VideoEncoder


class JoinProxyWork(Struct, frozen=True, kw_only=True):
    """Join pieces into a proxy. The inputs are the source's frame index and files of segments."""

    encoder: VideoEncoder


class ProxyDone(Struct, frozen=True, kw_only=True):
    """A proxy came out whole: the sizes of the file and of its frame index, in bytes."""

    bytes: int
    index_bytes: int
