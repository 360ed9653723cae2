"""Named places where a test can have this process die, fail or stand still.

    CUTROOM_FAILPOINT=name[:nth][=kill|raise|pause]

    kill   the process ends as a power cut would end it: SIGKILL, at once (what is meant when nothing is said)
    raise  `Struck` is raised there, once
    pause  the whole process stops (SIGSTOP) until somebody sends SIGCONT, once

`nth` counts from 1 how often the place is come by. Each module names its own places; nothing happens at any of them unless
the program was started with the variable, and then the program's log says so.
"""

import itertools
import logging
import os
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.kernel.errors import Invalid

VARIABLE: Final = "CUTROOM_FAILPOINT"
ACTIONS: Final = ("kill", "raise", "pause")
_SPEC: Final = re.compile(r"(?P<name>[a-z_.]+)(?::(?P<nth>[1-9][0-9]*))?(?:=(?P<action>[a-z]+))?")
_log = logging.getLogger(__name__)
_known: set[str] = set()


class Struck(Exception):
    """What `raise` raises: an error that nobody foresees."""


@dataclass(frozen=True, slots=True)
class _Armed:
    name: str
    nth: int
    action: str
    # Places are come by in several threads; a step of `count` is one step for all of them.
    times: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def at(self, name: str) -> None:
        if name == self.name and next(self.times) == self.nth:
            _strike(self)


_armed: _Armed | None = None


def points(where: str, *names: str) -> Callable[[str], None]:
    """Name a module's places, once, when it is imported; return what the module calls when it comes by one of them.

    Where nothing is armed, such a call costs one comparison.
    """
    places = {name: f"{where}.{name}" for name in names}
    assert _known.isdisjoint(places.values()), f"two places share a name in {where}"
    _known.update(places.values())

    def reach(name: str) -> None:
        if _armed is not None:
            _armed.at(places[name])

    return reach


def known() -> frozenset[str]:
    """Return the names of all places in the modules that are imported."""
    return frozenset(_known)


def arm(environment: Mapping[str, str]) -> None:
    """Take over what the environment asks for; to be called once, when all modules are imported.

    Raises:
        Invalid: it is not of that form, or no module has a place of that name.
    """
    global _armed
    asked = environment.get(VARIABLE)
    if asked is None:
        return
    found = _SPEC.fullmatch(asked)
    action = found["action"] or "kill" if found else ""
    if found is None or action not in ACTIONS:
        raise Invalid(
            f"{VARIABLE} is {asked!r}; name[:nth][={'|'.join(ACTIONS)}] is taken, nth from 1", field=VARIABLE
        )
    if found["name"] not in _known:
        raise Invalid(f"{VARIABLE} names {found['name']}, and there is no such failpoint", field=VARIABLE)
    _armed = _Armed(found["name"], int(found["nth"] or 1), action)
    _log.warning("this process is armed to %s at %s, the time %s", action, _armed.name, _armed.nth)


def disarm() -> None:
    """Have nothing happen at any place from here on."""
    global _armed
    _armed = None


def _strike(armed: _Armed) -> None:
    match armed.action:
        case "raise":
            raise Struck(armed.name)
        case "pause":
            os.kill(os.getpid(), signal.SIGSTOP)
        case _:
            os.kill(os.getpid(), signal.SIGKILL)
