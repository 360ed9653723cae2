"""Secrets by name, and who may send webhooks."""

from collections.abc import Mapping

from cutroom_sdk.connection import Connection, read
from cutroom_sdk.places import conditions, filled
from cutroom_sdk.wire.secrets import Secret, SecretRequest
from cutroom_sdk.wire.webhooks import DeliveryAnswer, Webhook, WebhookRequest


class SecretCalls(Connection):
    """What tools and webhooks know by name."""

    async def set_secret(self, name: str, value: str) -> Secret:
        """Keep a secret under a name; nobody reads it back."""
        return await self.ask(
            "PUT", filled("/v1/secrets/{name}", name), Secret, body=SecretRequest(value=value)
        )

    async def secrets(self) -> list[Secret]:
        """Return which secrets there are, sorted by name; not their values."""
        return await self.every("/v1/secrets", Secret)

    async def remove_secret(self, name: str) -> Secret:
        """Forget a secret; return what was known of it."""
        return await self.ask("DELETE", filled("/v1/secrets/{name}", name), Secret)

    async def set_webhook(
        self, name: str, asked: WebhookRequest, *, idempotency_key: str | None = None
    ) -> Webhook:
        """Say who may post deliveries under a name."""
        headers = conditions(idempotency_key=idempotency_key)
        return await self.ask(
            "PUT", filled("/v1/webhooks/{name}", name), Webhook, body=asked, headers=headers
        )

    async def webhooks(self) -> list[Webhook]:
        """Return which webhooks there are, sorted by name."""
        return await self.every("/v1/webhooks", Webhook)

    async def webhook(self, name: str) -> Webhook:
        """Return one webhook."""
        return await self.get(filled("/v1/webhooks/{name}", name), Webhook)

    async def remove_webhook(self, name: str, *, idempotency_key: str | None = None) -> Webhook:
        """Have deliveries under a name taken no more; return the webhook as it was."""
        headers = conditions(idempotency_key=idempotency_key)
        return await self.ask("DELETE", filled("/v1/webhooks/{name}", name), Webhook, headers=headers)

    async def deliver(
        self, name: str, content: bytes, signed: Mapping[str, str], *, content_type: str = "application/json"
    ) -> DeliveryAnswer:
        """Post a delivery that is signed already; no token counts for it.

        `signed` are the headers of Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
        """
        headers = {**signed, "Content-Type": content_type}
        path = filled("/v1/webhooks/{name}", name)
        return read(
            (await self.request("POST", path, content=content, headers=headers)).content, DeliveryAnswer
        )
