# Made by `just specs` from cutroom_sdk/calls/timelines.py; change that one.
"""Timelines that the daemon keeps."""

from cutroom_sdk.places import filled, given
from cutroom_sdk.sync.connection import Connection
from cutroom_sdk.wire.timeline import Timeline
from cutroom_sdk.wire.timelines import StoredTimeline, TimelineHead, TimelineRequest


class TimelineCalls(Connection):
    """Timelines as they are, and as they were."""

    def create_timeline(self, timeline: Timeline, *, idempotency_key: str | None = None) -> StoredTimeline:
        """Keep a timeline under a new id, as its version 1."""
        asked = TimelineRequest(timeline=timeline)
        return self.post("/v1/timelines", asked, StoredTimeline, idempotency_key=idempotency_key)

    def timelines(self) -> list[TimelineHead]:
        """Return all timelines, oldest first, without the items of their tracks."""
        return self.every("/v1/timelines", TimelineHead)

    def timeline(
        self, timeline_id: str, *, version: int | None = None, at: int | None = None
    ) -> StoredTimeline:
        """Return a timeline whole: as it is, as it was at a version, or at a position of the log."""
        path = filled("/v1/timelines/{id}", timeline_id)
        return self.get(path, StoredTimeline, given({"version": version, "at": at}))
