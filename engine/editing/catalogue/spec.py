"""The catalogue: names, parameters with units and range, what they cost. Data (`*.toml`), read once.

    [exposure]
    title = "Exposure"
    summary = "Brightens or darkens as a lens would."
    mask = true
    cost = "low"

    [exposure.parameters.stops]
    unit = "stops"
    low = -5.0
    high = 5.0
    default = 0.0
    summary = "Each step doubles or halves the light."

Parameters that several entries have stand once, in a table whose name begins with `_`; an entry that `shares` it has them all
and says of each only what is different. The file's name is the family's. The worker implements what is named here (`engine.rendering`); tests hold both against
each other.
"""

import difflib
import functools
import tomllib
from collections.abc import Sequence
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Literal

from msgspec import Struct

from cutroom_sdk.wire.codec import convert
from engine.kernel.errors import Invalid

Kind = Literal["effect", "transition", "crossfade", "generator", "sound"]
Cost = Literal["none", "low", "middle", "high"]
# Which file holds which kind of entry; a family that is not here is one of picture effects.
KINDS: Final[dict[str, Kind]] = {
    "transitions": "transition",
    "crossfades": "crossfade",
    "generators": "generator",
    "sound": "sound",
}


class ParameterSpec(Struct, frozen=True, kw_only=True):
    """One parameter.

    `type` `number`: from `low` to `high`, both allowed, in `unit`; may have keyframes when `animated`. `choice`: one of
    `choices`. `colour`: `#rrggbb` or `#rrggbbaa`. `text`: at most `longest` characters. `blob`: the hash of a file among
    the blobs (a LUT, a matte). `asset`: an asset's id. `switch`: 0 or 1. `curve`: points as `engine.editing.tones` reads
    them.
    """

    name: str
    summary: str
    type: Literal["number", "choice", "colour", "text", "blob", "asset", "switch", "curve"] = "number"
    unit: str = ""
    low: float | None = None
    high: float | None = None
    default: float | str | None = None
    choices: tuple[str, ...] = ()
    longest: int = 2000
    animated: bool = True


class Entry(Struct, frozen=True, kw_only=True):
    """One thing of the catalogue. `mask`: it can be limited to a region; `region`: it makes no sense without one.

    `cost` is for each frame of 1920x1080 on one core: `low` to 2 ms, `middle` to 10 ms, `high` above; of sound, for each
    second.
    """

    name: str
    kind: Kind
    family: str
    title: str
    summary: str
    cost: Cost
    mask: bool = False
    region: bool = False
    parameters: tuple[ParameterSpec, ...] = ()

    def parameter(self, name: str) -> ParameterSpec | None:
        """Return the parameter of this name; None: there is none."""
        return next((one for one in self.parameters if one.name == name), None)


@functools.cache
def catalogue() -> MappingProxyType[str, Entry]:
    """Return all entries by name, families in order of their names, entries in the order of their file."""
    folder = resources.files("engine.editing.catalogue")
    found: dict[str, Entry] = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".toml"):
            continue
        family = file.name.removesuffix(".toml")
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        for name, row in table.items():
            assert name not in found, f"{name} is in the catalogue twice"
            if not name.startswith("_"):
                shared = [table[one]["parameters"] for one in row.pop("shares", [])]
                found[name] = _entry(name, family, row, shared)
    return MappingProxyType(found)


def named(name: str, kind: Kind, *, field: str) -> Entry:
    """Return the entry of this name and kind.

    Raises:
        Invalid: `unknown_effect`, with the names that are near, else with all of the kind.
    """
    entry = catalogue().get(name)
    if entry is not None and entry.kind == kind:
        return entry
    known = [one.name for one in catalogue().values() if one.kind == kind]
    near = difflib.get_close_matches(name.strip().lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise Invalid(f"no {kind} is called {name[:40]!r}; {hint}", code="unknown_effect", field=field, near=near)


def _entry(name: str, family: str, row: dict[str, Any], shared: Sequence[dict[str, Any]] = ()) -> Entry:
    own = row.pop("parameters", {})
    common = {one: said for table in shared for one, said in table.items()}
    rows = {one: {**common.get(one, {}), **own.get(one, {})} for one in (*own, *common)}
    parameters = [{"name": one, **said} for one, said in rows.items()]
    return convert(
        {
            "name": name,
            "kind": KINDS.get(family, "effect"),
            "family": family,
            **row,
            "parameters": parameters,
        },
        Entry,
    )
