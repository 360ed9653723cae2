"""The footage made for demos and tests is what its script says."""

import itertools
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from demo import voice
from demo.footage import SECONDS_MIN, Script, make_talk


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Script]:
    path = tmp_path_factory.mktemp("footage") / "talk.mp4"
    return path, make_talk(path, seconds=20, width=320, height=180)


def sound_of(path: Path) -> NDArray[np.float32]:
    """Left channel, shape (samples,)."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def luma_of(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray8").astype(np.uint8) for frame in container.decode(video=0)]


def test_the_file_is_as_long_as_its_script_in_picture_and_sound(talk: tuple[Path, Script]) -> None:
    path, script = talk
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height) == (script.width, script.height)
        assert (video.frames, video.average_rate) == (script.frame_count, script.rate)
        assert audio.duration is not None
        assert audio.time_base is not None
        assert audio.duration * audio.time_base == script.duration == 20


def test_there_is_sound_in_every_sentence_and_none_in_the_pauses(talk: tuple[Path, Script]) -> None:
    path, script = talk
    sound = sound_of(path)

    def level(start: Fraction, end: Fraction) -> float:
        return float(np.sqrt((sound[int(start * voice.RATE) : int(end * voice.RATE)] ** 2).mean()))

    assert all(level(said.start, said.end) > 0.01 for said in script.sentences)
    breath = Fraction(1, 50)  # what the codec smears
    assert all(level(start + breath, end - breath) < 0.002 for start, end in script.pauses)


def test_sentences_and_pauses_together_are_the_whole(talk: tuple[Path, Script]) -> None:
    _, script = talk
    spans = sorted([(said.start, said.end) for said in script.sentences] + list(script.pauses))
    assert spans[0][0] == 0
    assert spans[-1][1] == script.duration
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))
    assert any(said.filler for said in script.sentences)


def test_the_picture_jumps_at_hard_cuts_and_nowhere_else(talk: tuple[Path, Script]) -> None:
    path, script = talk
    pictures = luma_of(path)
    jumps = {
        number
        for number in range(1, len(pictures))
        if np.abs(pictures[number].astype(int) - pictures[number - 1]).mean() > 12
    }
    faults = {frame for bad in script.bad for frame in (bad.start_frame, bad.end_frame)}
    assert jumps - faults == {shot.start_frame for shot in script.shots if shot.transition_in == "cut"}


def test_bad_stretches_lie_inside_one_shot_and_are_bad(talk: tuple[Path, Script]) -> None:
    path, script = talk
    pictures = luma_of(path)
    assert {bad.fault for bad in script.bad} == {"blur", "dark"}
    for bad in script.bad:
        (shot,) = [shot for shot in script.shots if shot.start_frame <= bad.start_frame < shot.end_frame]
        assert bad.end_frame <= shot.end_frame
        assert shot.mix is None or shot.mix[1] <= bad.start_frame
        before, inside = pictures[bad.start_frame - 1], pictures[bad.start_frame + 5]
        if bad.fault == "dark":
            assert inside.mean() < 0.2 * before.mean()
        else:
            assert (
                np.abs(np.diff(inside.astype(int))).mean() < 0.7 * np.abs(np.diff(before.astype(int))).mean()
            )


def test_the_same_seed_makes_the_same_footage_and_another_seed_another(tmp_path: Path) -> None:
    first = make_talk(tmp_path / "first.mp4", seconds=SECONDS_MIN, width=320, height=180)
    again = make_talk(tmp_path / "again.mp4", seconds=SECONDS_MIN, width=320, height=180)
    other = make_talk(tmp_path / "other.mp4", seconds=SECONDS_MIN, width=320, height=180, seed=1)
    assert first == again
    assert (tmp_path / "first.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()
    assert other != first


def test_too_short_or_odd_footage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 8 s"):
        make_talk(tmp_path / "out.mp4", seconds=SECONDS_MIN - 1)
    with pytest.raises(ValueError, match="even sides"):
        make_talk(tmp_path / "out.mp4", width=321)


def test_a_missing_voice_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(voice.VoiceMissing, match="pip install espeakng-loader"):
        voice.speak(["hello"])
