"""Which encoder makes a film's pictures: the processor's, a named one, or the first of this machine's hardware that opens."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.renders import Profile
from engine.kernel.context import Context
from engine.kernel.errors import Invalid
from engine.media.pool import Pool
from engine.rendering.encoders import HARDWARE
from engine.rendering.making import WORKER
from engine.rendering.work import EncodersFound, EncoderTrial

TRIAL_LIMIT_S: Final = 60.0


@dataclass
class EncoderChoice:
    """The encoders of one machine. `pool` tries them, once; `named` stands for that of profiles, "": it does not."""

    pool: Pool
    named: str = ""
    _trial: asyncio.Lock = field(default_factory=asyncio.Lock)
    _refusals: dict[str, str] | None = None

    async def settled(self, profile: Profile, context: Context) -> tuple[Profile, tuple[str, ...]]:
        """Return a profile with its encoder settled, and what is to be said about that.

        Raises:
            Invalid: an encoder that was named does not open here.
        """
        asked = self.named or profile.encoder
        if profile.codec != "h264" or asked == "cpu":
            return replace(profile, encoder="cpu"), ()
        refusals = await self._tried(context)
        if asked != "auto":
            if why := refusals.get(asked, "it is not known"):
                raise Invalid(f"the encoder {asked} cannot be used: {why}", field="encoder")
            return replace(profile, encoder=asked), (f"encoder {asked}: it was asked for, and opens",)
        for name, why in refusals.items():
            if not why:
                return replace(profile, encoder=name), (
                    f"encoder {name}: the first of this machine that opens",
                )
        told = "; ".join(f"{name}: {why}" for name, why in refusals.items())
        return replace(profile, encoder="cpu"), (f"encoder libx264: no hardware can be used ({told})",)

    async def _tried(self, context: Context) -> dict[str, str]:
        async with self._trial:
            if self._refusals is None:
                found = await self.pool.run(
                    f"{WORKER}:try_encoders",
                    EncoderTrial(names=HARDWARE),
                    EncodersFound,
                    limit_s=TRIAL_LIMIT_S,
                    tenant=context.partition,
                )
                self._refusals = found.refusals
            return self._refusals
