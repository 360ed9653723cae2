"""Models that lie in wheels: found without importing the package, refused when they are not, byte for byte, the ones measured."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.kernel.errors import Unavailable


class WheelModel(Struct, frozen=True, kw_only=True):
    """A file within an installed package. `unlocks` says what is missing without it, `remedy` how to get it."""

    title: str
    package: str
    file: str
    sha256: str
    remedy: str
    unlocks: str

    def missing(self) -> str | None:
        """Return what is missing and what it would unlock, or None when the model is there."""
        try:
            self.read()
        except Unavailable as error:
            return f"{error.detail}; {self.unlocks}"
        return None

    def read(self) -> bytes:
        """Return the file.

        Raises:
            Unavailable: `dependency_missing`: it is not there, or it is another one.
        """
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            raise self._unavailable("is not installed")
        try:
            model = Path(spec.origin).parent.joinpath(self.file).read_bytes()
        except OSError as error:
            raise self._unavailable(f"cannot be read ({error.strerror})") from error
        found = hashlib.sha256(model).hexdigest()
        if found != self.sha256:
            raise self._unavailable(f"is another one (SHA-256 {found[:12]}, wanted {self.sha256[:12]})")
        return model

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(f"{self.title} {what}: {self.remedy}")


def session(model: bytes) -> Any:
    """Return an ONNX model, ready to run on one thread of the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
