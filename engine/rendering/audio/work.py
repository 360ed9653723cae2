"""What crosses to the worker for a film's sound: a tree of mixes and stems, pure data, places in samples.

    SoundWork
      `- Mix                    channels added up
           |- Channel "voice"   voices one after the other, then the track's effects and gain
           |    |- Voice        a stem at its place, with the fades of its cuts
           |    `- Voice
           `- Channel "music"

A stem is what one clip sounds like, wherever it stands: it is made once and kept under the hash of this description. A
nested timeline is a stem whose medium is a mix.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final, Literal

from msgspec import Struct

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.timeline import Keyframe
from engine.rendering.work import RENDER_VERSION, Capabilities, SoundEncoder

# A stem lies as pairs of float32.
SAMPLE_BYTES: Final = 8
Curve = float | tuple[Keyframe, ...]
# How a fade goes: straight in amplitude (two that cross add up to 1), or along a quarter of a sine (their powers do).
Shape = Literal["linear", "power"]


class SoundSource(Struct, frozen=True, kw_only=True, tag="source"):
    """A file with sound. `origin` is when its first frame is shown, seconds of its own time; None: without picture."""

    sha256: str
    origin: Fraction | None


class SoundEffect(Struct, frozen=True, kw_only=True):
    """An effect of the catalogue, every parameter filled in, by name; keyframes are in the time of what it acts on.

    `keys`: the channels of the mix that a sidechain listens to, by their place. `spoken`: when somebody speaks on others that
    it goes by, seconds, in order and apart.
    """

    name: str
    values: tuple[tuple[str, Curve | str], ...]
    keys: tuple[int, ...] = ()
    spoken: tuple[tuple[Fraction, Fraction], ...] = ()


class Stem(Struct, frozen=True, kw_only=True):
    """What a clip sounds like: `count` samples, of which the first `lead` come before clip time 0 (a transition's handle).

    At clip time t the medium is at `start` + S(t), S being the integral of the speed. `start` is in seconds from the
    medium's first frame shown. `keep_pitch`: speed changes the length alone, else the pitch with it.
    """

    media: SoundSource | Mix
    start: Fraction
    count: int
    rate: int
    lead: int = 0
    speed: Fraction = Fraction(1)
    ramp: tuple[Keyframe, ...] = ()
    keep_pitch: bool = True
    effects: tuple[SoundEffect, ...] = ()


class Voice(Struct, frozen=True, kw_only=True):
    """`count` samples of a stem, from its sample `skip` on, at sample `at` of the mix. Fades are inside, in samples."""

    stem: Stem
    at: int
    count: int
    skip: int = 0
    fade_in: int = 0
    fade_out: int = 0
    shape_in: Shape = "linear"
    shape_out: Shape = "linear"


class Channel(Struct, frozen=True, kw_only=True):
    """One track: voices in the order of their places (they overlap where they cross), then effects, then gain."""

    name: str
    voices: tuple[Voice, ...]
    gain_db: Curve = 0.0
    effects: tuple[SoundEffect, ...] = ()


class Mix(Struct, frozen=True, kw_only=True, tag="mix"):
    """Channels added up, `count` stereo samples at `rate`."""

    count: int
    rate: int
    channels: tuple[Channel, ...]


class SoundWork(Struct, frozen=True, kw_only=True):
    """The whole sound of a film. Loudness and peak None: left as they are."""

    mix: Mix
    encoder: SoundEncoder
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    capabilities: Capabilities
    version: int = RENDER_VERSION

    @property
    def count(self) -> int:
        """Samples."""
        return self.mix.count


class StemsWork(Struct, frozen=True, kw_only=True):
    """Make these stems. The inputs are `sources_of(stems)`, the outputs one file for each stem."""

    stems: tuple[Stem, ...]


class StemsDone(Struct, frozen=True, kw_only=True):
    """The stems came out whole; `bytes` of each."""

    bytes: tuple[int, ...]


class Lies(Struct, frozen=True, kw_only=True):
    """Where a stem lies: `offset` bytes into the input `file`."""

    file: int
    offset: int


class MasterWork(Struct, frozen=True, kw_only=True):
    """Mix, master and encode. The stems of `stems_of(work.mix)` lie at `places`; outputs: the sound, a scratch file."""

    work: SoundWork
    places: tuple[Lies, ...]


class SoundDone(Struct, frozen=True, kw_only=True):
    """How the sound came out; measured on what a player decodes. None: digital silence."""

    integrated_lufs: float | None
    true_peak_dbtp: float | None
    gain_db: float
    ceiling_dbtp: float | None = None
    notices: tuple[str, ...] = ()


def stem_key(stem: Stem, capabilities: Capabilities) -> str:
    """Return the key under which a stem is kept: what it is made of, what makes it, never where it stands."""
    return digest((stem, capabilities, RENDER_VERSION))


def stems_of(mix: Mix) -> tuple[Stem, ...]:
    """Return the different stems of a mix, as first met; those within nested mixes are parts of theirs."""
    return tuple(dict.fromkeys(voice.stem for channel in mix.channels for voice in channel.voices))


def takes_computing(stem: Stem) -> bool:
    """Tell whether a stem is more than samples of its source: at another pace, through effects, or mixed itself."""
    plain = stem.speed == 1 and not stem.ramp and not stem.effects
    return not plain or isinstance(stem.media, Mix)


def sources_of(stems: tuple[Stem, ...]) -> tuple[SoundSource, ...]:
    """Return the different sources that stems read, nested ones too, as first met."""
    return tuple(dict.fromkeys(source for stem in stems for source in _sources(stem)))


def _sources(stem: Stem) -> Iterator[SoundSource]:
    if isinstance(stem.media, SoundSource):
        yield stem.media
    else:
        for inner in stems_of(stem.media):
            yield from _sources(inner)
