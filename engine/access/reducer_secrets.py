"""Secrets as the log knows them: that there is one of a name. Their values lie in the vault, a file beside the log.

absent --set--> set --set--> set --removed--> absent
"""

from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.secrets import Secret as WireSecret
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Aggregate, Envelope, Step

KIND: Final = "secret"
CAPABILITY: Final = "secrets:admin"


class Secret(Struct, frozen=True, kw_only=True):
    """State of the stream `secret/{name}`; `set_at_ms` None: there is none."""

    name: str
    set_at_ms: int | None = None
    set_by: str = ""


# Proposals.
class Set(Struct, frozen=True, kw_only=True, tag="set"):
    """A value was put into the vault."""


class Remove(Struct, frozen=True, kw_only=True, tag="remove"):
    """The value was taken out of the vault."""


# Events.
class WasSet(Struct, frozen=True, kw_only=True, tag="secret.set"):
    """There is a value, another than before perhaps."""


class Removed(Struct, frozen=True, kw_only=True, tag="secret.removed"):
    """There is none any more."""


def init(name: str) -> Secret:
    """Return a name without a secret."""
    return Secret(name=name)


def decide(secret: Secret, proposal: Set | Remove, _envelope: Envelope) -> tuple[WasSet | Removed, ...]:
    """Answer a proposal with the events it leads to.

    Raises:
        NotFound: there is none to remove.
    """
    match proposal:
        case Set():
            return (WasSet(),)
        case Remove():
            if secret.set_at_ms is None:
                raise NotFound(f"there is no secret {secret.name}")
            return (Removed(),)
        case _:
            assert_never(proposal)


def on_event(secret: Secret, event: WasSet | Removed, envelope: Envelope) -> Step[Secret, Struct]:
    """Fold one accepted event."""
    match event:
        case WasSet():
            return Step(replace(secret, set_at_ms=envelope.at_ms, set_by=envelope.actor))
        case Removed():
            return Step(init(secret.name))
        case _:
            assert_never(event)


def resources(name: str, secret: Secret) -> Mapping[str, Struct | None]:
    """Return `secret/{name}` while there is one."""
    return {f"{KIND}/{name}": None if secret.set_at_ms is None else wire(secret)}


def wire(secret: Secret) -> WireSecret:
    """Return a secret that is set, as it is published."""
    assert secret.set_at_ms is not None, "only what is set is published"
    return WireSecret(name=secret.name, set_at_ms=secret.set_at_ms, set_by=secret.set_by)


SECRET: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=WasSet | Removed,
    state=Secret,
    resources=resources,
    reads=CAPABILITY,
)
