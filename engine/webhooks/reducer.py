"""Webhooks: who may send, and what came. A delivery is taken once, within five minutes of when it was sent.

A sender that heard no answer tries again for days, under the same id with the time of the new try: that is told apart from
a copy of an earlier try, which somebody else may have sent.

absent --defined--> there --defined--> there --removed--> absent
                      `--received--> there
"""

import re
from collections.abc import Mapping
from typing import Any, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.webhooks import Webhook as WireWebhook
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "webhook"
CAPABILITY: Final = "webhooks:read"
WINDOW_MS: Final = 5 * 60 * 1000
SEEN_MAX: Final = 1_000  # deliveries remembered; so many in ten minutes are the most
RETRIED_MS: Final = (
    4 * 24 * 3600 * 1000
)  # from the first try to the last that Standard Webhooks proposes are three days
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Seen(Struct, frozen=True, kw_only=True):
    """A delivery that was taken; until then a copy could be sent again and would be signed and in time."""

    delivery_id: str
    until_ms: int


class Hook(Struct, frozen=True, kw_only=True):
    """State of the stream `webhook/{name}`; no `secrets`: there is none of this name."""

    name: str
    secrets: tuple[str, ...] = ()
    enabled: bool = False
    set_at_ms: int = 0
    set_by: str = ""
    received: int = 0
    last_at_ms: int | None = None
    seen: tuple[Seen, ...] = ()


# Proposals.
class Define(Struct, frozen=True, kw_only=True, tag="define"):
    """`secrets` are names of the vault's."""

    secrets: tuple[str, ...]
    enabled: bool


class Remove(Struct, frozen=True, kw_only=True, tag="remove"):
    pass


class Receive(Struct, frozen=True, kw_only=True, tag="receive"):
    """A delivery whose signature is right. `payload` of JSON, else `text`."""

    delivery_id: str
    sent_at_ms: int
    content_type: str
    bytes: int
    sha256: str
    payload: Any = None
    text: str = ""


# Events.
class Defined(Struct, frozen=True, kw_only=True, tag="webhook.defined"):
    secrets: tuple[str, ...]
    enabled: bool


class Removed(Struct, frozen=True, kw_only=True, tag="webhook.removed"):
    pass


class Received(Struct, frozen=True, kw_only=True, tag="webhook.received"):
    delivery_id: str
    sent_at_ms: int
    content_type: str
    bytes: int
    sha256: str
    payload: Any = None
    text: str = ""


Proposal = Define | Remove | Receive
Event = Defined | Removed | Received


def init(name: str) -> Hook:
    return Hook(name=name)


def decide(hook: Hook, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        Invalid: a name that is none.
        NotFound: there is none to remove.
        Rejected: `webhook_off`, `webhook_late`.
        Conflict: `delivery_replayed`.
        Unavailable: more came than can be remembered.
    """
    match proposal:
        case Define(secrets=secrets, enabled=enabled):
            if not _NAME.fullmatch(hook.name):
                raise Invalid(
                    f"{hook.name[:64]!r} is no name of a webhook: 1 to 64 small letters, digits, - and _",
                    field="name",
                )
            same = (hook.secrets, hook.enabled) == (secrets, enabled)
            return () if same else (Defined(secrets=secrets, enabled=enabled),)
        case Remove():
            if not hook.secrets:
                raise NotFound(f"there is no webhook {hook.name}")
            return (Removed(),)
        case Receive():
            if not _is_new(hook, proposal, envelope.at_ms):
                return ()
            return (Received(**{name: getattr(proposal, name) for name in Received.__struct_fields__}),)
        case _:
            assert_never(proposal)


def on_event(hook: Hook, event: Event, envelope: Envelope) -> Step[Hook, Struct]:
    """Fold one accepted event."""
    now = envelope.at_ms
    match event:
        case Defined(secrets=secrets, enabled=enabled):
            return Step(replace(hook, secrets=secrets, enabled=enabled, set_at_ms=now, set_by=envelope.actor))
        case Removed():
            # What was taken stays known: the same name may come back with the same secret.
            return Step(replace(hook, secrets=(), enabled=False))
        case Received(delivery_id=delivery_id, sent_at_ms=sent_at_ms):
            seen = Seen(delivery_id=delivery_id, until_ms=sent_at_ms + WINDOW_MS)
            return Step(
                replace(
                    hook, received=hook.received + 1, last_at_ms=now, seen=(*_remembered(hook, now), seen)
                )
            )
        case _:
            assert_never(event)


def resources(name: str, hook: Hook) -> Mapping[str, Struct | None]:
    """Return `webhook/{name}` while there is one."""
    return {f"{KIND}/{name}": wire(hook) if hook.secrets else None}


def wire(hook: Hook) -> WireWebhook:
    """Return a webhook as it is published."""
    return WireWebhook(
        name=hook.name,
        secrets=hook.secrets,
        enabled=hook.enabled,
        set_at_ms=hook.set_at_ms,
        set_by=hook.set_by,
        received=hook.received,
        last_at_ms=hook.last_at_ms,
    )


def public_name(partition: str, name: str) -> str:
    """Return the name under which others post: of the operator's partition the webhook's own, else `tenant.env.name`.

    >>> public_name("local/dev", "builds"), public_name("acme/prod", "builds")
    ('builds', 'acme.prod.builds')
    """
    return name if partition == DEFAULT_PARTITION else f"{partition.replace('/', '.')}.{name}"


def located(public: str) -> tuple[str, str] | None:
    """Return the partition and the name that a public name stands for, None when it can be none.

    >>> located("builds"), located("acme.prod.builds"), located("a.b")
    (('local/dev', 'builds'), ('acme/prod', 'builds'), None)
    """
    *place, name = public.split(".")
    if len(place) not in (0, 2) or not all(map(_NAME.fullmatch, (*place, name))):
        return None
    return "/".join(place) or DEFAULT_PARTITION, name


def _is_new(hook: Hook, delivery: Receive, now: int) -> bool:
    """Tell whether a delivery is a first one; False: one that was taken is tried again."""
    if not hook.enabled:
        raise Rejected("webhook_off", f"the webhook {hook.name} takes nothing")
    if abs(now - delivery.sent_at_ms) > WINDOW_MS:
        raise Rejected("webhook_late", "it was sent more than five minutes ago, or will be")
    until_ms = delivery.sent_at_ms + WINDOW_MS
    for one in hook.seen:
        if one.delivery_id == delivery.delivery_id:
            if one.until_ms >= until_ms:
                raise Conflict(
                    "this delivery was taken already; one that is tried again has the same webhook-id and a later time",
                    expected=0,
                    actual=1,
                    code="delivery_replayed",
                )
            return False
    if sum(one.until_ms >= now for one in hook.seen) >= SEEN_MAX:
        raise Unavailable(f"{SEEN_MAX} deliveries came within ten minutes; send later")
    return True


def _remembered(hook: Hook, now: int) -> tuple[Seen, ...]:
    """Return what is to be known beside a new delivery: all that could still be copied, and the newest of the rest."""
    fresh = [one for one in hook.seen if one.until_ms >= now]
    older = [one for one in hook.seen if now - RETRIED_MS <= one.until_ms < now]
    room = SEEN_MAX - 1 - len(fresh)
    return (*(older[-room:] if room > 0 else ()), *fresh)


WEBHOOK: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Hook,
    resources=resources,
    reads=CAPABILITY,
)
