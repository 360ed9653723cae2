"""Who asks, on whose behalf, and what led to it: carried from the border to the log."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from engine.kernel.fold import Accepted

DEFAULT_PARTITION = "local/dev"
OPERATORS_TENANT = DEFAULT_PARTITION.partition("/")[0]
KEPT_MS = 24 * 3600 * 1000  # how long an idempotency key and its answer are kept


class Answer(NamedTuple):
    """An answer as it is kept: its status, and its headers and content as bytes that mean nothing here."""

    status: int
    headers: bytes
    content: bytes


class Claim(Struct, frozen=True, kw_only=True):
    """A request's idempotency key, claimed in the commit of its effect. Keys belong to an actor of a partition.

    `answer` tells from what was accepted what the request is answered with, None where that does not follow from it. It
    is pure: the committer calls it and keeps the answer in the same commit.
    """

    actor: str
    key: str
    request_hash: str
    answer: "Callable[[Sequence[Accepted]], Answer | None] | None" = None


class Context(Struct, frozen=True, kw_only=True):
    """The circumstances of a proposal.

    `partition` is `tenant/env`: nothing crosses it. `capabilities` are what the caller may do; `"*"` is everything.
    `correlation_id` is shared by all that one request led to, `causation_id` names the direct cause. `token_id` names the
    token that was shown, empty for the engine itself; it ends at `expires_at_ms`, None: not by itself.
    """

    actor: str
    partition: str = DEFAULT_PARTITION
    human: bool = False
    capabilities: frozenset[str] = frozenset()
    correlation_id: str = ""
    causation_id: str = ""
    claim: Claim | None = None
    token_id: str = ""
    expires_at_ms: int | None = None

    def may(self, capability: str) -> bool:
        """Tell whether the caller holds `capability` (`area:action`), itself, `area:*` or `*`."""
        area = capability.partition(":")[0]
        return not self.capabilities.isdisjoint((capability, f"{area}:*", "*"))

    @property
    def has_files(self) -> bool:
        """Whether files of this machine may be named by path: they are the operator's, not those of other tenants."""
        return self.partition.partition("/")[0] == OPERATORS_TENANT

    @property
    def is_engine(self) -> bool:
        """Whether the engine itself acts, and nobody with a token. No token is given a name that begins so."""
        return self.actor.startswith("engine:")


def engine_context(
    name: str, *, partition: str = DEFAULT_PARTITION, correlation_id: str = "", causation_id: str = ""
) -> Context:
    """Return the context in which the engine itself acts, as `engine:{name}`."""
    return Context(
        actor=f"engine:{name}",
        partition=partition,
        capabilities=frozenset({"*"}),
        correlation_id=correlation_id,
        causation_id=causation_id,
    )
