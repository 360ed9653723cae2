"""Which of the things found comes first: how well the words fit, how new it is, how far it was taken up, its tags.

Everything is between 0 and 1 and weighed; with a local model the meaning counts too.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

HALF_LIFE_MS: Final = 30 * 24 * 3600 * 1000  # what is a month old counts half as new
TIER_WORTH: Final = {"session": 0.25, "project": 0.5, "team": 0.75, "curated": 1.0}
WEIGHTS: Final = {"words": 0.6, "new": 0.15, "tier": 0.15, "tags": 0.1}
MEANING: Final = 0.4  # of the whole, where vectors are compared; the rest is shared out as above
MEANING_MIN: Final = 0.35  # below it what has no word of the query is not found


class Candidate(NamedTuple):
    """Something that may be an answer. `relevance` is bm25 turned round: more is better, 0 has no word of the query."""

    memory_id: str
    content_hash: str
    tier: str
    changed_at_ms: int
    vector: bytes | None
    model: str | None
    relevance: float


class Ranked(NamedTuple):
    """A candidate and its score, above 0 and at most 1, without what its tags add."""

    candidate: Candidate
    score: float


def rank(
    candidates: Sequence[Candidate], now_ms: int, vector: bytes | None = None, model: str | None = None
) -> list[Ranked]:
    """Return candidates with their scores, the best first; those of equal score by id.

    `vector` is the query's, made by `model`; only vectors of the same model are compared with it.
    """
    best = max((one.relevance for one in candidates), default=0.0)
    ranked = []
    for one in candidates:
        meaning = _cosine(vector, one.vector) if vector and one.vector and one.model == model else 0.0
        if one.relevance <= 0 and meaning < MEANING_MIN:
            continue
        score = WEIGHTS["words"] * (one.relevance / best if best > 0 else 0.0)
        score += WEIGHTS["new"] * 0.5 ** (max(0, now_ms - one.changed_at_ms) / HALF_LIFE_MS)
        score += WEIGHTS["tier"] * TIER_WORTH[one.tier]
        if vector is not None:
            score = (1 - MEANING) * score + MEANING * max(0.0, meaning)
        ranked.append(Ranked(one, score))
    return sorted(ranked, key=lambda one: (-one.score, one.candidate.memory_id))


def tag_score(query: str, tags: Sequence[str]) -> float:
    """Return what tags add to a score: as much as of them the query names.

    >>> tag_score("#reels fade", ("Reels", "intro"))
    0.05
    """
    words = set(re.findall(r"\w+", query.casefold()))
    named = sum(tag.casefold() in words for tag in tags)
    return WEIGHTS["tags"] * named / len(tags) if tags else 0.0


def _cosine(one: bytes, other: bytes) -> float:
    """Return the cosine of two vectors of length 1, as little-endian 32-bit floats."""
    left, right = np.frombuffer(one, "<f4"), np.frombuffer(other, "<f4")
    return float(left @ right) if left.shape == right.shape else 0.0
