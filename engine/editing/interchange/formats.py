"""The formats there are: what writes and reads each, and which one a file is."""

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.interchange import Format
from cutroom_sdk.wire.timeline import Timeline
from engine.editing.interchange.ass import read_ass, write_ass
from engine.editing.interchange.edl_read import read_edl
from engine.editing.interchange.edl_write import write_edl
from engine.editing.interchange.fcpxml_read import read_fcpxml
from engine.editing.interchange.fcpxml_write import write_fcpxml
from engine.editing.interchange.losses import Exported, Imported
from engine.editing.interchange.otio_read import read_otio
from engine.editing.interchange.otio_write import write_otio
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.srt import read_srt, write_srt
from engine.editing.interchange.vtt import read_vtt, write_vtt
from engine.kernel.errors import Invalid


class Form(Struct, frozen=True, kw_only=True):
    """One format: its name, the ends of its files' names (the first is written), and what carries it."""

    name: Format
    suffixes: tuple[str, ...]
    media_type: str
    write: Callable[[Timeline, Shelf], Exported]
    read: Callable[[bytes, Asked, Shelf], Imported]


_ALL: Final = (
    Form(
        name="otio",
        suffixes=(".otio",),
        media_type="application/vnd.pixar.opentimelineio+json",
        write=write_otio,
        read=read_otio,
    ),
    Form(name="edl", suffixes=(".edl",), media_type="text/plain", write=write_edl, read=read_edl),
    Form(
        name="fcpxml",
        suffixes=(".fcpxml", ".xml"),
        media_type="application/xml",
        write=write_fcpxml,
        read=read_fcpxml,
    ),
    Form(name="srt", suffixes=(".srt",), media_type="application/x-subrip", write=write_srt, read=read_srt),
    Form(name="vtt", suffixes=(".vtt",), media_type="text/vtt", write=write_vtt, read=read_vtt),
    Form(name="ass", suffixes=(".ass", ".ssa"), media_type="text/x-ssa", write=write_ass, read=read_ass),
)
FORMS: Final = MappingProxyType({form.name: form for form in _ALL})
# What a file of each format begins with, or has in its first lines.
_SIGNS: Final[tuple[tuple[Format, str], ...]] = (
    ("vtt", r"WEBVTT"),
    ("otio", r"\{"),
    ("fcpxml", r"<"),
    ("ass", r"\[Script Info\]"),
    ("edl", r"(?:TITLE:|FCM:|\d{3,6}\s+\S+\s+\S+\s+[CDWK])"),
    ("srt", r"(?:\d+\s*\n)?\s*\d{1,2}:\d{2}"),
)
_HEAD: Final = 400


def form_named(name: str) -> Form:
    """Return the format of this name.

    Raises:
        Invalid: there is none; of AAF the text says what to use instead.
    """
    for form in _ALL:
        if form.name == name.lower():
            return form
    if name.lower() == "aaf":
        raise Invalid(
            "AAF is neither read nor written: no library that could be shipped with this engine does; "
            "most programs that speak AAF also speak FCPXML, OTIO or EDL",
            field="format",
        )
    raise Invalid(f"no format is called {name[:40]!r}; there are {', '.join(FORMS)}", field="format")


def form_of(file_name: str, text: str) -> Form:
    """Return the format of a file: told by the end of its name, else by how it begins.

    Raises:
        Invalid: neither tells.
    """
    end = re.search(r"\.[^./\\]+\Z", file_name.lower())
    if end is not None and end[0] == ".aaf":
        return form_named("aaf")
    named = next((form for form in _ALL if end is not None and end[0] in form.suffixes), None)
    if named is not None:
        return named
    head = text[:_HEAD].lstrip("\ufeff \t\r\n")
    for name, sign in _SIGNS:
        if re.match(sign, head):
            return FORMS[name]
    raise Invalid(
        f"it cannot be told of which format {file_name[:80] or 'this'} is; name one: {', '.join(FORMS)}",
        field="format",
    )
