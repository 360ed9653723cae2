"""Reading bit by bit, as the headers of video streams are written."""

from typing import Final

GOLOMB_ZEROS_MAX: Final = 32


class Bits:
    """Reads a stretch of bytes, most significant bit first."""

    def __init__(self, data: bytes) -> None:
        """Begin at the first bit."""
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number.

        Raises:
            ValueError: so many are not left.
        """
        if count > self._left:
            raise ValueError("a header is cut off")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """Return the next exp-Golomb code, 0 or more (ITU-T H.264, 9.1: ue(v)).

        Raises:
            ValueError: it is cut off, or longer than any header has.
        """
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > GOLOMB_ZEROS_MAX:
                raise ValueError("a header holds an endless number")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_golomb(self) -> int:
        """Return the next signed exp-Golomb code (9.1.1: se(v)).

        Raises:
            ValueError: as `golomb`.
        """
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)
