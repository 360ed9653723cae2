"""Routines and their runs."""

from collections.abc import AsyncGenerator
from typing import Any, Final

from cutroom_sdk.connection import Connection
from cutroom_sdk.places import Query, conditions, filled, given
from cutroom_sdk.sse import SseMessage
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

    async def create_routine(self, asked: RoutineRequest, *, idempotency_key: str | None = None) -> Routine:
        """Create a routine, a draft."""
        return await self.post("/v1/routines", asked, Routine, idempotency_key=idempotency_key)

    async def routines(self) -> list[Routine]:
        """Return all routines, sorted by id."""
        return await self.every("/v1/routines", Routine)

    async def routine(self, routine_id: str) -> Routine:
        """Return one routine."""
        return await self.get(filled("/v1/routines/{id}", routine_id), Routine)

    async def change_routine(
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
        return await self.ask("PATCH", path, Routine, body=change, headers=headers)

    async def delete_routine(
        self, routine_id: str, *, if_match: int | None = None, idempotency_key: str | None = None
    ) -> Routine:
        """Delete a routine and return it as it was; its runs that are alive go on."""
        headers = conditions(if_match=if_match, idempotency_key=idempotency_key)
        return await self.ask("DELETE", filled("/v1/routines/{id}", routine_id), Routine, headers=headers)

    async def activate_routine(self, routine_id: str, *, idempotency_key: str | None = None) -> Routine:
        """Have a draft fire by itself; takes a person's token."""
        return await self._told("activate", routine_id, idempotency_key)

    async def pause_routine(self, routine_id: str, *, idempotency_key: str | None = None) -> Routine:
        """Have it fire no more for now."""
        return await self._told("pause", routine_id, idempotency_key)

    async def resume_routine(self, routine_id: str, *, idempotency_key: str | None = None) -> Routine:
        """Have it fire again, from now on; takes a person's token."""
        return await self._told("resume", routine_id, idempotency_key)

    async def _told(self, what: str, routine_id: str, idempotency_key: str | None) -> Routine:
        headers = conditions(idempotency_key=idempotency_key)
        path = filled("/v1/routines/{id}/" + what, routine_id)
        return await self.ask("POST", path, Routine, headers=headers)

    async def run_routine(
        self, routine_id: str, *, count: int = 1, reason: str = "", idempotency_key: str | None = None
    ) -> list[RoutineRun]:
        """Fire an active routine now, so many times, and return the runs."""
        asked, path = (
            RunNowRequest(count=count, reason=reason),
            filled("/v1/routines/{id}/run-now", routine_id),
        )
        return list((await self.post(path, asked, RoutineRuns, idempotency_key=idempotency_key)).runs)

    async def backfill_routine(
        self, routine_id: str, from_ms: int, to_ms: int, *, idempotency_key: str | None = None
    ) -> list[RoutineRun]:
        """Fire the ticks of `[from_ms, to_ms)` that are over and did not fire, and return the runs."""
        asked = BackfillRequest(from_ms=from_ms, to_ms=to_ms)
        path = filled("/v1/routines/{id}/backfill", routine_id)
        return list((await self.post(path, asked, RoutineRuns, idempotency_key=idempotency_key)).runs)

    async def routine_next(self, routine_id: str, *, count: int = 10) -> list[int]:
        """Return when it comes due next, in milliseconds since 1970."""
        path = filled("/v1/routines/{id}/next", routine_id)
        return list((await self.get(path, RoutineTicks, given({"count": count}))).items)

    async def routine_history(self, routine_id: str) -> list[RoutineRun]:
        """Return its runs, the newest tick first."""
        return await self.every(filled("/v1/routines/{id}/history", routine_id), RoutineRun)

    async def routine_run(self, run_id: str) -> RoutineRun:
        """Return one run."""
        return await self.get(filled("/v1/routine-runs/{id}", run_id), RoutineRun)

    async def cancel_routine_run(self, run_id: str, *, idempotency_key: str | None = None) -> RoutineRun:
        """End a run, and its mission with it."""
        headers = conditions(idempotency_key=idempotency_key)
        path = filled("/v1/routine-runs/{id}/cancel", run_id)
        return await self.ask("POST", path, RoutineRun, headers=headers)

    def routine_stream(
        self, after: int | None, *, routine_id: str | None = None
    ) -> AsyncGenerator[SseMessage, None]:
        """Yield routines, runs and folders from a snapshot on (`after` None), or those that changed after a position."""
        asked: Query = {"snapshot": "1"} if after is None else {"after": str(after)}
        return self.stream("/v1/routines/events", asked | given({"routine_id": routine_id}))
