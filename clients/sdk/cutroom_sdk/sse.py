"""Server-sent events, read as they arrive: bytes in, whole messages out.

After the HTML standard, "9.2.6 Interpreting an event stream" (https://html.spec.whatwg.org/): lines end in LF, CR or
CRLF, several `data:` lines make one text, a line that begins with a colon is a comment.
"""

from typing import Final, NamedTuple

MESSAGE_BYTES_MAX: Final = 64 << 20


class SseMessage(NamedTuple):
    """One message. `id` None: it carries none."""

    event: str
    data: bytes
    id: str | None


class SseParser:
    """Cuts a stream of bytes into messages, however the bytes are chopped."""

    def __init__(self) -> None:
        self._rest = b""
        self._first = True
        self._fresh()

    def _fresh(self) -> None:
        self._event = "message"
        self._data: list[bytes] = []
        self._id: str | None = None

    def feed(self, chunk: bytes) -> list[SseMessage]:
        """Return the messages that `chunk` completes, in order; an incomplete one waits for more.

        Raises:
            ValueError: one line has more than 64 MiB; this is no stream of ours.
        """
        text = self._rest + chunk
        if self._first and len(text) >= 3:
            text, self._first = text.removeprefix(b"\xef\xbb\xbf"), False
        # A CR at the very end may be the first half of a CRLF: it waits with its line.
        held = b"\r" if text.endswith(b"\r") else b""
        lines = text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + held
        if len(self._rest) > MESSAGE_BYTES_MAX:
            raise ValueError(f"a line of more than {MESSAGE_BYTES_MAX} bytes")
        messages = []
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                messages.append(SseMessage(self._event, b"\n".join(self._data), self._id))
                self._fresh()
            else:
                self._fresh()
        return messages

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode(errors="replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode(errors="replace")
