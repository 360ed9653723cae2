"""XML from strangers: no entities, no external documents, bounded depth and size."""

from typing import Any, Final
from xml.etree import ElementTree
from xml.parsers import expat

from engine.kernel.errors import Invalid

BYTES_MOST: Final = 32 * 1024 * 1024
DEPTH_MOST: Final = 100
ELEMENTS_MOST: Final = 500_000


def parse_xml(data: bytes) -> ElementTree.Element:
    """Return the root of a document.

    Entities of a document's own are refused whatever they hold: they can make gigabytes of a hundred bytes.

    Raises:
        Invalid: too large, too deep, with entities, or not well formed; the text names the line.
    """
    if len(data) > BYTES_MOST:
        raise Invalid(f"the file has {len(data)} bytes; at most {BYTES_MOST} are read", field="text")
    builder, parser = ElementTree.TreeBuilder(), expat.ParserCreate()
    limits = _Limits(parser)

    def start(tag: str, attributes: dict[str, str]) -> None:
        limits.enter()
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        limits.depth -= 1
        builder.end(tag)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = limits.refuse_entity
    parser.ExternalEntityRefHandler = limits.refuse_entity
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
        root = builder.close()
    except expat.ExpatError as error:
        raise Invalid(f"this is not XML: {error}", field="text", line=error.lineno) from error
    except (ValueError, LookupError, AssertionError) as error:  # encodings that Python does not know
        raise Invalid(f"this is not XML: {error}", field="text") from error
    return root


class _Limits:
    def __init__(self, parser: Any) -> None:
        self.depth = 0
        self._elements = 0
        self._parser = parser

    def enter(self) -> None:
        self.depth += 1
        self._elements += 1
        if self.depth > DEPTH_MOST or self._elements > ELEMENTS_MOST:
            said = f"more than {DEPTH_MOST} levels or {ELEMENTS_MOST} elements"
            raise Invalid(f"the XML has {said}", field="text", line=self._parser.CurrentLineNumber)

    def refuse_entity(self, *_: Any) -> int:
        line = self._parser.CurrentLineNumber
        raise Invalid(f"line {line}: entities of a document's own are not read", field="text", line=line)
