"""What is remembered: put, found, moved between tiers, erased."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import httpx

from cutroom_sdk.connection import Connection
from cutroom_sdk.places import conditions, filled, given
from cutroom_sdk.wire.memory import (
    DemoteRequest,
    LowerTier,
    Memory,
    MemoryAuditEntry,
    MemoryCapability,
    MemoryCapabilityRequest,
    MemoryDeleted,
    MemoryEntry,
    MemoryHits,
    MemoryMoved,
    MemoryRequest,
    MemoryStored,
    PromoteRequest,
    SearchRequest,
    Tier,
    UpperTier,
)


class MemoryCalls(Connection):
    """Notes, facts and solutions that outlast the work they came from."""

    async def remember(self, asked: MemoryRequest, *, idempotency_key: str | None = None) -> MemoryStored:
        """Put something into memory; the answer says what was redacted."""
        return await self.post("/v1/memory", asked, MemoryStored, idempotency_key=idempotency_key)

    async def memories(
        self, *, tier: Tier | None = None, workspace: str | None = None, project: str | None = None
    ) -> list[Memory]:
        """Return what is remembered, sorted by id, without what it says."""
        wanted = given({"tier": tier, "workspace": workspace, "project": project})
        return await self.every("/v1/memory", Memory, wanted)

    async def memory(self, memory_id: str) -> MemoryEntry:
        """Return a memory and what it says."""
        return await self.get(filled("/v1/memory/{id}", memory_id), MemoryEntry)

    async def search_memory(
        self,
        query: str,
        *,
        tiers: Sequence[Tier] = (),
        workspace: str | None = None,
        project: str | None = None,
        limit: int = 20,
    ) -> MemoryHits:
        """Return what is found, the best first, and the tiers asked for that may not be read."""
        asked = SearchRequest(
            query=query, tiers=tuple(tiers), workspace=workspace, project=project, limit=limit
        )
        return await self.post("/v1/memory/search", asked, MemoryHits)

    async def promote_memory(
        self,
        memory_id: str,
        to_tier: UpperTier,
        *,
        approval_id: str | None = None,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> MemoryMoved:
        """Move a memory up. `blocked` with `review_required`: have the approval granted, then ask again with it."""
        asked = PromoteRequest(to_tier=to_tier, approval_id=approval_id, reason=reason)
        path = filled("/v1/memory/{id}/promote", memory_id)
        return await self.post(path, asked, MemoryMoved, idempotency_key=idempotency_key)

    async def demote_memory(
        self, memory_id: str, to_tier: LowerTier, *, reason: str = "", idempotency_key: str | None = None
    ) -> MemoryMoved:
        """Move a memory down."""
        path = filled("/v1/memory/{id}/demote", memory_id)
        asked = DemoteRequest(to_tier=to_tier, reason=reason)
        return await self.post(path, asked, MemoryMoved, idempotency_key=idempotency_key)

    async def forget(self, memory_id: str, *, idempotency_key: str | None = None) -> MemoryDeleted:
        """Erase a memory for good."""
        headers = conditions(idempotency_key=idempotency_key)
        path = filled("/v1/memory/{id}", memory_id)
        return await self.ask("DELETE", path, MemoryDeleted, headers=headers)

    async def memory_audit(self, *, after: int | None = None) -> list[MemoryAuditEntry]:
        """Return every attempt on memory, allowed or not, oldest first."""
        return await self.every("/v1/memory/audit", MemoryAuditEntry, given({"after": after}))

    async def grant_memory(
        self, asked: MemoryCapabilityRequest, *, idempotency_key: str | None = None
    ) -> MemoryCapability:
        """Return a signed token for memory alone, no wider than one's own, for a run or a helper."""
        return await self.post(
            "/v1/memory/capabilities", asked, MemoryCapability, idempotency_key=idempotency_key
        )

    def export_memory(self) -> AbstractAsyncContextManager[httpx.Response]:
        """Open all memories with their ciphertext, one a line (`wire.memory.SealedMemory`)."""
        return self.opened("/v1/memory/export")

    def export_memory_keys(self) -> AbstractAsyncContextManager[httpx.Response]:
        """Open the keys of that, one a line (`wire.memory.MemoryKey`): to be kept apart; takes a person's token."""
        return self.opened("/v1/memory/export/keys")
