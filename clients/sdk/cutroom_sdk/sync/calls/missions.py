# Made by `just specs` from cutroom_sdk/calls/missions.py; change that one.
"""Missions, their runs, notices, and runs that other programs report."""

from cutroom_sdk.places import filled, given
from cutroom_sdk.sync.connection import Connection
from cutroom_sdk.wire.mission_events import MissionEventAnswer, MissionEventRequest, PostedEvent
from cutroom_sdk.wire.missions import Mission, MissionPreview, MissionRequest, MissionTemplate
from cutroom_sdk.wire.notices import Notice
from cutroom_sdk.wire.runs import Run
from cutroom_sdk.wire.sessions import (
    SessionEventAnswer,
    SessionEventRequest,
    SessionReport,
    SessionRunStatus,
)


class MissionCalls(Connection):
    """Work that was asked for."""

    def mission_templates(self) -> list[MissionTemplate]:
        """Return the ready-made missions and the arguments that each takes."""
        return self.few("/v1/mission-templates", MissionTemplate)

    def create_mission(self, asked: MissionRequest, *, idempotency_key: str | None = None) -> Mission:
        """Create a mission; it begins at once when `asked.start`."""
        return self.post("/v1/missions", asked, Mission, idempotency_key=idempotency_key)

    def preview_mission(self, asked: MissionRequest, *, idempotency_key: str | None = None) -> MissionPreview:
        """Return what `create_mission` with the same request would make; nothing is made."""
        return self.post("/v1/missions/preview", asked, MissionPreview, idempotency_key=idempotency_key)

    def missions(self, *, status: str | None = None, key: str | None = None) -> list[Mission]:
        """Return missions, oldest first; `status` takes several, with commas; `key` is their metadata's."""
        return self.every("/v1/missions", Mission, given({"status": status, "key": key}))

    def mission(self, mission_id: str) -> Mission:
        """Return one mission."""
        return self.get(filled("/v1/missions/{id}", mission_id), Mission)

    def tell_mission(
        self,
        mission_id: str,
        event: PostedEvent,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Mission:
        """Post an event to a mission and return it as it is afterwards."""
        asked = MissionEventRequest(event=event, expected_version=expected_version)
        path = filled("/v1/missions/{id}/events", mission_id)
        return (self.post(path, asked, MissionEventAnswer, idempotency_key=idempotency_key)).mission

    def run(self, run_id: str) -> Run:
        """Return one run."""
        return self.get(filled("/v1/runs/{id}", run_id), Run)

    def notices(self) -> list[Notice]:
        """Return what the engine wants people to know and nobody has dismissed."""
        return self.every("/v1/notices", Notice)

    def dismiss_notice(self, notice_id: str, *, idempotency_key: str | None = None) -> Notice:
        """Say that somebody has seen to it; return the notice, which is then gone from the list."""
        path = filled("/v1/notices/{id}/dismiss", notice_id)
        return self.post(path, None, Notice, idempotency_key=idempotency_key)

    def report(
        self, session_id: str, event: SessionReport, *, idempotency_key: str | None = None
    ) -> SessionRunStatus | None:
        """Report what happened in a run of one's own; return the run's status, None while nothing counted."""
        asked, path = SessionEventRequest(event=event), filled("/v1/sessions/{id}/events", session_id)
        return (self.post(path, asked, SessionEventAnswer, idempotency_key=idempotency_key)).status
