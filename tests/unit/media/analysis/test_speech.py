"""Speech is found where somebody speaks, with edges one can cut at."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Speech
from demo.footage import Script
from engine.kernel.errors import Unavailable
from engine.media.analysis import silero
from engine.media.analysis.params import SpeechParams
from engine.media.analysis.speech import SpeechFinder
from tests.unit.media.analysis.scenes import Talk, mono

Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def sound(talk: Talk) -> Samples:
    return mono(talk.path)


def speech_in(sound: Samples, block: int = 16_000, params: SpeechParams | None = None) -> tuple[Speech, ...]:
    finder = SpeechFinder(params or SpeechParams())
    for start in range(0, len(sound), block):
        finder.add(sound[start : start + block])
    return finder.finish()


def edges_off_ms(found: tuple[Speech, ...], script: Script) -> list[float]:
    """Return by how much the outer edges of what was found of each sentence differ from the truth."""
    off = []
    for said in script.sentences:
        parts = [part for part in found if part.start < said.end and part.end > said.start]
        assert parts, f"{said.text!r} was not found"
        off += [float(parts[0].start - said.start) * 1000, float(parts[-1].end - said.end) * 1000]
    return off


def test_every_sentence_is_found_with_edges_within_80_ms(talk: Talk, sound: Samples) -> None:
    assert max(abs(off) for off in edges_off_ms(speech_in(sound), talk.script)) < 80


def test_no_word_is_cut_in_half_by_an_edge(talk: Talk, sound: Samples) -> None:
    off = edges_off_ms(speech_in(sound), talk.script)
    assert max(off[::2]) <= 0
    assert min(off[1::2]) >= 0


def test_nothing_is_found_in_the_pauses(talk: Talk, sound: Samples) -> None:
    for part in speech_in(sound):
        assert any(part.start < said.end and part.end > said.start for said in talk.script.sentences)


def test_in_noise_sentences_are_found_and_no_word_is_cut_in_half(talk: Talk, sound: Samples) -> None:
    noise = np.random.default_rng(0).normal(0, 10 ** (-40 / 20), len(sound)).astype(np.float32)
    off = edges_off_ms(speech_in(sound + noise), talk.script)
    assert max(off[::2]) <= 0
    assert min(off[1::2]) >= 0


@pytest.mark.parametrize("kind", ["noise", "tone", "chord", "silence"])
def test_what_is_no_voice_is_no_speech(kind: str) -> None:
    time = np.arange(16_000 * 8) / 16_000
    rng = np.random.default_rng(0)
    sounds = {
        "noise": rng.normal(0, 0.1, len(time)),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * time),
        "chord": sum(
            0.1 * np.sin(2 * np.pi * hertz * time) * (time % 0.5 < 0.3) for hertz in (220, 277, 330)
        ),
        "silence": np.zeros(len(time)),
    }
    assert speech_in(np.asarray(sounds[kind], dtype=np.float32)) == ()


@pytest.mark.parametrize("count", [0, 1, 159, 512, 2561])
def test_a_sound_too_short_to_say_anything_is_no_trouble(count: int) -> None:
    assert speech_in(np.zeros(count, dtype=np.float32)) == ()


def test_how_the_sound_is_cut_into_blocks_changes_nothing(sound: Samples) -> None:
    part = sound[: 16_000 * 12]
    assert speech_in(part, 1000) == speech_in(part, 77_777) == speech_in(part, len(part))


def test_the_model_remembers_what_it_heard_before(sound: Samples) -> None:
    part = sound[16_000 : 16_000 + 512 * 90]
    voice = silero.Voice()
    pieces = [voice.hear(piece) for piece in np.split(part, [512 * 7, 512 * 8, 512 * 50])]
    np.testing.assert_allclose(np.concatenate(pieces), silero.Voice().hear(part), atol=1e-4)


@settings(max_examples=12)
@given(
    pad_ms=st.integers(0, 2000),
    min_silence_ms=st.integers(50, 1500),
    start_s=st.integers(0, 20),
    length_s=st.integers(1, 10),
)
def test_stretches_are_in_order_apart_and_inside_the_sound(
    talk: Talk, pad_ms: int, min_silence_ms: int, start_s: int, length_s: int
) -> None:
    part = cached_sound(talk.path)[start_s * 16_000 : (start_s + length_s) * 16_000]
    found = speech_in(part, params=SpeechParams(pad_ms=pad_ms, min_silence_ms=min_silence_ms))
    end = Fraction(len(part), 16_000)
    for stretch in found:
        assert 0 <= stretch.start < stretch.end <= end
        assert 0 <= stretch.confidence <= 1
    for before, after in pairwise(found):
        assert before.end <= after.start


_sounds: dict[Path, Samples] = {}


def cached_sound(path: Path) -> Samples:
    if path not in _sounds:
        _sounds[path] = mono(path)
    return _sounds[path]


def test_without_the_model_it_says_what_to_install_and_what_for(monkeypatch: pytest.MonkeyPatch) -> None:
    silero.load.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="pip install --no-deps faster-whisper"):
        SpeechFinder(SpeechParams())
    missing = silero.MODEL.missing()
    assert missing is not None
    assert "whole sentences" in missing


def test_another_model_than_the_one_measured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    silero.load.cache_clear()
    monkeypatch.setattr(silero, "MODEL", msgspec.structs.replace(silero.MODEL, sha256="0" * 64))
    with pytest.raises(Unavailable, match="another one"):
        SpeechFinder(SpeechParams())
