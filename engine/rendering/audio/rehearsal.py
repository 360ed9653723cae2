"""A moment of everything that is done with sound, before the worker locks itself down.

numpy and numba load parts of themselves when they are first used. Whoever has a task that reckons with sound imports this.
"""

from __future__ import annotations

from fractions import Fraction

from cutroom_sdk.wire.timeline import Effect, Keyframe
from engine.editing.catalogue.spec import catalogue
from engine.editing.pace import Pace
from engine.media.tasks import warm_up
from engine.rendering.audio.effects.table import makers
from engine.rendering.audio.encoding import decode, encode
from engine.rendering.audio.limiter import Limiter
from engine.rendering.audio.loudness import integrated_lufs, true_peak_dbtp
from engine.rendering.audio.mixing import MixSignal
from engine.rendering.audio.parameters import sound_effects
from engine.rendering.audio.retiming import Retimed
from engine.rendering.audio.signals import Samples, Signal, silent
from engine.rendering.audio.work import Channel, Mix, SoundSource, Stem, Voice
from engine.rendering.work import SoundEncoder

RATE = 48_000


class _Pulses:
    """A pulse every hundredth of a second."""

    def span(self, first: int, count: int) -> Samples:
        block = silent(count)
        block[:, ::480] = 0.5
        return block

    def read(self, count: int) -> Samples:
        return self.span(0, count)


@warm_up
def rehearse() -> None:
    """Mix, change the speed, run every effect, limit, measure, encode and decode half a second."""
    count = RATE // 2
    moving = (Keyframe(at=Fraction(0), value=-6.0), Keyframe(at=Fraction(1), value=0.0))
    named = [
        Effect(name=one.name) for one in catalogue().values() if one.name in makers and one.name != "duck"
    ]
    effects = sound_effects(named, Fraction(1, 2), "the rehearsal", [])
    stem = Stem(
        media=SoundSource(sha256="", origin=None), start=Fraction(0), count=count, rate=RATE, effects=effects
    )
    voice = Voice(stem=stem, at=0, count=count, fade_in=480, fade_out=480, shape_out="power")
    channel = Channel(name="", voices=(voice,), gain_db=moving, effects=effects)
    mixed = MixSignal(Mix(count=count, rate=RATE, channels=(channel,)), _open).read(count)
    limited = Limiter(mixed + _Pulses().read(count), RATE).at(6.0, -3.0)
    integrated_lufs(limited, RATE)
    true_peak_dbtp(limited)
    encoder = SoundEncoder(codec="aac", bitrate=128_000, sample_rate=RATE)
    decode(encode(limited, encoder), encoder)


def _open(stem: Stem, _skip: int) -> Signal:
    for keep in (True, False):
        pace = Pace(Fraction(3, 2))
        Retimed(_Pulses(), pace, start=Fraction(0), lead=0, rate=stem.rate, keep_pitch=keep).read(100)
    return _Pulses()
