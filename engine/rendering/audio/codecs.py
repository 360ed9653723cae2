"""What a profile's sound may be encoded with: names, containers, sample rates and bitrates, as data.

The names are those that a decoder gives (`ffprobe`'s `codec_name`). Containers are those that carry the codec by a published
mapping: ISO/IEC 14496-12 and its registered codecs (Opus and FLAC in ISO BMFF, ISO/IEC 23003-5 for plain samples), QuickTime,
Matroska (RFC 9559) and WebM.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cutroom_sdk.wire.renders import Profile
from engine.kernel.errors import Invalid
from engine.rendering.work import SoundEncoder, SoundLibrary

STEREO: Final = 2
# Plain samples are handed to the encoder in blocks of as many as AAC takes.
BLOCK_SAMPLES: Final = 1024


class SoundCodec(NamedTuple):
    """One codec of sound.

    `form` is the sample format that its encoder takes. `decoder` gives what a player hears. `rates` are the sample rates
    that it knows, Hz, () any; `bitrates` the least and the most, bits a second of both sides together, None: without loss.
    """

    library: SoundLibrary
    form: str
    decoder: str
    containers: tuple[str, ...]
    rates: tuple[int, ...] = ()
    bitrates: tuple[int, int] | None = None


_AAC_RATES: Final = (
    8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000,
)  # fmt: skip
SOUND_CODECS: Final[dict[str, SoundCodec]] = {
    "aac": SoundCodec("aac", "fltp", "aac", ("mp4", "mov", "mkv"), _AAC_RATES, (16_000, 512_000)),
    "opus": SoundCodec("libopus", "flt", "opus", ("mp4", "mkv", "webm"), (48_000,), (6_000, 510_000)),
    "mp3": SoundCodec(
        "libmp3lame", "fltp", "mp3float", ("mp4", "mov", "mkv"), (32_000, 44_100, 48_000), (32_000, 320_000)
    ),
    "flac": SoundCodec("flac", "s32", "flac", ("mp4", "mkv")),
    "pcm_s16le": SoundCodec("pcm_s16le", "s16", "pcm_s16le", ("mp4", "mov", "mkv")),
    "pcm_s24le": SoundCodec("pcm_s24le", "s32", "pcm_s24le", ("mp4", "mov", "mkv")),
}
_BY_LIBRARY: Final = {one.library: one for one in SOUND_CODECS.values()}


def codec_of(encoder: SoundEncoder) -> SoundCodec:
    """Return the codec that an encoder makes."""
    return _BY_LIBRARY[encoder.codec]


def sound_encoder_for(profile: Profile) -> SoundEncoder:
    """Return how a film's sound is encoded for a profile.

    Raises:
        Invalid: there is no such codec, its container does not carry it, or it knows no such rate; the field is the
            profile's, and the text says what would be right.
    """
    name, container = profile.audio_codec, profile.container
    codec = SOUND_CODECS.get(name)
    fitting = ", ".join(one for one, row in SOUND_CODECS.items() if container in row.containers)
    if codec is None:
        raise _wrong(
            profile, "audio_codec", f"there is no codec {name!r}; in {container} there are {fitting}"
        )
    if container not in codec.containers:
        raise _wrong(
            profile,
            "audio_codec",
            f"{container} does not carry {name}: take {fitting}, or the container {' or '.join(codec.containers)}",
        )
    rate = profile.sample_rate
    if codec.rates and rate not in codec.rates:
        known = ", ".join(map(str, codec.rates))
        raise _wrong(profile, "sample_rate", f"{name} is not made at {rate} Hz: at {known} Hz")
    if codec.bitrates is not None:
        low, high = codec.bitrates
        if not low <= profile.audio_bitrate <= high:
            raise _wrong(
                profile,
                "audio_bitrate",
                f"{name} takes {low} to {high} bits a second, not {profile.audio_bitrate}",
            )
    return SoundEncoder(codec=codec.library, bitrate=profile.audio_bitrate, sample_rate=rate)


def _wrong(profile: Profile, field: str, text: str) -> Invalid:
    return Invalid(f"the profile {profile.name}: {field}: {text}", field=field)
