"""What is remembered, put together: sealing, scrubbing, the search that follows the log, and erasing."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, NamedTuple

import msgspec

from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.memory import Memory as WireMemory
from cutroom_sdk.wire.memory import MemoryDocument, MemoryHit, MemoryHits, Redaction, SearchRequest, Tier
from engine.kernel.context import Context
from engine.kernel.dispatch import Told
from engine.kernel.errors import NotFound, StudioError
from engine.kernel.ids import kind_of
from engine.kernel.kernel import Kernel
from engine.memory import ranking, scrub
from engine.memory.capabilities import Capabilities
from engine.memory.embedding import Embedder
from engine.memory.index import Entry, Index, Scope, words_of
from engine.memory.keys import Keys
from engine.memory.reducer import KIND, TIERS, Memory, about_of, above
from engine.memory.rights import LOWER, Rights
from engine.memory.sealing import Sealer

Contacts = Literal["never", "shared", "always"]
PATIENCE_S: Final = 5.0
_log = logging.getLogger(__name__)
_VAULT_MARK: Final = "[secret "


class Clean(NamedTuple):
    """A document without secrets, and what was taken out of it; `empty`: nothing is left that says anything."""

    document: MemoryDocument
    redactions: tuple[Redaction, ...]
    empty: bool


class Shelf:
    """The memories of one daemon. `contacts` says when addresses and numbers are taken out as secrets are."""

    def __init__(
        self,
        kernel: Kernel,
        keys: Keys,
        index: Index,
        *,
        contacts: Contacts = "shared",
        embedder: Embedder | None = None,
    ) -> None:
        self._kernel = kernel
        self.keys = keys
        self._index = index
        self._contacts = contacts
        self.embedder = embedder
        self.sealer = Sealer(keys, kernel.blobs)
        self.capabilities = Capabilities(keys.signing_key(), kernel.clock)
        self._changed: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._indexing = asyncio.Lock()
        kernel.dispatch.listen(self._heard)

    async def state(self, context: Context, memory_id: str) -> Memory:
        """Return a memory that is there.

        Raises:
            NotFound: `memory_not_found`.
        """
        memory: Memory = (await self._kernel.dispatch.state(f"{KIND}/{memory_id}", context.partition))[0]
        about_of(memory)
        return memory

    async def open(self, context: Context, memory: Memory) -> MemoryDocument:
        """Return what a memory says.

        Raises:
            NotFound: `memory_unreadable`.
        """
        return await self.sealer.open(context.partition, memory.memory_id, memory.content_hash)

    async def clean(self, context: Context, document: MemoryDocument, tier: Tier) -> Clean:
        """Return a document as it may lie in a tier: without secrets, and those of the vault by their names."""
        shared = self._contacts == "shared" and above(tier, "project")
        contacts = shared or self._contacts == "always"
        plain = to_builtins(document)
        named = self._kernel.vault.redacted(plain, context.partition)
        found = await asyncio.to_thread(scrub.scrub, named, contacts=contacts)
        known = _marks(named) - _marks(plain)
        redactions = found.redactions
        if known > 0:
            redactions = (*redactions, Redaction(kind="vault_secret", count=known))
        return Clean(convert(found.value, MemoryDocument), redactions, _is_empty(found.value))

    async def search(self, context: Context, rights: Rights, asked: SearchRequest) -> MemoryHits:
        """Return what is found where the caller may read; tiers that they may not are named.

        Raises:
            Invalid: the query has no word.
        """
        await self.caught_up()
        workspace = asked.workspace or rights.workspace
        project = asked.project or rights.project
        tiers = asked.tiers or TIERS
        allowed = [tier for tier in TIERS if tier in tiers and rights.sees(tier, workspace, project)]
        blocked = tuple(tier for tier in TIERS if tier in tiers and tier not in allowed)
        scopes = [_scope(tier, workspace, project) for tier in allowed]
        candidates = await self._index.find(context.partition, asked.query, scopes)
        vector = await self.embedder.vector(asked.query) if self.embedder else None
        ranked = ranking.rank(
            candidates, self._kernel.clock.now_ms(), vector, self.embedder.name if self.embedder else None
        )
        hits = [await self._hit(context, rights, asked.query, one) for one in ranked[: asked.limit]]
        found = [hit for hit in hits if hit is not None]
        return MemoryHits(
            items=tuple(sorted(found, key=lambda hit: (-hit.score, hit.memory_id))), blocked_scopes=blocked
        )

    async def _hit(
        self, context: Context, rights: Rights, query: str, ranked: ranking.Ranked
    ) -> MemoryHit | None:
        """Return one thing found; None: it is not there any more, or not as the index has it."""
        one = ranked.candidate
        try:
            memory = await self.state(context, one.memory_id)
            document = await self.open(context, memory)
        except NotFound:
            return None
        about = about_of(memory)
        if not rights.sees(memory.tier, about.workspace, about.project) or memory.tier != one.tier:
            return None
        return MemoryHit(
            memory_id=memory.memory_id,
            text=words_of(document),
            tier=memory.tier,
            kind=about.kind,
            score=round(min(1.0, ranked.score + ranking.tag_score(query, document.tags)), 6),
            workspace=about.workspace,
            project=about.project,
            tags=document.tags,
        )

    async def caught_up(self) -> None:
        """Wait until the search knows all that was on record when this was called; some seconds at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._changed.join()

    def _heard(self, told: Told) -> None:
        for change in told.changes:
            if kind_of(change.key) == KIND:
                self._changed.put_nowait((change.partition, change.key.partition("/")[2]))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Close the files when the block is over: around the kernel, whose effects use them to the last."""
        try:
            yield
        finally:
            self._index.close()
            self.keys.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have the search follow the log for as long as the block lasts; the kernel runs."""
        await self.recover()
        task = asyncio.create_task(self._follow(), name="memory index")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            partition, memory_id = await self._changed.get()
            try:
                await self.bring_up(partition, memory_id)
            except Exception:
                # The next start compares all of it; until then this one is not found, or found as it was.
                _log.exception("the memory %s could not be brought into the search", memory_id)
            finally:
                self._changed.task_done()

    async def bring_up(self, partition: str, memory_id: str) -> None:
        """Bring what the search knows of a memory up to the log, whatever it knew."""
        async with self._indexing:
            memory = await self._kernel.resources.value(f"{KIND}/{memory_id}", WireMemory, partition)
            if memory is None:
                await self._index.drop([(partition, memory_id)])
            else:
                await self._take_in(partition, memory)

    async def _take_in(self, partition: str, memory: WireMemory) -> None:
        try:
            document = await self.sealer.open(partition, memory.memory_id, memory.content_hash)
        except NotFound as error:
            _log.warning("%s", error.detail)
            await self._index.drop([(partition, memory.memory_id)])
            return
        embedder = self.embedder
        vector = await embedder.vector(words_of(document)) if embedder else None
        await self._index.put(partition, Entry(memory, document, vector, embedder.name if embedder else None))

    async def recover(self) -> None:
        """Compare the keys and the search with the log, and mend what a crash, or a restored backup, has left."""
        for kept in await self.keys.all(settled=False):
            state: Memory = (await self._kernel.dispatch.state(f"{KIND}/{kept.memory_id}", kept.partition))[0]
            if state.content_hash == kept.content_hash and state.status == "stored":
                await self.keys.settle(kept.content_hash)
            else:
                await self.sealer.destroy(kept.content_hash)
        known, model = await self._index.known(), self.embedder.name if self.embedder else None
        there: set[tuple[str, str]] = set()
        for partition, record in await self._kernel.resources.everything(KIND):
            memory = msgspec.json.decode(record.value, type=WireMemory)
            there.add((partition, memory.memory_id))
            if known.get((partition, memory.memory_id)) != (memory.content_hash, memory.tier, model):
                await self._take_in(partition, memory)
        if stray := [key for key in known if key not in there]:
            await self._index.drop(stray)

    async def differences(self) -> list[str]:
        """Return how the search differs from the log and the ciphertext: nothing, when it is sound."""
        await self.caught_up()
        known, found = await self._index.known(), list[str]()
        if fault := await self._index.check():
            found.append(fault)
        for partition, record in await self._kernel.resources.everything(KIND):
            memory = msgspec.json.decode(record.value, type=WireMemory)
            told = known.pop((partition, memory.memory_id), None)
            if told is None or told[:2] != (memory.content_hash, memory.tier):
                found.append(f"{memory.memory_id} is {'not there' if told is None else 'as it was'}")
        return [*found, *(f"{memory_id} is there and ought not to be" for _, memory_id in known)]

    async def discard(self, content_hash: str) -> None:
        """Be rid of a sealed document that was refused; when that fails the next start does it."""
        with contextlib.suppress(StudioError):
            await self.sealer.destroy(content_hash)


def _scope(tier: Tier, workspace: str | None, project: str | None) -> Scope:
    return Scope(tier, None if tier == "curated" else workspace, project if tier in LOWER else None)


def _marks(value: Any) -> int:
    match value:
        case str():
            return value.count(_VAULT_MARK)
        case dict():
            return sum(map(_marks, value.values()))
        case list() | tuple():
            return sum(map(_marks, value))
        case _:
            return 0


def _is_empty(document: dict[str, Any]) -> bool:
    """Tell whether a document says nothing: its text, or what its capsule tells, has no word left."""
    capsule = document.get("capsule") or {}
    said: Sequence[str] = (document["text"], capsule.get("problem", ""), capsule.get("approach", ""))
    return not any(scrub.says_something(one) for one in said)
