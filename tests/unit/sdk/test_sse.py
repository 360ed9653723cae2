from hypothesis import given
from hypothesis import strategies as st

from cutroom_sdk.sse import SseMessage, SseParser

STREAM = (
    b": hello\n\n"
    b"event: resource.updated\ndata: {}\nid: 7\n\n"
    b"data: one\r\ndata: two\r\n\r\n"
    b"event: progress\rdata:x\r\r"
    b"id: 9\n\n"
    b"event: ready\ndata: half"
)
MESSAGES = [
    SseMessage("resource.updated", b"{}", "7"),
    SseMessage("message", b"one\ntwo", None),
    SseMessage("progress", b"x", None),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_however_the_bytes_are_chopped_the_messages_are_the_same(cuts: list[int]) -> None:
    parser, found, at = SseParser(), list[SseMessage](), 0
    for cut in [*sorted(cuts), len(STREAM)]:
        found += parser.feed(STREAM[at:cut])
        at = cut
    assert found == MESSAGES


def test_a_message_is_not_told_before_its_blank_line() -> None:
    parser = SseParser()
    assert parser.feed(b"data: x\n") == []
    assert parser.feed(b"\n") == [SseMessage("message", b"x", None)]


def test_a_byte_order_mark_is_skipped() -> None:
    assert SseParser().feed(b"\xef\xbb\xbfdata: x\n\n") == [SseMessage("message", b"x", None)]


def test_a_carriage_return_at_the_end_of_a_chunk_may_be_half_a_line_end() -> None:
    parser = SseParser()
    assert parser.feed(b"data: x\r") == []
    assert parser.feed(b"\n\r\n") == [SseMessage("message", b"x", None)]
