# Made by `just specs` from cutroom_sdk/calls/routines.py; change that one.
"""Routines and their runs."""

from collections.abc import Generator
from typing import Any, Final

from cutroom_sdk.places import Query, conditions, filled, given
from cutroom_sdk.sse import SseMessage
from cutroom_sdk.sync.connection import Connection
from cutroom_sdk.wire.routines import (
    BackfillRequest,
    Routine,
    RoutineRequest,
    RoutineRun,
    RoutineRuns,
    RoutineTicks,
    RunNowRequest,
)

MERGE_PATCH: Final = "application/merge-patch+json"


class RoutineCalls(Connection):
    """Work that fires by itself."""

    def create_routine(self, asked: RoutineRequest, *, idempotency_key: str | None = None) -> Routine:
        """Create a routine, a draft."""
        return self.post("/v1/routines", asked, Routine, idempotency_key=idempotency_key)

    def routines(self) -> list[Routine]:
        """Return all routines, sorted by id."""
        return self.every("/v1/routines", Routine)

    def routine(self, routine_id: str) -> Routine:
        """Return one routine."""
        return self.get(filled("/v1/routines/{id}", routine_id), Routine)

    def change_routine(
        self,
        routine_id: str,
        change: dict[str, Any],
        *,
        if_match: int | None = None,
        idempotency_key: str | None = None,
    ) -> Routine:
        """Change a routine with a merge patch (RFC 7396) of what it was made with: None takes a field away."""
        headers = conditions(if_match=if_match, idempotency_key=idempotency_key)
        headers["Content-Type"] = MERGE_PATCH
        path = filled("/v1/routines/{id}", routine_id)
        return self.ask("PATCH", path, Routine, body=change, headers=headers)

    def delete_routine(
        self, routine_id: str, *, if_match: int | None = None, idempotency_key: str | None = None
    ) -> Routine:
        """Delete a routine and return it as it was; its runs that are alive go on."""
        headers = conditions(if_match=if_match, idempotency_key=idempotency_key)
        return self.ask("DELETE", filled("/v1/routines/{id}", routine_id), Routine, headers=headers)

    def activate_routine(self, routine_id: str, *, idempotency_key: str | None = None) -> Routine:
        """Have a draft fire by itself; takes a person's token."""
        return self._told("activate", routine_id, idempotency_key)

    def pause_routine(self, routine_id: str, *, idempotency_key: str | None = None) -> Routine:
        """Have it fire no more for now."""
        return self._told("pause", routine_id, idempotency_key)

    def resume_routine(self, routine_id: str, *, idempotency_key: str | None = None) -> Routine:
        """Have it fire again, from now on; takes a person's token."""
        return self._told("resume", routine_id, idempotency_key)

    def _told(self, what: str, routine_id: str, idempotency_key: str | None) -> Routine:
        headers = conditions(idempotency_key=idempotency_key)
        path = filled("/v1/routines/{id}/" + what, routine_id)
        return self.ask("POST", path, Routine, headers=headers)

    def run_routine(
        self, routine_id: str, *, count: int = 1, reason: str = "", idempotency_key: str | None = None
    ) -> list[RoutineRun]:
        """Fire an active routine now, so many times, and return the runs."""
        asked, path = (
            RunNowRequest(count=count, reason=reason),
            filled("/v1/routines/{id}/run-now", routine_id),
        )
        return list((self.post(path, asked, RoutineRuns, idempotency_key=idempotency_key)).runs)

    def backfill_routine(
        self, routine_id: str, from_ms: int, to_ms: int, *, idempotency_key: str | None = None
    ) -> list[RoutineRun]:
        """Fire the ticks of `[from_ms, to_ms)` that are over and did not fire, and return the runs."""
        asked = BackfillRequest(from_ms=from_ms, to_ms=to_ms)
        path = filled("/v1/routines/{id}/backfill", routine_id)
        return list((self.post(path, asked, RoutineRuns, idempotency_key=idempotency_key)).runs)

    def routine_next(self, routine_id: str, *, count: int = 10) -> list[int]:
        """Return when it comes due next, in milliseconds since 1970."""
        path = filled("/v1/routines/{id}/next", routine_id)
        return list((self.get(path, RoutineTicks, given({"count": count}))).items)

    def routine_history(self, routine_id: str) -> list[RoutineRun]:
        """Return its runs, the newest tick first."""
        return self.every(filled("/v1/routines/{id}/history", routine_id), RoutineRun)

    def routine_run(self, run_id: str) -> RoutineRun:
        """Return one run."""
        return self.get(filled("/v1/routine-runs/{id}", run_id), RoutineRun)

    def cancel_routine_run(self, run_id: str, *, idempotency_key: str | None = None) -> RoutineRun:
        """End a run, and its mission with it."""
        headers = conditions(idempotency_key=idempotency_key)
        path = filled("/v1/routine-runs/{id}/cancel", run_id)
        return self.ask("POST", path, RoutineRun, headers=headers)

    def routine_stream(
        self, after: int | None, *, routine_id: str | None = None
    ) -> Generator[SseMessage, None, None]:
        """Yield routines, runs and folders from a snapshot on (`after` None), or those that changed after a position."""
        asked: Query = {"snapshot": "1"} if after is None else {"after": str(after)}
        return self.stream("/v1/routines/events", asked | given({"routine_id": routine_id}))
