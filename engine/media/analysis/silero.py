"""The voice activity model: Silero VAD v6 (MIT), an ONNX file of 1.2 MB that the wheel `faster-whisper` carries.

Only the file is used, found without importing the package and refused when it is not, byte for byte, the one this was
written and measured with. It hears 512 new samples at 16 kHz at a time, after the 64 before them, and remembers.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.kernel.errors import Unavailable

RATE: Final = 16_000
CHUNK: Final = 512
CONTEXT: Final = 64
SHA256: Final = "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"

_PACKAGE: Final = "faster_whisper"
_FILE: Final = Path("assets", "silero_vad_v6.onnx")
_REMEDY: Final = "install it with `pip install --no-deps faster-whisper==1.2.1`"
_UNLOCKS: Final = "speech and pauses are then found, and cuts keep whole sentences"

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


def missing() -> str | None:
    """Return what is missing and what it would unlock, or None when the model is there."""
    try:
        _model()
    except Unavailable as error:
        return f"{error.detail}; {_UNLOCKS}"
    return None


@functools.cache
def load() -> Any:
    """Return the model, ready to run on one thread.

    Called once before a worker process gives up its right to open files.

    Raises:
        Unavailable: `dependency_missing`: the file is not there, or it is another one.
    """
    model = _model()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def _model() -> bytes:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise _unavailable("the voice model is not installed")
    path = Path(spec.origin).parent / _FILE
    try:
        model = path.read_bytes()
    except OSError as error:
        raise _unavailable(f"the voice model cannot be read ({error.strerror})") from error
    found = hashlib.sha256(model).hexdigest()
    if found != SHA256:
        raise _unavailable(f"the voice model is another one (SHA-256 {found[:12]}, wanted {SHA256[:12]})")
    return model


def _unavailable(what: str) -> Unavailable:
    return Unavailable(f"{what}: {_REMEDY}")
