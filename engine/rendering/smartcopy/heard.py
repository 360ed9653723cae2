"""A source's sound packets copied to the sample, in the worker, where that can be done.

A packet of AAC holds 1024 samples and needs the one before it to be decoded. One span is therefore copied from the packet
before the one that holds its first sample: what comes too early lies before time 0, where players leave it out. Packets of
a second span would have to begin where the first span's end, in the middle of a packet nearly always, so several spans are
decoded, joined with short fades and encoded, unless nothing may be encoded: then packets stand up to half of one beside
their places.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.container import InputContainer

from engine.kernel.errors import Invalid
from engine.media.audio import SoundReader
from engine.media.source import BROKEN, open_media, packets, read_only, sound
from engine.media.tasks import Report
from engine.media.timecode import samples_at
from engine.rendering.audio.encoding import Encoder
from engine.rendering.audio.signals import Samples
from engine.rendering.encoded import EncodedSound, Packet
from engine.rendering.smartcopy.work import CutSoundWork, Heard

# Low complexity only: the others hold twice the samples, and say so in ways that players read differently.
PROFILE: Final = "LC"
# How far before a span reading begins, seconds: the packet before its first, wherever the container's index points to.
EARLIER: Final = Fraction(1, 2)
# Seconds by which sound may end before its picture and still be copied; else silence is added, which has to be encoded.
SHORT_MOST: Final = Fraction(1, 100)
CHANNELS: Final = 2
FADE: Final = Fraction(1, 100)  # seconds, as wherever sound is cut
BLOCK: Final = 1 << 19  # samples read at once


class Placed:
    """Packets of a stretch of sound, each with its first sample's place in the source, in samples of container time."""

    def __init__(self, found: Sequence[tuple[int, bytes]], first: Fraction, frame_samples: int) -> None:
        """Args: the packets' times as the container has them; the place of the first; samples in each."""
        self.found, self.first, self.frame_samples = found, first, frame_samples

    def place(self, number: int) -> Fraction:
        """Return where a packet's first sample is heard."""
        return self.first + number * self.frame_samples

    def before(self, sample: Fraction) -> int:
        """Return the number of the last packet that begins at or before a sample; -1 where there is none."""
        return int((sample - self.first) // self.frame_samples)


def copied(work: CutSoundWork, source: int) -> EncodedSound | None:
    """Return the packets of the work's spans, or None where they have to be mixed.

    Args:
        work: what is wanted.
        source: the file.

    Raises:
        Invalid: nothing may be encoded, and the sound cannot be copied.
    """
    with open_media(source) as container:
        stream = sound(container)
        if stream is not None:
            read_only(container, stream)
        found = None if stream is None else _copied(container, stream, work)
    if found is None and work.whole_packets:
        raise Invalid(
            "its sound cannot be copied: it is no plain AAC in an MP4, MOV or MKV, or it has holes;"
            " cut it exactly, which encodes the sound anew",
        )
    return found


def encoded(work: CutSoundWork, source: int, report: Report) -> EncodedSound:
    """Return the work's spans one after the other, decoded, faded in and out for a moment, and encoded as one sound.

    Raises:
        Invalid: `media_unreadable`: the sound cannot be read.
    """
    machine, packets_made, rate = Encoder(work.encoder), list[Packet](), work.encoder.sample_rate
    with open_media(source) as container:
        reader = SoundReader(container, rate=rate, channels=CHANNELS, origin=Fraction(0))
        for number, (span, count) in enumerate(zip(work.spans, work.counts, strict=True)):
            fade = min(samples_at(FADE, rate), count // 2)
            for first in range(0, count, BLOCK):
                last = min(first + BLOCK, count)
                begin = span.start + Fraction(first, rate)
                # The same number of samples whatever the span's own times round to.
                block = reader.read(begin, begin + Fraction(last - first, rate))[: last - first].T
                packets_made += machine.add(_faded(_filled(block, last - first), first, count, fade))
            report(number + 1, len(work.spans))
    packets_made += machine.finish()
    return EncodedSound(
        extradata=machine.extradata,
        count=sum(work.counts),
        frame_samples=machine.frame_samples,
        packets=tuple(packets_made),
    )


def _filled(block: Samples, count: int) -> Samples:
    """Return a block of `count` samples: rounding both ends may have left one out."""
    return block if block.shape[1] == count else np.pad(block, ((0, 0), (0, count - block.shape[1])))


def _faded(block: Samples, first: int, count: int, fade: int) -> Samples:
    """Fade the beginning and the end of a span of `count` samples; the block begins at its sample `first`."""
    places = np.arange(first, first + block.shape[1])
    if not fade or (first >= fade and first + block.shape[1] <= count - fade):
        return block
    level = np.minimum(1, np.minimum(places, count - places) / fade).astype(np.float32)
    return np.asarray(block * level, dtype=np.float32)


def _copied(container: InputContainer, stream: av.AudioStream, work: CutSoundWork) -> EncodedSound | None:
    context = stream.codec_context
    extradata = bytes(context.extradata or b"")
    if context.name != "aac" or context.profile != PROFILE or not extradata or not context.frame_size:
        return None
    if len(work.spans) > 1 and not work.whole_packets:
        return None
    rate, size = context.sample_rate, context.frame_size
    made: list[Packet] = []
    ahead = Fraction(0)  # samples by which the film's sound is ahead of its picture so far
    at = 0
    for span in work.spans:
        placed = _read(container, stream, span)
        if placed is None:
            return None
        start, count = span.start * rate, (span.end - span.start) * rate
        if not made:
            number, lead = placed.before(start), 1
            if number < 0:
                return None
            at = round(placed.place(number) - start)
        else:
            # The packet whose sound comes nearest to where the film's sound stands.
            number, lead = max(0, placed.before(start + ahead + Fraction(size, 2))), 0
        last = placed.before(start + count - 1 + (Fraction(size, 2) if work.whole_packets else 0))
        lacking = start + count - placed.place(len(placed.found))
        if lacking > SHORT_MOST * rate and not work.whole_packets:
            return None
        first = max(0, number - lead)
        at -= (number - first) * size
        for one in range(first, min(last + 1, len(placed.found))):
            made.append(Packet(pts=at, key=True, data=placed.found[one][1]))
            at += size
        ahead = at - _until(work.spans, span, rate)
    total = round(_until(work.spans, work.spans[-1], rate))
    return EncodedSound(
        extradata=extradata, count=max(total, at) if work.whole_packets else total, frame_samples=size,
        packets=tuple(made), copied=True, sample_rate=rate,
    )  # fmt: skip


def _until(spans: Sequence[Heard], last: Heard, rate: int) -> Fraction:
    """Return how many samples there are from the first span to the end of `last`."""
    place = spans.index(last)
    return sum((one.end - one.start for one in spans[: place + 1]), Fraction(0)) * rate


def _read(container: InputContainer, stream: av.AudioStream, span: Heard) -> Placed | None:
    """Return the packets around a span; None where they do not follow each other without a gap, or do not reach it."""
    base, rate, size = stream.time_base, stream.codec_context.sample_rate, stream.codec_context.frame_size
    if base is None:
        return None
    aim = int((span.start - EARLIER) / base)
    try:
        # The first packet of all lies before the sound's start: it is no more than the run-up of the second.
        container.seek(aim, stream=stream, backward=True)
    except BROKEN:
        container.seek(max(aim, stream.start_time or 0), stream=stream, backward=True)
    found: list[tuple[int, bytes]] = []
    for packet in packets(container, stream):
        if packet.pts is None or packet.is_corrupt:
            return None
        if packet.pts * base >= span.end:
            break
        found.append((packet.pts, bytes(packet)))
    if not found or found[0][0] * base > span.start:
        return None
    return _followed(found, base * rate, size)


def _followed(found: list[tuple[int, bytes]], samples_a_tick: Fraction, size: int) -> Placed | None:
    """Place packets one after the other where their times allow it.

    Times in milliseconds are rounded: each leaves the first packet's true place an interval, and together a narrow one.
    """
    # In parts of a sample, so that all numbers are whole.
    tick, part = samples_a_tick.numerator, samples_a_tick.denominator
    slack = tick if samples_a_tick > 1 else 0
    firsts = [at * tick - number * size * part for number, (at, _) in enumerate(found)]
    early, late = max(firsts) - slack, min(firsts) + slack
    if late < early:
        return None
    return Placed(found, Fraction(early + late, 2 * part), size)
