"""What a daemon says of itself: where it is, that it is alive, and what it can do here."""

from typing import Literal

from cutroom_sdk.wire.codec import Wire


class Endpoint(Wire, frozen=True, kw_only=True):
    """`endpoint.json` in the state directory, there while a daemon runs. `url` has no slash at its end."""

    url: str
    pid: int
    started_at_ms: int
    version: str


class Health(Wire, frozen=True, kw_only=True):
    """`GET /health`: alive. `versions` are those of what the daemon stands on, by name."""

    status: Literal["ok"]
    version: str
    pid: int
    versions: dict[str, str] = {}


class Feature(Wire, frozen=True, kw_only=True):
    """One thing the daemon can do, or could.

    `detail` says what was found; `unlocks` what works once it is there; `how` what to do to get it, empty when `ok`.
    """

    name: str
    ok: bool
    detail: str = ""
    unlocks: str = ""
    how: str = ""


class Ready(Wire, frozen=True, kw_only=True):
    """`GET /ready`: `ready` is whether work is taken; what is missing among `features` only narrows it."""

    features: tuple[Feature, ...]
    ready: bool = True
