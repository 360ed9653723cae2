"""What the media room asks of the detectors, and what they answer.

The tasks are `engine.media.analysis.tasks:analyse_video` (one decode pass for the picture kinds that are wanted) and
`engine.media.analysis.tasks:analyse_audio` (the same for sound). The only input file is the asset's.
"""

from fractions import Fraction
from typing import Any, Literal

from msgspec import Struct


class Backend(Struct, frozen=True, kw_only=True):
    """Who makes a kind of analysis: all of it but `stream` and `missing` goes into the cache key.

    `params` are the defaults, plain JSON. `schema` counts the forms that the kind's data has had, from 1. `missing` says
    what is not installed and what it would unlock; None when all is there.
    """

    kind: str
    stream: Literal["picture", "sound"]
    name: str
    version: str
    schema: int = 1
    model_hash: str | None = None
    params: dict[str, Any] = {}
    missing: str | None = None


class AnalyseRequest(Struct, frozen=True, kw_only=True):
    """The kinds wanted of one file.

    `params` are complete, by kind. `index` is the picture's `FrameIndex` as bytes, None without picture. `origin` is the
    container's time, seconds, from which times count: that of the first frame shown; None: the first sample heard.
    """

    kinds: tuple[str, ...]
    params: dict[str, dict[str, Any]] = {}
    index: bytes | None = None
    origin: Fraction | None = None


class AnalyseResult(Struct, frozen=True, kw_only=True):
    """`data` by kind: the wire's form as plain JSON values, exact times as text. `notices` by kind."""

    data: dict[str, Any]
    notices: dict[str, tuple[str, ...]] = {}
