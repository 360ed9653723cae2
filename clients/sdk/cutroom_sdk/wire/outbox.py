"""Commands of the outbox: what the engine still has to do outside its log, or stopped doing."""

from typing import Final, Literal

import msgspec

from cutroom_sdk.wire.codec import Wire

CommandState = Literal["new", "pending", "attempted", "completed", "dead", "unknown", "canceled"]
UNFINISHED: Final[tuple[CommandState, ...]] = ("pending", "attempted", "dead", "unknown")


class OutboxCommand(Wire, frozen=True, kw_only=True):
    """The resource `outbox/{command_id}`, from when a command is enqueued until it is completed or canceled.

    `pending` waits for its turn, or until `not_before_ms`; `attempted` is being carried out; `dead` failed in a way that
    trying again does not mend, or too often; of `unknown` nobody can say whether it happened. The last two wait for a
    person. `type` and `data` say what is to be done, `stream` what asked for it. `attempts` counts the calls that were
    begun, `attempts_before` those of them before it was last redelivered. `error` is why the newest failed. `stopping`:
    somebody has canceled it while it was attempted.
    """

    command_id: str
    type: str = ""
    stream: str = ""
    actor: str = ""
    correlation_id: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    state: CommandState = "new"
    attempts: int = 0
    attempts_before: int = 0
    not_before_ms: int = 0
    error: str = ""
    stopping: bool = False
