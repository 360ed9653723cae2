"""Target profiles and renders."""

from contextlib import AbstractAsyncContextManager
from fractions import Fraction

import httpx

from cutroom_sdk.calls.media import ranged
from cutroom_sdk.connection import Connection
from cutroom_sdk.places import filled, given
from cutroom_sdk.wire.codec import seconds_text
from cutroom_sdk.wire.renders import Profile, Receipt, Render, RenderRequest


class RenderCalls(Connection):
    """Finished films, and those in the making."""

    async def profiles(self) -> list[Profile]:
        """Return all target profiles, in the order of the table."""
        return await self.few("/v1/profiles", Profile)

    async def renders(self) -> list[Render]:
        """Return all renders."""
        return await self.every("/v1/renders", Render)

    async def render(self, render_id: str) -> Render:
        """Return one render."""
        return await self.get(filled("/v1/renders/{render_id}", render_id), Render)

    def render_content(
        self, render_id: str, *, bytes_range: str | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Open the finished file; `bytes_range` is a part of it as HTTP has it: `0-499`, `-500` (the last 500)."""
        return self.opened(filled("/v1/renders/{render_id}/content", render_id), headers=ranged(bytes_range))

    def timeline_stream(
        self,
        timeline_id: str,
        *,
        start: Fraction | None = None,
        profile: str | None = None,
        version: int | None = None,
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Open a timeline as fragmented MP4 that is made while it is read, from `start` seconds on."""
        query = given(
            {"from": None if start is None else seconds_text(start), "profile": profile, "version": version}
        )
        return self.opened(filled("/v1/timelines/{id}/stream", timeline_id), params=query)

    async def render_receipt(self, render_id: str) -> Receipt:
        """Return what went into a finished film, what was done and what was checked."""
        return await self.get(filled("/v1/renders/{render_id}/receipt", render_id), Receipt)

    def render_captions(self, render_id: str, number: int) -> AbstractAsyncContextManager[httpx.Response]:
        """Open a file of captions that belongs beside a finished film: one of the render's `sidecars`, from 0."""
        return self.opened(filled("/v1/renders/{render_id}/captions/{number}", render_id, str(number)))

    async def ask_render(self, asked: RenderRequest, *, idempotency_key: str | None = None) -> Render:
        """Have a timeline rendered; return the job, which waits, or the same one as it stands."""
        return await self.post("/v1/renders", asked, Render, idempotency_key=idempotency_key)

    async def pause_render(self, render_id: str) -> Render:
        """End a render's work until it is resumed; what is finished of it is kept."""
        return await self.ask("POST", filled("/v1/renders/{render_id}/pause", render_id), Render)

    async def resume_render(self, render_id: str) -> Render:
        """Put a render that is paused, failed or canceled back into the queue."""
        return await self.ask("POST", filled("/v1/renders/{render_id}/resume", render_id), Render)

    async def cancel_render(self, render_id: str) -> Render:
        """End a render; what is finished of it is kept for the next time."""
        return await self.ask("POST", filled("/v1/renders/{render_id}/cancel", render_id), Render)
