"""Packets of a picture by the frames they hold, exactly: what copying reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
from av.container import InputContainer

from engine.kernel.errors import WorkFailed
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex


def copied_packets(
    container: InputContainer, index: FrameIndex, entry: int, count: int
) -> Iterator[tuple[int, av.Packet[Any]]]:
    """Yield `count` packets in decoding order, each with its frame's number; what leads the first is left out.

    Args:
        container: of the source.
        index: with an order of packets.
        entry: number of the frame to begin with, which is one of the order's entries.
        count: all of these are shown.

    Raises:
        WorkFailed: `stage` probe: the file does not hold the packets that its index tells of.
    """
    assert index.order is not None, "copies are planned where there is an order"
    begins = index.pts[entry]
    found = (
        packet
        for packet in FrameReader(container, index).packets_from(entry)
        if packet.pts is None or packet.pts >= begins
    )
    for number in index.order.following(entry, count):
        packet = next(found, None)
        if packet is None or packet.pts != index.pts[number]:
            raise WorkFailed(
                f"the packet of frame {number} is not where the source's index has it",
                stage="probe",
                frame=number,
            )
        yield number, packet
