"""The reference page of the catalogue: every entry with its parameters and a still."""

from typing import Final

from engine.editing.catalogue.spec import Entry, Kind, ParameterSpec, catalogue
from tools.markdown import page, table
from tools.stills import has_still

KINDS: Final[dict[Kind, str]] = {
    "effect": "effects of the picture",
    "transition": "transitions",
    "generator": "pictures made on the spot",
    "sound": "effects of the sound",
}
COSTS: Final = {
    "none": "costs nothing",
    "low": "low cost",
    "middle": "middle cost",
    "high": "high cost",
}


def effects_page() -> str:
    """Every entry of the catalogue, by kind and family."""
    families: dict[tuple[str, str], list[Entry]] = {}
    for entry in catalogue().values():
        families.setdefault((KINDS.get(entry.kind, entry.kind), entry.family), []).append(entry)
    intro = (
        "What a timeline's effects, transitions and generators may be called, and what they take. A number marked "
        "*keyframes* may change over time. Sizes in `px at 1080 lines` grow and shrink with the picture, so that a small "
        "preview looks like the film. *Region*: it can be limited to a part of the picture; *needs a region*: it makes no "
        "sense without. Cost is for a frame of 1920x1080 on one core: low up to 2 ms, middle up to 10 ms, high above. "
        "Halves of a still: before and after."
    )
    parts = []
    for kind, family in sorted(
        families,
        key=lambda one: (list(KINDS.values()).index(one[0]) if one[0] in KINDS.values() else 99, one[1]),
    ):
        entries = families[kind, family]
        heading = (
            f"## {kind[0].upper()}{kind[1:]}: {family}"
            if kind != family
            else f"## {kind[0].upper()}{kind[1:]}"
        )
        parts += [heading, *(_entry(entry) for entry in entries)]
    return page("Effects", intro, *parts)


def _entry(entry: Entry) -> str:
    region = ["needs a region"] if entry.region else ["region"] if entry.mask else []
    lines = [
        f"### `{entry.name}`: {entry.title}",
        f"{entry.summary} ({', '.join([COSTS[entry.cost], *region])})",
    ]
    if has_still(entry):
        lines.append(f"![{entry.title}](../pictures/effects/{entry.name}.jpg)")
    if entry.parameters:
        rows = [(f"`{one.name}`", one.summary, _takes(one), _default(one)) for one in entry.parameters]
        lines.append(table(("parameter", "meaning", "takes", "default"), rows))
    return "\n\n".join(lines)


def _takes(spec: ParameterSpec) -> str:
    match spec.type:
        case "number":
            low, high = (None if one is None else f"{one:g}" for one in (spec.low, spec.high))
            text = f"{low} to {high}" if low is not None and high is not None else "a number"
            text += f" {spec.unit}" if spec.unit else ""
            return f"{text}; keyframes" if spec.animated else text
        case "choice":
            return ", ".join(f"`{one}`" for one in spec.choices)
        case "switch":
            return "0 or 1"
        case "blob":
            return "the hash of a file among the blobs"
        case "asset":
            return "an asset's id"
        case "curve":
            return "points `in,out in,out ...`, 0 to 1"
        case "colour":
            return "`#rrggbb` or `#rrggbbaa`"
        case "text":
            return f"a text of up to {spec.longest} characters"


def _default(spec: ParameterSpec) -> str:
    if spec.default is None:
        return ""
    return f"`{spec.default}`" if isinstance(spec.default, str) else f"{spec.default:g}"
