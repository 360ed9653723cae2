"""Sound for tests that needs no file."""

from engine.rendering.audio.signals import Samples, silent


class Given:
    """Samples as a signal."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def read(self, count: int) -> Samples:
        block = silent(count)
        there = self._samples[:, :count]
        block[:, : there.shape[1]] = there
        self._samples = self._samples[:, count:]
        return block
