"""Takes secrets out of what is about to be remembered, wherever they lie and however they are encoded.

Texts are looked at as they are, without characters that cannot be seen, and again where a part of them is base64, hex,
or escaped for addresses or JSON: an encoded secret goes with its whole encoding. What was found is told by kind and count.
"""

import base64
import binascii
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from cutroom_sdk.wire.memory import Redaction
from engine.memory.scrub_rules import CHANCE, CONTACTS, MARK, SECRETS, Rule

DEPTH: Final = 3  # encodings in encodings that are looked into
_UNSEEN: Final = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_BASE64_LINES: Final = re.compile(r"(?:[A-Za-z0-9+/]{40,76}[ \t]*\r?\n[ \t]*)+[A-Za-z0-9+/]{1,76}={0,2}")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){7,}[0-9a-fA-F]{2}")
_WORDS: Final = re.compile(r"[^\s\"'<>]+")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_WORD: Final = re.compile(r"\w")


class Scrubbed(NamedTuple):
    """A value without secrets, and how many of each kind were in it."""

    value: Any
    redactions: tuple[Redaction, ...]


class _Span(NamedTuple):
    start: int
    end: int
    kind: str


def scrub(value: Any, *, contacts: bool) -> Scrubbed:
    """Return plain dicts, lists and texts without secrets, however deep they lie, names of fields included.

    `contacts`: addresses of mail and numbers of telephones are taken out as well.

    >>> scrub({"a": ["card 4242 4242 4242 4242"]}, contacts=False).value
    {'a': ['card [redacted:card]']}
    """
    rules = (*SECRETS, *CONTACTS) if contacts else SECRETS
    counts = Counter[str]()

    def text(found: str) -> str:
        clean, kinds = _text(found, rules)
        counts.update(kinds)
        return clean

    clean = _walked(value, text)
    told = tuple(Redaction(kind=kind, count=counts[kind]) for kind in sorted(counts))
    return Scrubbed(clean, told)


def says_something(text: str) -> bool:
    """Tell whether a scrubbed text has a word beside the marks of what was taken out."""
    return _WORD.search(MARK.sub("", text)) is not None


def has_secret(text: str) -> bool:
    """Tell whether a text, such as a name, has something in it that would be taken out."""
    return bool(_text(text, SECRETS)[1])


def _walked(value: Any, text: Callable[[str], str]) -> Any:
    match value:
        case str():
            return text(value)
        case dict():
            return {text(key): _walked(one, text) for key, one in value.items()}
        case list() | tuple():
            return type(value)(_walked(one, text) for one in value)
        case _:
            return value


def _text(found: str, rules: Sequence[Rule]) -> tuple[str, list[str]]:
    """Return a text without secrets, and the kind of each that was in it."""
    seen = _UNSEEN.sub("", found)
    plain = unicodedata.normalize("NFKC", seen)
    # Wide letters and the like are another writing of the same: where they hide something, the plain writing is kept.
    if plain != seen and not list(_spans(seen, rules, DEPTH)) and list(_spans(plain, rules, DEPTH)):
        seen = plain
    kinds = list[str]()
    parts, at = list[str](), 0
    for span in _merged(_spans(seen, rules, DEPTH)):
        parts += (seen[at : span.start], f"[redacted:{span.kind}]")
        kinds.append(span.kind)
        at = span.end
    return "".join((*parts, seen[at:])), kinds


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """Return spans that do not overlap, in order; of those that do, the earliest and longest gives the kind."""
    merged = list[_Span]()
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if merged and span.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _spans(text: str, rules: Sequence[Rule], depth: int) -> Iterator[_Span]:
    marks = [found.span() for found in MARK.finditer(text)]
    begins = [begin for begin, _ in marks]
    for rule in rules:
        group: str | int = "secret" if "secret" in rule.pattern.groupindex else 0
        for found in rule.pattern.finditer(text):
            start, end = found.span(group)
            before = bisect_right(begins, start) - 1
            in_mark = before >= 0 and end <= marks[before][1]
            chance = rule.kind == CHANCE and _says_something(found[0])
            if not in_mark and not chance and rule.holds(found[group]):
                yield _Span(start, end, rule.kind)
    if depth:
        yield from _encoded(text, rules, depth - 1)


def _says_something(text: str) -> bool:
    """Tell whether what looks like chance is a text in base64; whether that has secrets is looked at for itself."""
    return text.rstrip("=").isascii() and next(_from_base64(text), None) is not None


def _encoded(text: str, rules: Sequence[Rule], depth: int) -> Iterator[_Span]:
    for pattern, decodings in _ENCODINGS:
        for found in pattern.finditer(text):
            for decoded in decodings(found[0]):
                inner = next(_spans(decoded, rules, depth), None)
                if inner is not None:
                    yield _Span(found.start(), found.end(), inner.kind)
                    break


def _from_base64(text: str) -> Iterator[str]:
    """Yield what a run of base64 may say, begun at each of the four places at which a group may begin."""
    packed = re.sub(r"[\s=]", "", text).replace("-", "+").replace("_", "/")
    for ahead in range(4):
        rest = packed[ahead:]
        rest = rest[: len(rest) - 1] if len(rest) % 4 == 1 else rest
        with_end = rest + "=" * (-len(rest) % 4)
        yield from _readable(base64.b64decode(with_end))


def _from_hex(text: str) -> Iterator[str]:
    digits = re.sub(r"[ :]", "", text)
    for ahead in range(2):
        rest = digits[ahead:]
        yield from _readable(binascii.unhexlify(rest[: len(rest) // 2 * 2]))


def _from_percent(text: str) -> Iterator[str]:
    if "%" in text:
        yield unquote(text.replace("+", " "), errors="replace")
        yield unquote(text, errors="replace")


def _from_escapes(text: str) -> Iterator[str]:
    if "\\" in text:
        yield _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)


def _readable(content: bytes) -> Iterator[str]:
    """Yield bytes as text when that is what they mostly are: chance is not looked into."""
    for coding in ("utf-8", "utf-16-le"):
        text = content.decode(coding, "ignore")
        seen = sum(one.isprintable() or one.isspace() for one in text[:512])
        if text and seen >= 0.9 * min(len(text), 512) and len(text) * 4 >= len(content):
            yield text


_ENCODINGS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Iterator[str]]], ...]] = (
    (_BASE64_LINES, _from_base64),
    (_BASE64, _from_base64),
    (_HEX, _from_hex),
    (_WORDS, _from_percent),
    (_WORDS, _from_escapes),
)
