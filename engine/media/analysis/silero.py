"""The voice activity model: Silero VAD v6 (MIT), an ONNX file of 1.2 MB that the wheel `faster-whisper` carries.

Only the file is used, found without importing the package and refused when it is not, byte for byte, the one this was
written and measured with. It hears 512 new samples at 16 kHz at a time, after the 64 before them, and remembers.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.media.analysis.wheel_model import WheelModel, session

RATE: Final = 16_000
CHUNK: Final = 512
CONTEXT: Final = 64
MODEL: Final = WheelModel(
    title="the voice model",
    package="faster_whisper",
    file="assets/silero_vad_v6.onnx",
    sha256="4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
    remedy="install it with `pip install --no-deps faster-whisper==1.2.1`",
    unlocks="speech and pauses are then found, and cuts keep whole sentences",
)

Samples = NDArray[np.float32]
Probabilities = NDArray[np.float32]


class Voice:
    """One hearing of one sound, from its beginning."""

    def __init__(self) -> None:
        self._session = load()
        self._memory = [np.zeros((1, 1, 128), dtype=np.float32) for _ in range(2)]
        self._context = np.zeros(CONTEXT, dtype=np.float32)

    def hear(self, samples: Samples) -> Probabilities:
        """Return for each 512 samples, 16 kHz mono, how likely it is that somebody speaks in them, 0..1.

        Args:
            samples: shape (n * 512,), following those of the last call.
        """
        if not len(samples):
            return np.zeros(0, dtype=np.float32)
        chunks = samples.reshape(-1, CHUNK)
        before = np.vstack([self._context, chunks[:-1, -CONTEXT:]])
        self._context = chunks[-1, -CONTEXT:].copy()
        heard, *self._memory = self._session.run(
            None, {"input": np.hstack([before, chunks]), "h": self._memory[0], "c": self._memory[1]}
        )
        return np.asarray(heard, dtype=np.float32).reshape(-1)


@functools.cache
def load() -> Any:
    """Return the model, ready to run on one thread.

    Called once before a worker process gives up its right to open files.

    Raises:
        Unavailable: `dependency_missing`: the file is not there, or it is another one.
    """
    return session(MODEL.read())
