"""Puts every attempt on record, allowed or not: what was done with its own events, what was refused by itself."""

import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cutroom_sdk.wire.memory import Redaction, Tier
from engine.http.requests import identified, kernel
from engine.kernel.context import engine_context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Forbidden, StudioError
from engine.kernel.kernel import Kernel
from engine.memory.reducer import Memory, about_of
from engine.memory.reducer_audit import KIND, Entry, Note

WORD_MAX: Final = 64
_log = logging.getLogger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]


class Attempt:
    """What is known of an attempt so far; `noted` makes it the proposal that goes along with the deed."""

    def __init__(self, studio: Kernel, partition: str, actor: str, action: str) -> None:
        self._studio = studio
        self._partition = partition
        self.actor = actor
        self.action = action
        self.memory_id: str | None = None
        self.tier: Tier | None = None
        self.to_tier: Tier | None = None
        self.workspace: str | None = None
        self.project: str | None = None
        self.approval_id: str | None = None
        self.denied = False  # whatever the caller is told

    def about(self, tier: Tier | None, workspace: str | None, project: str | None) -> None:
        """Say what it is about."""
        self.tier, self.workspace, self.project = tier, workspace, project

    def found(self, memory: Memory) -> None:
        """Say which memory it is about; ids that nothing is under are not kept, they may be anything."""
        about = about_of(memory)
        self.memory_id = memory.memory_id
        self.about(memory.tier, about.workspace, about.project)

    def noted(
        self, status: str, reason: str = "", redactions: Sequence[Redaction] = (), items: int = 0
    ) -> Asked:
        """Return the proposal that puts it on record."""
        entry = Entry(
            actor=self.actor,
            action=self.action,
            status=status,
            reason=reason,
            memory_id=self.memory_id,
            tier=self.tier,
            to_tier=self.to_tier,
            workspace=self.workspace,
            project=self.project,
            approval_id=self.approval_id,
            redactions=tuple(redactions),
            items=items,
        )
        return note(entry, self._studio.clock.now_ms())

    async def record(self, status: str, reason: str = "", *, items: int = 0) -> None:
        """Put on record what changes nothing.

        Raises:
            Unavailable: it cannot be; what is not on record is not done.
        """
        asked = [self.noted(status, reason, items=items)]
        await self._studio.dispatch.propose_many(asked, engine_context("memory", partition=self._partition))

    async def refused(self, error: StudioError) -> None:
        """Put a refusal on record, by its stable word alone: its text may have come from outside."""
        denied = self.denied or isinstance(error, Forbidden)
        reason = getattr(error, "reason", error.code)[:WORD_MAX]
        try:
            await self.record("denied" if denied else "failed", reason)
        except StudioError as full:
            # The refusal stands, and nothing was given away.
            _log.warning("the audit of memory lost a refusal (%s %s): %s", self.action, reason, full.detail)


def note(entry: Entry, at_ms: int) -> Asked:
    """Return the proposal that puts an entry on record in the stream of its day (UTC)."""
    day = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d")
    return Asked(f"{KIND}/{day}", Note(entry=entry))


def audited(action: str) -> Callable[[Endpoint], Endpoint]:
    """Have a route's attempts put on record. What succeeds the route notes itself, together with the deed."""

    def marked(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        async def recorded(request: Request) -> Response:
            context = identified(request)
            attempt = Attempt(kernel(request), context.partition, context.actor, action)
            request.state.attempt = attempt
            try:
                return await endpoint(request)
            except StudioError as refusal:
                await attempt.refused(refusal)
                raise

        return recorded

    return marked


def attempt_of(request: Request) -> Attempt:
    """Return the attempt that a request is."""
    attempt: Attempt = request.state.attempt
    return attempt
