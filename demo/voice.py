"""A voice for footage that is made, not filmed: espeak-ng out of the wheel `espeakng-loader`.

    speak(["The first sentence.", "The second."])    one array each, 48 kHz mono float32, silence at both ends cut off

The library keeps state between calls that nothing resets, so that a second call sounds a little different. Each call
of `speak` therefore asks a fresh process, which is this file run as a program: the same texts, the same samples.
"""

import ctypes
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

RATE: Final = 48_000
EDGE_DBFS: Final = -42.0  # quieter than this before and after a sentence is not speech
EDGE_WINDOW: Final = RATE // 200  # 5 ms

_SYNCHRONOUS = (
    2  # AUDIO_OUTPUT_SYNCHRONOUS of speak_lib.h: samples come through the callback, before the call returns
)
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: missing data is an answer, not the end of the process
_UTF8 = 1
_PARAMETER_RATE, _PARAMETER_PITCH = 1, 3

Samples = NDArray[np.float32]


class VoiceMissing(Exception):
    """There is no espeak-ng: the wheel `espeakng-loader` is not installed or does not fit this machine."""


def speak(
    texts: Sequence[str], *, words_per_minute: int = 165, pitch: int = 45, peak: float = 0.35
) -> list[Samples]:
    """Return each text as it is spoken: 48 kHz mono float32, shape (n,), the loudest sample of all at `peak`.

    The first and the last 5 ms window of each array are louder than -42 dBFS: an array begins and ends with its speech.

    Raises:
        VoiceMissing: espeak-ng cannot be loaded; says what to install.
    """
    raw, rate = _ask_process(texts, words_per_minute, pitch)
    loudest = max((int(np.abs(pcm.astype(np.int32)).max()) for pcm in raw if pcm.size), default=1)
    scaled = (pcm.astype(np.float32) * np.float32(peak / loudest) for pcm in raw)
    return [_trimmed(_resampled(pcm, rate)) for pcm in scaled]


def _ask_process(
    texts: Sequence[str], words_per_minute: int, pitch: int
) -> tuple[list[NDArray[np.int16]], int]:
    if importlib.util.find_spec("espeakng_loader") is None:
        raise VoiceMissing("the voice is missing: run `pip install espeakng-loader`")
    asked = json.dumps({"texts": list(texts), "rate": words_per_minute, "pitch": pitch})
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve())],
        input=asked.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise VoiceMissing(f"espeak-ng does not run here: {said[-1] if said else done.returncode}")
    head, _, body = done.stdout.partition(b"\n")
    answer = json.loads(head)
    ends = np.cumsum(answer["lengths"])[:-1]
    return list(np.split(np.frombuffer(body, dtype=np.int16), ends)), int(answer["rate"])


def _resampled(pcm: Samples, rate: int) -> Samples:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    parts = [part.to_ndarray()[0] for part in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts).astype(np.float32)


def _trimmed(pcm: Samples) -> Samples:
    count = len(pcm) // EDGE_WINDOW
    windows = pcm[: count * EDGE_WINDOW].reshape(count, EDGE_WINDOW)
    loud = np.flatnonzero(np.sqrt((windows**2).mean(axis=1)) > 10 ** (EDGE_DBFS / 20))
    if not loud.size:
        return pcm[:0]
    return pcm[loud[0] * EDGE_WINDOW : (loud[-1] + 1) * EDGE_WINDOW]


def _synthesise(
    texts: Sequence[str], words_per_minute: int, pitch: int
) -> tuple[list[NDArray[np.int16]], int]:
    """Return each text as 16-bit mono samples, and their rate. Once a process only: see the top of the file."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    heard: list[NDArray[np.int16]] = []

    def hear(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if samples and count > 0:
            heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(
        hear
    )
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
    if rate <= 0 or library.espeak_SetVoiceByName(b"en-us"):
        raise VoiceMissing("espeak-ng has no English voice data")
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetParameter(_PARAMETER_RATE, words_per_minute, 0)
    library.espeak_SetParameter(_PARAMETER_PITCH, pitch, 0)
    spoken = []
    for text in texts:
        heard.clear()
        encoded = text.encode() + b"\0"
        if library.espeak_Synth(encoded, len(encoded), 0, 1, 0, _UTF8, None, None):
            raise VoiceMissing(f"espeak-ng would not speak {text!r}")
        spoken.append(np.concatenate(heard) if heard else np.zeros(0, dtype=np.int16))
    return spoken, int(rate)


def _main() -> None:
    asked = json.load(sys.stdin)
    spoken, rate = _synthesise(asked["texts"], asked["rate"], asked["pitch"])
    head = {"rate": rate, "lengths": [len(pcm) for pcm in spoken]}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + b"".join(pcm.tobytes() for pcm in spoken))


if __name__ == "__main__":
    _main()
