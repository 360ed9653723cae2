# Made by `just specs` from cutroom_sdk/calls/outbox.py; change that one.
"""What the engine still has to do outside its log."""

from cutroom_sdk.places import filled, given
from cutroom_sdk.sync.connection import Connection
from cutroom_sdk.wire.outbox import OutboxCommand


class OutboxCalls(Connection):
    """Commands: seen until they are finished, tried again, dropped."""

    def outbox(self, *, state: str | None = None) -> list[OutboxCommand]:
        """Return the commands that are not finished, those of one state if it is named (`dead,unknown` for several)."""
        return self.every("/v1/outbox", OutboxCommand, given({"state": state}))

    def redeliver_command(self, command_id: str, *, idempotency_key: str | None = None) -> OutboxCommand:
        """Have a dead or unknown command tried again, with the same idempotency key; return it, pending.

        Raises:
            SdkError: `command_conflict`: it is neither.
        """
        return self.post(
            filled("/v1/outbox/{id}/redeliver", command_id),
            {},
            OutboxCommand,
            idempotency_key=idempotency_key,
        )

    def cancel_command(self, command_id: str, *, idempotency_key: str | None = None) -> OutboxCommand:
        """Have a command dropped; return it, canceled or `stopping`. What waits for it hears nothing.

        Raises:
            SdkError: `command_conflict`: it is over already.
        """
        return self.post(
            filled("/v1/outbox/{id}/cancel", command_id), {}, OutboxCommand, idempotency_key=idempotency_key
        )
