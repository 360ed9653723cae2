"""Missions and artifacts: how a mission came to its end is kept as an artifact."""

from functools import partial
from typing import Final

from cutroom_sdk.wire.codec import encode, to_builtins
from cutroom_sdk.wire.media import Artifact
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.media import reducer as media
from engine.missions import types as missions
from engine.missions.commands import PersistArtifact
from engine.missions.views import summary_key

DATA_MAX: Final = 200_000  # bytes of JSON that an artifact carries itself; more lies in a blob


async def persist(kernel: Kernel, command: PersistArtifact, effect: Effect) -> None:
    """Keep a succeeded mission's summary: what was done, when, by whose leave, and the files with their hashes."""
    stream = f"mission/{command.mission_id}"
    mission: missions.Mission = (await kernel.dispatch.state(stream, effect.context.partition))[0]
    assert mission.summary is not None, "it is asked for when the mission has succeeded"
    key, content = summary_key(command.mission_id), encode(mission.summary)
    large = len(content) > DATA_MAX
    artifact = Artifact(
        artifact_id=key[:32],
        asset_id="",
        kind=command.kind,
        schema=1,
        cache_key=key,
        params={"mission_id": command.mission_id},
        backend="missions",
        backend_version="1",
        data=None if large else to_builtins(mission.summary),
        data_blob=kernel.blobs.put(content) if large else None,
    )
    await effect.propose(f"artifact/{artifact.artifact_id}", media.Record(artifact=artifact))


def register(kernel: Kernel) -> None:
    """Carry out what missions ask to have kept."""
    kernel.outbox.handle(PersistArtifact, partial(persist, kernel))
