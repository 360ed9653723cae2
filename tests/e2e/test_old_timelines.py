"""Timelines in a log that an older version wrote, with values that nobody may ask for any more: each is mended, and said.

The log is written here as JSON, event by event, as it would have been exported then: fields that came later are not
there, one that is gone is. A daemon takes it in, shows it as it was kept, and renders what today's rules make of it.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cutroom_sdk.client import Client
from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.renders import Render, RenderRequest
from cutroom_sdk.wire.timeline import Clip, Effect
from engine.kernel.blobs import hash_file
from engine.kernel.chain import START, link
from engine.kernel.context import DEFAULT_PARTITION
from tests.clips import Sound, make_clip, read_numbers
from tests.daemons import Daemon

ODD = {
    "stops was 99: 5 is taken": [{"name": "exposure", "parameters": {"stops": 99.0}}],
    "shine": [{"name": "exposure", "parameters": {"stops": 0.0, "shine": 1.0}}],
    "nothing is called 'sepia_1999' any more": [{"name": "sepia_1999"}],
    "mask.x was 3: 1 is taken": [{"name": "exposure", "mask": {"shape": "ellipse", "x": 3.0}}],
    "keyframes out of order": [
        {"name": "exposure", "parameters": {"stops": [{"at": "1", "value": 0}, {"at": "0", "value": 0}]}}
    ],
}


def clip(asset_id: str, name: str, first: int, frames: int, **more: Any) -> dict[str, Any]:
    """A clip as the first versions kept it: without what came later, with a field that is gone."""
    span = {"start": f"{first}/25", "duration": f"{frames}/25"}
    media = {"type": "asset", "asset_id": asset_id}
    return {"type": "clip", "id": name, "media": media, "source_range": span, "hue": 7, **more}


def old_timeline(asset_id: str) -> dict[str, Any]:
    clips: list[dict[str, Any]] = [
        clip(asset_id, f"odd-{number}", 20 * number, 10, effects=effects)
        for number, effects in enumerate(ODD.values())
    ]
    sparkle = {"type": "transition", "kind": "sparkle", "in_offset": "1/5", "out_offset": "1/5"}
    hologram = {**clip(asset_id, "gone", 0, 10), "media": {"type": "generator", "kind": "hologram"}}
    last = clip(asset_id, "last", 120, 10)
    picture = {"kind": "video", "name": "V1", "items": [*clips, sparkle, last, hologram]}
    heard = {"kind": "audio", "name": "A1", "items": [clip(asset_id, "heard", 0, 70)], "gain_db": 300.0}
    size = {"rate": "25", "width": 320, "height": 180, "sample_rate": 48000}
    return {"name": "Old", **size, "tracks": [picture, heard]}


def old_log(timeline: dict[str, Any]) -> bytes:
    """An exported log: the timeline was kept, and one clip's effects were changed since."""
    added = {"name": "vignette", "parameters": {"amount": 40.0}}
    last = timeline["tracks"][0]["items"][-2]
    place = len(timeline["tracks"][0]["items"]) - 2
    change = {
        "type": "items",
        "track": 0,
        "at": place,
        "before": [last],
        "after": [last | {"effects": [added]}],
    }
    asked = {"type": "add_effect", "effect": added, "clip": "last"}
    told: list[dict[str, Any]] = [
        {"type": "timeline.created", "timeline": timeline},
        {"type": "timeline.edited", "operations": [asked], "changes": [change]},
    ]
    lines, before = b"", START
    for version, data in enumerate(told, 1):
        event = {
            "position": version, "partition": DEFAULT_PARTITION, "stream": "timeline/old", "version": version,
            "type": data["type"], "at_ms": 1_600_000_000_000 + version, "actor": "ada", "correlation_id": "",
            "causation_id": "",
        }  # fmt: skip
        before = link(before, [*event.values(), encode(data)])
        lines += (
            encode({**event, "data": data, "hash": before.hex(), "values": [], "published": True}) + b"\n"
        )
    return lines


async def taken_in(folder: Path, log: Path) -> None:
    command = [sys.executable, "-m", "engine.maintenance", "--state-dir", str(folder), "import", str(log)]
    done = await asyncio.to_thread(subprocess.run, command, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


async def over(client: Client, asked: RenderRequest) -> Render:
    async with Replica(client.resource_stream).following() as replica:
        job = await client.ask_render(asked)
        key = f"render/{job.render_id}"
        while True:
            found = replica.shelf.value(key, Render)
            if found is not None and found.state in ("completed", "failed"):
                return found
            await replica.changed()


async def test_odd_values_of_an_old_log_are_mended_and_each_repair_is_said(
    state_dir: Path, tmp_path: Path
) -> None:
    footage = make_clip(tmp_path / "clip.mp4", frames=150, audio=Sound())
    asset_id = hash_file(footage.path)[:32]
    log = tmp_path / "old.jsonl"
    log.write_bytes(old_log(old_timeline(asset_id)))
    await taken_in(state_dir, log)
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(tmp_path)) as daemon, daemon.client() as client:
        assert (await client.register(str(footage.path))).asset_id == asset_id
        stored = await client.timeline("old")
        plan = await client.timeline_plan("old", profile="source")
        async with client.timeline_frame("old", frame=5) as answer:
            assert (await answer.aread()).startswith(b"\x89PNG")
        render = await over(client, RenderRequest(profile="source", timeline_id="old"))
    kept = stored.timeline.tracks[0].items[0]
    assert isinstance(kept, Clip)
    assert kept.effects == (Effect(name="exposure", parameters={"stops": 99.0}),), "what is kept stays"
    said = (
        *ODD, "no transition is called 'sparkle' any more", "nothing is called 'hologram' any more",
        "gain_db was 300: 60 is taken", "amount was 40: 1 is taken",
    )  # fmt: skip
    for words in said:
        assert any(words in notice for notice in plan.notices), (words, plan.notices)
        assert any(words in notice for notice in render.notices), (words, render.notices)
    assert render.output is not None, render.error
    shown = [number for start in (0, 20, 40, 60, 80, 120) for number in range(start, start + 10)]
    numbers = read_numbers(Path(render.output.path))
    # The first is five stops too bright to read, the last cut is followed by what became a gap.
    assert [*numbers[10:60]] == shown[10:]
    assert len(numbers) == 70
