"""The records that are read again and again, as they were committed last: answered without a look at the database.

A record comes in when somebody reads it and is kept up to date by what commits tell. Two things keep it from ever being
older than what another reader has seen: a record that is being written is not answered from here, for the commit may be on
disk before it is told; and a read that a commit has overtaken leaves nothing behind.
"""

from typing import Final

from engine.kernel.changes import Change
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.dispatch import Dispatch, Told
from engine.kernel.heads import Bounded
from engine.kernel.resources import Record, Store

RECORDS: Final = 8192
RECORDS_BYTES: Final = 16 << 20


class Kept:
    """A record, and what a reader has made of it to answer the next one with; that goes when the record does."""

    __slots__ = ("made", "record")

    def __init__(self, record: Record) -> None:
        self.record = record
        self.made: bytes | None = None


class Latest:
    """The newest state of the keys that were read last."""

    def __init__(self, store: Store, dispatch: Dispatch) -> None:
        self._store = store
        self._dispatch = dispatch
        self._kept: Bounded[Kept] = Bounded(RECORDS, RECORDS_BYTES, lambda kept: len(kept.record.value))
        self._reading: dict[tuple[str, str], object] = {}
        dispatch.listen(self._hear)

    def get(self, key: str, partition: str) -> Kept | None:
        """Return what is known of a record; None: `record` has to look, be it there or not."""
        at = (partition, key)
        return None if at in self._dispatch.committing else self._kept.get(at)

    async def record(self, key: str, partition: str = DEFAULT_PARTITION) -> Record | None:
        """Return the record, or None when there is none or it is deleted."""
        if (kept := self.get(key, partition)) is not None:
            return kept.record
        at, mine = (partition, key), object()
        self._reading[at] = mine
        try:
            record = await self._store.record(key, partition)
        finally:
            alone = self._reading.get(at) is mine
            if alone:
                del self._reading[at]
        if alone and record is not None and at not in self._dispatch.committing:
            self._kept.put(at, Kept(record))
        return record

    def _hear(self, told: Told) -> None:
        for change in told.changes:
            at = (change.partition, change.key)
            self._reading.pop(at, None)
            if self._kept.get(at) is None:
                continue
            if change.value is None:
                self._kept.drop(at)
            else:
                self._kept.put(at, Kept(_record(change, change.value)))


def _record(change: Change, value: bytes) -> Record:
    return Record(
        key=change.key,
        value=value,
        rev=change.rev,
        position=change.position,
        updated_at_ms=change.updated_at_ms,
        updated_by=change.updated_by,
        ttl_ms=change.ttl_ms,
        expires_at_ms=change.expires_at_ms,
    )
