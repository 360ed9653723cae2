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
    container: InputContainer, index: FrameIndex, first: int, entry: int, count: int
) -> Iterator[tuple[int, av.Packet[Any]]]:
    """Yield `count` packets in decoding order, each with its frame's number.

    Args:
        container: of the source.
        index: with an order of packets.
        first: place in decoding order of the packet to begin with.
        entry: number of its frame, which is one of the order's entries.
        count: all of these are shown.

    Raises:
        WorkFailed: `stage` probe: the file does not hold the packets that its index tells of.
    """
    assert index.order is not None, "copies are planned where there is an order"
    wanted = index.order.shown[first : first + count]
    found = FrameReader(container, index).packets_from(entry)
    for number in wanted:
        packet = next(found, None)
        if packet is None or packet.pts != index.pts[number]:
            raise WorkFailed(
                f"the packet of frame {number} is not where the source's index has it",
                stage="probe",
                frame=number,
            )
        yield number, packet
