"""Equal work gives equal bytes, whatever lay in memory before: what is cached stays true."""

import os
import subprocess
import sys

ENCODE = """
import hashlib
import av
import numpy as np
from msgspec.structs import replace
from engine.rendering.capabilities import capabilities
from engine.rendering.encoders import configure
from tests.unit.rendering.material import a_clip, a_timeline, an_asset, an_index
from tests.render.workshop import PROFILE
from engine.rendering.plan import compile_plan

asset = an_asset()
timeline = a_timeline(a_clip(asset, 0, 50), width=320, height=480)
profile = replace(PROFILE, preset="veryfast")
plan = compile_plan(timeline, {asset.asset_id: asset}, {asset.asset_id: an_index()}, profile, capabilities())
context = av.CodecContext.create("libx264", "w")
configure(context, plan.encoder)
noise = np.random.default_rng(1).integers(16, 235, size=(220, 120), dtype=np.uint8)
found = hashlib.sha256()
for place in range(25):
    moved = noise[place : place + 180, place // 2 : place // 2 + 80]
    frame = av.VideoFrame.from_ndarray(np.kron(moved, np.ones((4, 4), dtype=np.uint8)), format="yuv420p")
    frame.pts, frame.time_base = place, 1 / plan.encoder.rate
    for packet in context.encode(frame):
        found.update(bytes(packet))
for packet in context.encode(None):
    found.update(bytes(packet))
print(found.hexdigest())
"""


def encoded(fill: int) -> str:
    """Encode moving noise in a process whose fresh memory is filled with some byte; return the hash of what comes out."""
    return subprocess.run(
        [sys.executable, "-c", ENCODE],
        env={**os.environ, "MALLOC_PERTURB_": str(fill)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_encoder_gives_the_same_bytes_whatever_was_in_memory() -> None:
    assert len({encoded(fill) for fill in (85, 170)}) == 1
