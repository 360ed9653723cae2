"""Opening media that nobody vouches for.

Only inside a worker process: the descriptor is the one file that exists, container formats that open other files
(playlists, session descriptions, concat lists) are refused by name, and no protocol may be opened at all.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pkgutil
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.stream import Discard, Disposition

from engine.kernel.errors import Invalid
from engine.media.tasks import warm_up

# Demuxers that read one file and nothing besides.
FORMATS = (
    "mov", "mp4", "matroska", "webm", "mpegts", "mpeg", "avi", "flv", "asf", "mxf", "nut", "ivf", "h264", "hevc",
    "wav", "w64", "aiff", "caf", "flac", "mp3", "aac", "ogg", "ac3", "eac3", "amr",
)  # fmt: skip
MAX_PIXELS = 8192 * 8192
READ_BYTES = 1 << 18

# What libav raises on damaged input besides its own errors: names that are no UTF-8, demuxers that ask for more.
BROKEN = (av.FFmpegError, UnicodeDecodeError, BlockingIOError, ValueError, MemoryError, OverflowError)


@warm_up
def load_everything() -> None:
    """Import all of PyAV: it imports parts when it first meets them, and then no file can be opened any more."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


class _Descriptor(io.RawIOBase):
    """A descriptor with a place of its own, so that one file can be open several times at once."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = size if size >= 0 else self._size - self._place
        data = os.pread(self.descriptor, wanted, self._place)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place


def open_media(descriptor: int, *, threads: int = 1) -> InputContainer:
    """Open a container for reading.

    Args:
        descriptor: readable and seekable; it stays open and its offset is neither used nor moved.
        threads: decoder threads of each stream (frame threads; they change speed, never pictures).

    Raises:
        Invalid: `media_unreadable`, with what is wrong: empty, cut off, no media, neither picture nor sound.
    """
    size = os.fstat(descriptor).st_size
    if size == 0:
        raise unreadable("the file is empty (0 bytes)")
    options = {
        "protocol_whitelist": "none",
        "format_whitelist": ",".join(FORMATS),
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        container = av.open(
            _Descriptor(descriptor), "r", options=options, metadata_errors="replace", buffer_size=READ_BYTES
        )
    except BROKEN as error:
        raise unreadable(_what_is_wrong(descriptor, size, error)) from error
    if picture(container) is None and sound(container) is None:
        container.close()
        raise unreadable("it holds neither picture nor sound that can be decoded")
    for stream in (picture(container), sound(container)):
        if stream is not None:
            stream.codec_context.thread_count = threads
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return container


def picture(container: InputContainer) -> av.VideoStream | None:
    """Return the moving picture: the first video stream that is no cover art and has a decoder and a size."""
    for stream in container.streams.video:
        still = stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
        if not still and _decodable(stream) and stream.codec_context.width and stream.codec_context.height:
            return stream
    return None


def indexed_picture(container: InputContainer) -> av.VideoStream:
    """Return the moving picture of a file of which there is an index.

    Raises:
        Invalid: `media_unreadable`: it has none any more, so the file is not as it was when the index was made.
    """
    stream = picture(container)
    if stream is None:
        raise unreadable(
            "it has no picture that can be decoded, and had one when it was registered: it was damaged since"
        )
    return stream


def sound(container: InputContainer) -> av.AudioStream | None:
    """Return the sound: the first audio stream that has a decoder, a sample rate and channels."""
    for stream in container.streams.audio:
        if _decodable(stream) and stream.codec_context.sample_rate and stream.codec_context.channels:
            return stream
    return None


def unreadable(what: str) -> Invalid:
    """Return the error for media that cannot be read; `what` completes "FILE: ..."."""
    return Invalid(what, code="media_unreadable")


def seconds(ticks: int | None, base: Fraction | None) -> Fraction:
    """Return exact seconds of `ticks` of a time base; 0 where either is unknown."""
    return Fraction(0) if ticks is None or base is None else ticks * base


def packets(container: InputContainer, *streams: av.VideoStream | av.AudioStream) -> Iterator[av.Packet[Any]]:
    """Yield the packets of `streams` in file order, ending where damaged data does not let the demuxer go on.

    The empty packets that PyAV ends with are left out.
    """
    with contextlib.suppress(*BROKEN):
        for packet in container.demux(streams):
            if packet.size:
                yield packet


def read_only(container: InputContainer, wanted: av.VideoStream | av.AudioStream) -> None:
    """Have the demuxer pass over everything but one stream: most do not even read the bytes of others then."""
    for stream in container.streams:
        if stream.index != wanted.index:
            stream.discard = Discard.all


def pictures(container: InputContainer) -> Generator[av.VideoFrame, None, None]:
    """Yield every frame of the picture from its first, in the order shown, passing over what cannot be decoded.

    The file is opened once more for it: `container` is left as it is, and may be of a kind that cannot seek.

    Raises:
        Invalid: as `open_media`.
    """
    with again(container) as fresh:
        stream = picture(fresh)
        assert stream is not None, "it was there a moment ago"
        for packet in packets(fresh, stream):
            yield from decoded(stream, packet)
        yield from decoded(stream, None)


def decoded(stream: av.VideoStream, packet: av.Packet[Any] | None) -> list[av.VideoFrame]:
    """Return the frames that come out when a packet goes in (None: the end); none for a damaged packet."""
    try:
        return stream.decode(packet)
    except BROKEN:
        return []


def again(container: InputContainer, *, threads: int = 1) -> InputContainer:
    """Open the file of a container once more, at its beginning.

    Raises:
        Invalid: as `open_media`.
    """
    file = container.file.file
    assert isinstance(file, _Descriptor), "containers come from open_media"
    return open_media(file.descriptor, threads=threads)


def _decodable(stream: av.VideoStream | av.AudioStream) -> bool:
    # A stream whose codec libav does not know has no codec context.
    context: object = stream.codec_context
    return context is not None


def _what_is_wrong(descriptor: int, size: int, error: Exception) -> str:
    boxes = set(_top_boxes(descriptor, size))
    if b"ftyp" in boxes and b"moov" not in boxes:
        return "an MP4 or MOV file that was cut off: its index (moov) is missing; copy or record it again"
    if isinstance(error, MemoryError):
        return "opening it takes more memory than is allowed"
    return "no media in a container that is accepted (MP4, MOV, MKV, WebM, TS, AVI, WAV, MP3, FLAC, OGG, ...)"


def _top_boxes(descriptor: int, size: int) -> Iterator[bytes]:
    """Yield the names of the top boxes of an ISO file (ISO/IEC 14496-12, 4.2), as far as they are whole."""
    place = 0
    for _ in range(1000):
        head = os.pread(descriptor, 16, place)
        if len(head) < 8:
            return
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - place
        if length < 8 or place + length > size:
            return
        yield name
        place += length
