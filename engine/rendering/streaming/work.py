"""What crosses to the worker for a stream."""

from msgspec import Struct
from msgspec.structs import replace

from engine.rendering.audio.work import Mix, SoundWork
from engine.rendering.graph import Node
from engine.rendering.work import VideoEncoder


class Streamed(Struct, frozen=True, kw_only=True):
    """Pictures of a stretch, in order."""

    graph: Node
    count: int


class StreamWork(Struct, frozen=True, kw_only=True):
    """Make pictures and sound in step, from sample `first_sample` of the mix on.

    The inputs are for each of `sources` the file and its frame index, then `files`, then the sound's sources.
    """

    stretches: tuple[Streamed, ...]
    encoder: VideoEncoder
    sources: tuple[str, ...]
    files: tuple[str, ...]
    sound: SoundWork | None
    first_sample: int


class StreamDone(Struct, frozen=True, kw_only=True):
    """All was sent."""

    bytes: int


def heard_from(mix: Mix, first: int, run_up: int) -> Mix:
    """Return a mix without the voices that have ended `run_up` samples before `first`: nobody hears them any more."""
    channels = tuple(
        replace(
            channel,
            voices=tuple(voice for voice in channel.voices if voice.at + voice.count > first - run_up),
        )
        for channel in mix.channels
    )
    return replace(mix, channels=channels)
