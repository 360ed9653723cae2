"""The catalogue of effects, transitions, generators and what sound wears, as clients see it."""

from typing import Literal

from cutroom_sdk.wire.codec import Wire

EntryKind = Literal["effect", "transition", "crossfade", "generator", "sound"]


class CatalogueParameter(Wire, frozen=True, kw_only=True):
    """A parameter: `takes` says in words what. Numbers lie in `[low, high]`; None: there is no such end.

    `animated`: it takes keyframes.
    """

    name: str
    summary: str
    type: str
    takes: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    default: float | str | None = None
    choices: tuple[str, ...] = ()
    animated: bool = True


class CatalogueEntry(Wire, frozen=True, kw_only=True):
    """An entry of `GET /v1/effects`. `mask`: it can be limited to a region; `region`: it must be.

    `cost` is for each frame of 1920x1080, of sound for each second.
    """

    name: str
    kind: EntryKind
    family: str
    title: str
    summary: str
    cost: Literal["none", "low", "middle", "high"]
    mask: bool = False
    region: bool = False
    parameters: tuple[CatalogueParameter, ...] = ()
