"""Pieces of a proxy become its file: each frame is shown when the source's is, and the file's own index says so.

There are no B-frames, so packets lie in the order in which they are shown, and frame n is packet n.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import av

from engine.kernel.errors import WorkFailed
from engine.media.index import FrameIndex, build_index
from engine.media.source import open_media
from engine.rendering.encoded import EncodedSegment, read_segments
from engine.rendering.encoders import configure
from engine.rendering.mux import INDEX_BASE_BYTES, INDEX_BYTES
from engine.rendering.proxies.work import JoinProxyWork, ProxyDone
from engine.rendering.reading import read_whole

OPTIONS: Final = {"fflags": "+bitexact"}


def join(work: JoinProxyWork, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> ProxyDone:
    """Write a proxy and its frame index, and hold them against the source's.

    Args:
        work: how the pieces were encoded.
        inputs: the source's frame index, then files of segments that together have all its frames.
        outputs: empty files for the proxy and for its frame index.

    Raises:
        WorkFailed: `stage` mux: the pieces do not fit together, or not every frame is where the source's is.
    """
    source = FrameIndex.from_bytes(read_whole(inputs[0]))
    with open(outputs[0], "r+b", closefd=False) as file:
        _write(work, source, read_segments(inputs[1:]), file)
        file.flush()
    with open_media(outputs[0]) as container:
        made = build_index(container)
    _compare(source, made)
    index = made.to_bytes()
    with open(outputs[1], "r+b", closefd=False) as file:
        file.write(index)
    return ProxyDone(bytes=os.fstat(outputs[0]).st_size, index_bytes=len(index))


def _write(work: JoinProxyWork, source: FrameIndex, segments: Iterator[EncodedSegment], file: Any) -> None:
    # Its index lies at the start, so that a browser can play it while it comes.
    options = OPTIONS | {"moov_size": str(INDEX_BASE_BYTES + INDEX_BYTES * source.count)}
    with av.open(file, "w", format="mp4", options=options) as container:
        stream = container.add_stream(work.encoder.codec, rate=work.encoder.rate)
        assert isinstance(stream, av.VideoStream)
        configure(stream.codec_context, work.encoder)
        stream.time_base = source.time_base
        container.start_encoding()
        number = 0
        for segment in segments:
            if bytes(stream.codec_context.extradata or b"") != segment.extradata:
                raise WorkFailed("a piece was encoded with other headers than the proxy's", stage="mux")
            for place, packet in enumerate(segment.packets):
                if packet.pts != place or number >= source.count:
                    raise WorkFailed(f"frame {number} of the proxy is not in its place", stage="mux")
                made: av.Packet[Any] = av.Packet(packet.data)
                made.stream, made.time_base = stream, source.time_base
                made.pts = made.dts = source.pts[number] - source.pts[0]
                made.duration, made.is_keyframe = _lasts(source, number), packet.key
                container.mux_one(made)
                number += 1
    if number != source.count:
        raise WorkFailed(f"{source.count} frames were wanted, the pieces hold {number}", stage="mux")


def _lasts(source: FrameIndex, number: int) -> int:
    if number + 1 == source.count:
        return source.last_duration
    return source.pts[number + 1] - source.pts[number]


def _compare(source: FrameIndex, made: FrameIndex) -> None:
    """See to it that frame n of a proxy begins when frame n of its source does.

    Raises:
        WorkFailed: `stage` mux: it does not.
    """
    if made.count != source.count:
        raise WorkFailed(
            f"the proxy has {made.count} frames, its source {source.count}: it cannot stand for it",
            stage="mux",
        )
    for number in range(source.count):
        if made.time_of(number) != source.time_of(number):
            raise WorkFailed(
                f"frame {number} of the proxy begins at {made.time_of(number)} s, the source's at "
                f"{source.time_of(number)} s",
                stage="mux",
            )
