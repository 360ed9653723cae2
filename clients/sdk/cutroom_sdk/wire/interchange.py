"""Timelines as files of other programs: what is asked, what comes, and what could not come along."""

from fractions import Fraction
from typing import Literal

from cutroom_sdk.wire.codec import Request, Wire

Format = Literal["otio", "edl", "fcpxml", "srt", "vtt", "ass"]


class Loss(Wire, frozen=True, kw_only=True):
    """Something that a format has no place for, or that was not understood.

    `where` is the place in the timeline (`tracks[0].items[2]`) or in the file (`line 12`); empty: all of it. `what` is what
    is lost or changed, `why` the reason and what stands in its place.
    """

    where: str
    what: str
    why: str


class TimelineExport(Wire, frozen=True, kw_only=True):
    """`GET /v1/timelines/{id}/export?format=`: the file's text, a name for it, and what it does not say."""

    format: Format
    file_name: str
    media_type: str
    text: str
    losses: tuple[Loss, ...]


class TimelineImportRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/timelines/import`: a file's text becomes a timeline.

    `format` None: told by the end of `file_name`, else by the text. `assets` says which asset a name in the file means
    (path, URL, file name or reel); what is not there is looked for among the assets by path and by name. `rate`, `width`,
    `height` and `sample_rate` stand where the file does not say them. `into`: captions are put on a kept timeline of this id, on
    caption tracks of their own on top, as an edit that can be undone; the file's other settings are the timeline's then, and
    `name` is what the tracks are called.
    """

    text: str
    file_name: str = ""
    format: Format | None = None
    name: str | None = None
    assets: dict[str, str] = {}
    rate: Fraction | None = None
    width: int | None = None
    height: int | None = None
    sample_rate: int | None = None
    into: str | None = None


class TimelineImport(Wire, frozen=True, kw_only=True):
    """The timeline that was made of a file, or that took it in, and what of the file is not in it."""

    timeline_id: str
    version: int
    format: Format
    losses: tuple[Loss, ...]
