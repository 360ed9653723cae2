"""Search finds what may be read, the best first, and takes any text for a query; with a local model it goes by meaning too."""

import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.memory import embedding
from engine.memory.ranking import Candidate, rank
from tests.kernel_kit import FakeClock
from tests.unit.memory.room import Room, room

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Room]:
    async with room(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "beat AND",
        "NEAR(",
        "text:beat",
        "-beat",
        "beat*",
        '"beat',
        "(beat",
        "a OR OR b",
        "^beat",
        "b+e",
        "{x}: beat",
        "beat\x00",
        "é ß",
        "'; --",
    ],
)
async def test_no_query_is_a_mistake_of_full_text(studio: Room, query: str) -> None:
    await studio.put()
    response = await studio.asks("ada", "POST", "/v1/memory/search", {"query": query})
    assert response.status_code in (200, 400), response.text
    assert response.status_code == 200 or response.json()["field"] == "query"


async def test_words_phrases_beginnings_and_tags_are_found(studio: Room) -> None:
    memory_id = (await studio.put("Fade into the café at dusk", tags=["Reels"]))["memory_id"]
    await studio.put("nothing of the kind")
    for query in ("dusk", '"into the cafe"', "fad*", "#reels", "DUSK nowhere"):
        assert await studio.found(query) == [memory_id], query
    assert await studio.found('"the fade"') == []


async def test_what_is_moved_is_found_where_it_is_now(studio: Room) -> None:
    memory_id = (await studio.put())["memory_id"]
    assert await studio.found("beat", tiers=["session"]) == [memory_id]
    assert (await studio.promote(memory_id, "curated", "ada")).json()["status"] == "passed"
    assert await studio.found("beat", tiers=["session"]) == []
    assert await studio.found("beat", tiers=["curated"]) == [memory_id]


async def test_the_better_the_newer_the_higher_and_the_tagged_come_first(tmp_path: Path) -> None:
    clock = FakeClock(1_700_000_000_000)
    async with room(tmp_path, clock=clock) as studio:
        old = (await studio.put("slow zoom on faces", tier="session"))["memory_id"]
        clock.at_ms += 200 * DAY_MS
        new = (await studio.put("slow zoom on hands", tier="session"))["memory_id"]
        curated = (await studio.put("slow zoom on boats", tier="curated"))["memory_id"]
        assert await studio.found("slow zoom") == [curated, new, old]
        assert (await studio.found("slow zoom on faces"))[0] == old, "words count most"
        tagged = (await studio.put("slow zoom on birds", tier="curated", tags=["zoom"]))["memory_id"]
        assert (await studio.found("slow #zoom"))[0] == tagged


def test_scores_lie_between_0_and_1_and_equals_go_by_id() -> None:
    same = [Candidate(name, "", "team", 0, None, None, 2.0) for name in ("b", "a")]
    ranked = rank(same, 0)
    assert [one.candidate.memory_id for one in ranked] == ["a", "b"]
    assert all(0 < one.score <= 1 for one in ranked)


def _field(number: int, content: bytes | int) -> bytes:
    """A field of a protocol buffer: a number, or bytes with their length (protobuf.dev, encoding)."""
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _tensor_type(name: str, element: int) -> bytes:
    shape = _field(1, _field(2, b"batch")) + _field(1, _field(2, b"words"))
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, element) + _field(2, shape)))


def make_model(folder: Path, vectors: dict[str, tuple[float, ...]]) -> Path:
    """A sentence encoder in which each word has the vector that is given: ONNX's `Gather`, in a file of its own."""
    words = ["[UNK]", "[CLS]", "[SEP]", *vectors]
    width = len(next(iter(vectors.values())))
    rows = [(0.0,) * width] * 3 + list(vectors.values())
    raw = b"".join(struct.pack("<f", one) for row in rows for one in row)
    table = _field(1, len(rows)) + _field(1, width) + _field(2, 1) + _field(8, b"table") + _field(9, raw)
    gather = _field(1, b"table") + _field(1, b"input_ids") + _field(2, b"found") + _field(4, b"Gather")
    # The mask has to be an input that is used; adding nothing of it does so.
    cast = _field(1, b"attention_mask") + _field(2, b"mask") + _field(4, b"Cast")
    cast += _field(5, _field(1, b"to") + _field(3, 1) + _field(20, 2))
    one = _field(1, 1) + _field(2, 7) + _field(8, b"axis") + _field(9, struct.pack("<q", 2))
    wide = _field(1, b"mask") + _field(1, b"axis") + _field(2, b"wide") + _field(4, b"Unsqueeze")
    times = _field(1, b"found") + _field(1, b"wide") + _field(2, b"told") + _field(4, b"Mul")
    nodes = b"".join(_field(1, node) for node in (gather, cast, wide, times))
    told = _field(1, b"told") + _field(2, _field(1, _field(1, 1)))
    graph = nodes + _field(2, b"g") + _field(5, table) + _field(5, one)
    graph += (
        _field(11, _tensor_type("input_ids", 7))
        + _field(11, _tensor_type("attention_mask", 7))
        + _field(12, told)
    )
    folder.mkdir()
    (folder / "model.onnx").write_bytes(
        _field(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _field(2, 13))
    )
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    return folder


async def test_a_local_model_finds_what_means_the_same_in_other_words(tmp_path: Path) -> None:
    near, far = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
    model = make_model(tmp_path / "model", {"film": near, "movie": near, "soup": far, "##s": (0.0, 0.0, 0.1)})
    async with room(tmp_path / "state", model=str(model)) as studio:
        film = (await studio.put("films"))["memory_id"]
        await studio.put("soup")
        assert await studio.found("movie") == [film]
    async with room(tmp_path / "state") as studio:
        assert await studio.found("movie") == [], "without a model words alone count"
        assert await studio.shelf.differences() == []


def test_ready_says_what_a_model_would_unlock_and_what_is_wrong_with_one(tmp_path: Path) -> None:
    embedder, told = embedding.opened("")
    assert embedder is None
    assert (told.ok, bool(told.unlocks), bool(told.how)) == (False, True, True)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    assert "vocab.txt" in embedding.opened(str(tmp_path))[1].detail
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]")
    assert "is no model" in embedding.opened(str(tmp_path))[1].detail
    good = make_model(tmp_path / "good", {"film": (1.0,)})
    assert embedding.opened(str(good))[1].ok
    (good / "vocab.txt").write_text("film")
    assert "lacks" in embedding.opened(str(good))[1].detail
