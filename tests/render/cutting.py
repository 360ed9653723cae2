"""From a source and the frames to keep to a cut, in one process: what the pool does, without the pool."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from engine.media.index import FrameIndex
from engine.media.source import open_media, packets, picture
from engine.media.tasks import no_report
from engine.rendering.capabilities import capabilities
from engine.rendering.smartcopy import tasks
from engine.rendering.smartcopy.division import Stretch, divide
from engine.rendering.smartcopy.planning import edge_work, heard_of
from engine.rendering.smartcopy.work import CutFound, CutSoundWork, LookWork, SpliceWork
from engine.rendering.work import SoundEncoder
from tests.render.workshop import Opened, Source

Span = tuple[int, int]
RATE = 48_000


@dataclass(frozen=True)
class Cut:
    path: Path
    stretches: tuple[Stretch, ...]
    found: CutFound
    sound_copied: bool | None


def cut_of(
    source: Source,
    kept: Sequence[Span],
    folder: Path,
    *,
    rate: Fraction | None = None,
    stretches: Sequence[Stretch] | None = None,
    whole_packets: bool = False,
) -> Cut:
    """Cut a source to `folder/cut.mp4`.

    Args:
        source: what to cut.
        kept: its frames, spans half open.
        folder: where everything goes.
        rate: frames a second of the cut; None: as they lie in the source.
        stretches: other than those that `kept` is divided into.
        whole_packets: encode no sound.
    """
    index = source.index
    assert index is not None
    assert source.asset.video is not None
    folder.mkdir(parents=True, exist_ok=True)
    index_file = folder / "index"
    index_file.write_bytes(index.to_bytes())
    parts_of = tuple(stretches or (one for start, end in kept for one in divide(index, start, end)))
    nominal = source.asset.video.rate
    parts = []
    for number, stretch in enumerate(one for one in parts_of if one.kind != "copy"):
        work = edge_work(
            stretch, index, sha256=source.asset.sha256, nominal=nominal, capabilities=capabilities()
        )
        parts.append(folder / f"{number}.edge")
        with Opened([source.path, index_file], parts[-1:]) as files:
            tasks.encode_edge(work, files, no_report)
    copied = _sound(source, kept, folder, whole_packets=whole_packets)
    film = folder / "cut.mp4"
    heard = [] if copied is None else [folder / "sound"]
    joining = SpliceWork(
        stretches=parts_of, rate=rate, parts=len(parts), sound=None if copied is None else _encoder(source)
    )
    with Opened([source.path, index_file, *parts, *heard], [film]) as files:
        tasks.join_cut(joining, files, no_report)
    looking = LookWork(stretches=parts_of, rate=rate, nominal=nominal)
    with Opened([film, source.path, index_file], []) as files:
        return Cut(film, parts_of, tasks.look_at_cut(looking, files, no_report), copied)


def payloads(path: Path) -> list[bytes]:
    """Return the picture packets of a file, in decoding order."""
    with Opened([path], []) as files, open_media(files.inputs[0]) as container:
        stream = picture(container)
        assert stream is not None
        return [bytes(packet) for packet in packets(container, stream)]


def _encoder(source: Source) -> SoundEncoder:
    assert source.asset.audio is not None
    return SoundEncoder(codec="aac", bitrate=192_000, sample_rate=source.asset.audio.sample_rate)


def _sound(source: Source, kept: Sequence[Span], folder: Path, *, whole_packets: bool) -> bool | None:
    """Make the sound; tell whether it was copied, None where the source has none."""
    index: FrameIndex | None = source.index
    assert index is not None
    if source.asset.audio is None:
        return None
    encoder = _encoder(source)
    ends = [0]
    for start, end in kept:
        ends.append(ends[-1] + round((index.time_of(end) - index.time_of(start)) * encoder.sample_rate))
    work = CutSoundWork(
        sha256=source.asset.sha256,
        spans=heard_of(kept, index),
        counts=tuple(later - earlier for earlier, later in pairwise(ends)),
        whole_packets=whole_packets,
        encoder=encoder,
        capabilities=capabilities(),
    )
    with Opened([source.path], [folder / "sound"]) as files:
        return tasks.make_cut_sound(work, files, no_report).copied
