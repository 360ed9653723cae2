"""Webhooks: other programs tell the engine something, signed with a secret that both know."""

from typing import Annotated

import msgspec

from cutroom_sdk.wire.codec import Request, Wire

SECRETS_MAX = 4


class WebhookRequest(Request, frozen=True, kw_only=True):
    """`PUT /v1/webhooks/{name}`. `secrets` are names; any of them may have signed, so that one can follow another."""

    secrets: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=SECRETS_MAX)]
    enabled: bool = True


class Webhook(Wire, frozen=True, kw_only=True):
    """The resource `webhook/{name}`. `last_at_ms` None: nothing has come yet.

    Deliveries are posted to `/v1/webhooks/{name}`; those of another partition than the operator's to
    `/v1/webhooks/{tenant}.{env}.{name}`.
    """

    name: str
    secrets: tuple[str, ...]
    enabled: bool
    set_at_ms: int
    set_by: str
    received: int
    last_at_ms: int | None


class DeliveryAnswer(Wire, frozen=True, kw_only=True):
    """Answer to a delivery that is on record: its id, and its place in the log."""

    delivery_id: str
    position: int
