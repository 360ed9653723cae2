"""What a timeline is compiled with, and what is said while it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from cutroom_sdk.wire.media import Asset
from engine.media.index import FrameIndex
from engine.rendering.analyses import NONE, Analyses
from engine.rendering.graph import Drawn
from engine.rendering.standins import StandIn

Lettering = Callable[[Drawn], tuple[Drawn, tuple[str, ...]]]


def unlettered(node: Drawn) -> tuple[Drawn, tuple[str, ...]]:
    """Leave what is drawn as it is: no fonts are chosen."""
    return node, ()


@dataclass
class Notes:
    """What a compilation tells beside its outcome: each once, in the order in which it is met.

    `defaults` were chosen where nothing was asked for, `notices` is what came out otherwise than asked, `warnings` would be
    errors in a render. `methods` are details of how pictures are made (slow motion, stabilising).
    """

    defaults: dict[str, None] = field(default_factory=dict)
    notices: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    methods: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Given:
    """Assets and frame indexes by asset id, the canvas, the film's frames a second, and who chooses fonts.

    `analyses` are what was found in assets; `stand_ins` are read instead of assets' own pictures. `lenient`: what is missing is
    a warning, and black stands for it; else it is an error.
    """

    assets: Mapping[str, Asset]
    indexes: Mapping[str, FrameIndex]
    width: int
    height: int
    rate: Fraction
    letter: Lettering = unlettered
    analyses: Analyses = NONE
    stand_ins: Mapping[str, StandIn] = field(default_factory=dict)
    lenient: bool = False
    notes: Notes = field(default_factory=Notes)

    def default(self, text: str) -> None:
        """Say what was chosen where nothing was asked for."""
        self.notes.defaults[text] = None

    def notice(self, text: str) -> None:
        """Say what comes out otherwise than asked."""
        self.notes.notices[text] = None

    def warn(self, text: str) -> None:
        """Say what a render would fail at."""
        self.notes.warnings[text] = None

    def method(self, text: str) -> None:
        """Say how pictures are made."""
        self.notes.methods[text] = None
