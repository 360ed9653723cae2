"""Timelines that the daemon keeps."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from fractions import Fraction

import httpx

from cutroom_sdk.connection import Connection
from cutroom_sdk.places import filled, given
from cutroom_sdk.wire.catalogue import CatalogueEntry
from cutroom_sdk.wire.codec import seconds_text
from cutroom_sdk.wire.interchange import Format, TimelineExport, TimelineImport, TimelineImportRequest
from cutroom_sdk.wire.operations import TimelineOperation
from cutroom_sdk.wire.plans import Plan
from cutroom_sdk.wire.timeline import Timeline
from cutroom_sdk.wire.timelines import (
    ForkRequest,
    OperationsRequest,
    StoredTimeline,
    TimelineHead,
    TimelineRequest,
    UndoRequest,
)


class TimelineCalls(Connection):
    """Timelines as they are, and as they were; and what their clips can wear."""

    async def effects(self) -> list[CatalogueEntry]:
        """Return the catalogue: effects, transitions, generators and what sound wears."""
        return await self.few("/v1/effects", CatalogueEntry)

    async def create_timeline(
        self, timeline: Timeline, *, idempotency_key: str | None = None
    ) -> StoredTimeline:
        """Keep a timeline under a new id, as its version 1."""
        asked = TimelineRequest(timeline=timeline)
        return await self.post("/v1/timelines", asked, StoredTimeline, idempotency_key=idempotency_key)

    async def timelines(self) -> list[TimelineHead]:
        """Return all timelines, oldest first, without the items of their tracks."""
        return await self.every("/v1/timelines", TimelineHead)

    async def timeline(
        self, timeline_id: str, *, version: int | None = None, at: int | None = None
    ) -> StoredTimeline:
        """Return a timeline whole: as it is, as it was at a version, or at a position of the log."""
        path = filled("/v1/timelines/{id}", timeline_id)
        return await self.get(path, StoredTimeline, given({"version": version, "at": at}))

    async def edit_timeline(
        self,
        timeline_id: str,
        operations: Sequence[TimelineOperation],
        expected_version: int,
        *,
        idempotency_key: str | None = None,
    ) -> TimelineHead:
        """Carry operations out, all of them or none, on the version that they are meant for."""
        asked = OperationsRequest(operations=tuple(operations), expected_version=expected_version)
        path = filled("/v1/timelines/{id}/operations", timeline_id)
        return await self.post(path, asked, TimelineHead, idempotency_key=idempotency_key)

    async def undo_timeline(
        self, timeline_id: str, *, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TimelineHead:
        """Take back the caller's own newest edit that stands."""
        asked = UndoRequest(expected_version=expected_version)
        path = filled("/v1/timelines/{id}/undo", timeline_id)
        return await self.post(path, asked, TimelineHead, idempotency_key=idempotency_key)

    async def redo_timeline(
        self, timeline_id: str, *, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TimelineHead:
        """Do again what the caller undid last."""
        asked = UndoRequest(expected_version=expected_version)
        path = filled("/v1/timelines/{id}/redo", timeline_id)
        return await self.post(path, asked, TimelineHead, idempotency_key=idempotency_key)

    async def fork_timeline(
        self,
        timeline_id: str,
        *,
        version: int | None = None,
        name: str | None = None,
        idempotency_key: str | None = None,
    ) -> StoredTimeline:
        """Begin a new timeline as this one was at a version, or is."""
        asked = ForkRequest(version=version, name=name)
        path = filled("/v1/timelines/{id}/fork", timeline_id)
        return await self.post(path, asked, StoredTimeline, idempotency_key=idempotency_key)

    async def timeline_plan(
        self, timeline_id: str, *, profile: str | None = None, version: int | None = None
    ) -> Plan:
        """Return what a render of a timeline would do; nothing is done."""
        path = filled("/v1/timelines/{id}/plan", timeline_id)
        return await self.get(path, Plan, given({"profile": profile, "version": version}))

    def timeline_frame(
        self,
        timeline_id: str,
        *,
        at: Fraction | None = None,
        frame: int | None = None,
        format: str | None = None,
        profile: str | None = None,
        quality: str | None = None,
        version: int | None = None,
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Open one frame of a timeline as an export has it, by its seconds or its number: a PNG, or a JPEG.

        `quality="draft"`: the same frame, no larger than a draft, from proxies.
        """
        asked = given(
            {
                "at": None if at is None else seconds_text(at),
                "frame": frame,
                "format": format,
                "profile": profile,
                "quality": quality,
                "version": version,
            }
        )
        return self.opened(filled("/v1/timelines/{id}/frame", timeline_id), params=asked)

    async def export_timeline(
        self, timeline_id: str, format: Format, *, version: int | None = None
    ) -> TimelineExport:
        """Return a timeline as a file of another program, and what the file does not say."""
        path = filled("/v1/timelines/{id}/export", timeline_id)
        return await self.get(path, TimelineExport, given({"format": format, "version": version}))

    async def import_timeline(
        self, asked: TimelineImportRequest, *, idempotency_key: str | None = None
    ) -> TimelineImport:
        """Keep what a file of another program says as a new timeline."""
        return await self.post("/v1/timelines/import", asked, TimelineImport, idempotency_key=idempotency_key)
