"""Time zones, from the locked tz database and nowhere else: a log means the same on every machine."""

import difflib
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from engine.kernel.errors import Invalid

_DATABASE: Final = "tzdata"


@cache
def names() -> frozenset[str]:
    """Return the names of all zones, such as `Europe/Berlin`."""
    return frozenset(files(_DATABASE).joinpath("zones").read_text("utf-8").split())


@cache
def zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name.

    Raises:
        Invalid: there is none of this name; `field` is `schedule.timezone`.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; names are such as Europe/Berlin or UTC"
        raise Invalid(f"no time zone is called {name[:100]!r}{hint}", field="schedule.timezone")
    with files(_DATABASE).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
