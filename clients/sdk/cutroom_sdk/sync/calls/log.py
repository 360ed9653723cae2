# Made by `just specs` from cutroom_sdk/calls/log.py; change that one.
"""The log: read, followed, proved, copied."""

import contextlib
from collections.abc import Generator
from contextlib import AbstractContextManager

import httpx

from cutroom_sdk.places import Query, given
from cutroom_sdk.sync.connection import READING_S, Connection, read
from cutroom_sdk.wire.log import CompactedLog, CompactRequest, LogProof, ReplayProof
from cutroom_sdk.wire.resources import EventPage, EventRecord
from cutroom_sdk.wire.tokens import AuditEntry


class LogCalls(Connection):
    """What happened, oldest first."""

    def log(
        self,
        *,
        after: int | None = None,
        limit: int = 100,
        stream: str | None = None,
        kind: str | None = None,
    ) -> EventPage:
        """Return a page of the log after a position (None: from where it begins), oldest first."""
        asked = given({"after": after, "limit": limit, "stream": stream, "type": kind})
        return self.get("/v1/log", EventPage, asked)

    def follow_log(
        self, after: int, *, stream: str | None = None, kind: str | None = None
    ) -> Generator[EventRecord, None, None]:
        """Yield the events after a position, then what comes.

        Raises:
            Unreachable: the stream broke; go on after the last event's position.
        """
        asked: Query = {**given({"after": after, "stream": stream, "type": kind})}
        with contextlib.closing(self.stream("/v1/log/events", asked)) as messages:
            for message in messages:
                if message.event not in ("ready", "bookmark"):
                    yield read(message.data, EventRecord)

    def prove_log(self) -> LogProof:
        """Return whether the log is what was written; reads all of it."""
        return self.ask("GET", "/v1/log/verify", LogProof, timeout_s=READING_S)

    def check_replay(self) -> ReplayProof:
        """Return whether what is published is what the log comes to; folds all of it."""
        return self.ask("GET", "/v1/log/replay", ReplayProof, timeout_s=READING_S)

    def compact_log(self, *, before: int | None = None, before_at_ms: int | None = None) -> CompactedLog:
        """Replace the events before a position, or before a time, by a checkpoint; reads and folds all that is to go."""
        asked = CompactRequest(before=before, before_at_ms=before_at_ms)
        return self.ask("POST", "/v1/log/compact", CompactedLog, body=asked, timeout_s=READING_S)

    def export_log(self, after: int = 0) -> AbstractContextManager[httpx.Response]:
        """Open the events after a position with their hashes, one a line (`wire.log.LogLine`), up to the head."""
        return self.opened("/v1/log/export", given({"after": after}))

    def backup(self) -> AbstractContextManager[httpx.Response]:
        """Open a copy of the database of one moment; the headers `Cutroom-Position` and `Cutroom-SHA256` say of what."""
        return self.opened("/v1/log/backup")

    def audit(self, *, after: int | None = None) -> list[AuditEntry]:
        """Return who was refused what and who administered the engine, oldest first."""
        return self.every("/v1/audit", AuditEntry, given({"after": after}))
