"""Target profiles: what a platform wants of a file. The figures are data (`profiles.toml`), dated and sourced."""

import difflib
import functools
import re
import tomllib
from importlib import resources
from types import MappingProxyType
from typing import Any

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.renders import Profile
from engine.kernel.errors import Invalid

NOTHING = "none"  # takes a default away: TOML has no word for it
# What a profile may leave out: the source decides, or there is no limit.
_OPEN = ("width", "height", "rate", "max_duration", "default_duration")
# Another way to say it: the kind of a master in brackets.
_MASTER = re.compile(r"master\((\w+)\)")


@functools.cache
def profiles() -> MappingProxyType[str, Profile]:
    """Return all profiles by name, in the order of the table."""
    text = resources.files("engine.editing").joinpath("profiles.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return MappingProxyType(
        {name: _profile(name, {**table["defaults"], **row}) for name, row in table["profiles"].items()}
    )


def profile_named(name: str) -> Profile:
    """Return the profile of this name.

    Raises:
        Invalid: `unknown_profile`, with the names that are near, else with all.
    """
    known = profiles()
    name = _MASTER.sub(r"master-\1", name)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.strip().lower(), known, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise Invalid(
        f"no profile is called {name[:40]!r}; {hint}",
        code="unknown_profile",
        field="profile",
        known=list(known),
    )


def _profile(name: str, row: dict[str, Any]) -> Profile:
    given = {key: None if value == NOTHING else value for key, value in row.items()}
    return convert({"name": name, **dict.fromkeys(_OPEN), **given}, Profile)
