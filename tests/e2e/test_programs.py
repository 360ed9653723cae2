"""Commands and tools of a package behind a real daemon: said by `/ready`, carried out, and gone when the daemon is killed."""

import asyncio
import os
import select
from pathlib import Path
from typing import Any

from cutroom_sdk.client import Client
from cutroom_sdk.wire.missions import GatesRequest, Mission, MissionRequest, WorkItemRequest
from tests.daemons import Daemon
from tests.unit.programs.packages import install

TOOLS = """
def _hang(given, call):
    (call.folder / "begun").write_text("x")
    while not given["text"]:
        time.sleep(0.1)
    return {"text": given["text"]}

hangs = Tool("Wait for ever", _hang, TEXT, limit_s=600)
"""
NONE = GatesRequest(review="none", test="none")


async def test_a_daemon_says_what_it_has_loaded_and_a_kill_leaves_no_process_behind(
    state_dir: Path, tmp_path: Path
) -> None:
    install(tmp_path / "packages", TOOLS, "hangs", "broken=tiny:nowhere")
    state_dir.mkdir(exist_ok=True)
    (state_dir / "cutroom.toml").write_text('[commands.greet]\nargv = ["/bin/echo", "hello"]\n')
    daemon = Daemon(state_dir, PYTHONPATH=str(tmp_path / "packages"))
    async with daemon:
        async with daemon.asking() as http:
            ready = (await http.get("/ready")).json()["features"]
        lines = {one["name"]: one for one in ready if one["name"].startswith("tool.")}
        assert (lines["tool.hangs"]["ok"], lines["tool.broken"]["ok"]) == (True, False)
        assert "no attribute 'nowhere'" in lines["tool.broken"]["detail"]
        async with daemon.client() as client:
            greeted = await _over(client, await _create(client, "command", {"command": "greet"}))
            assert greeted.status == "succeeded"
            await _create(client, "hangs", {})
            process = await _host(daemon, client)
        await asyncio.to_thread(daemon.kill)
        gone, _, _ = await asyncio.to_thread(select.select, [process], [], [], 20)
        os.close(process)
        assert gone, "the tool goes on without its daemon"
        await asyncio.to_thread(daemon.start)
        async with daemon.client() as client:
            os.close(await _host(daemon, client))  # made again: it can have changed nothing
        (folder,) = (state_dir / "programs").iterdir()
        assert folder.is_dir(), "that of this call; what the killed one had left is gone"
    assert not list((state_dir / "programs").iterdir())


async def _create(client: Client, kind: str, given: dict[str, Any]) -> Mission:
    item = WorkItemRequest(work_item_id="it", title=kind, kind=kind, input=given, gates=NONE)
    return await client.create_mission(MissionRequest(title=kind, goal=kind, work_items=(item,), start=True))


async def _over(client: Client, mission: Mission) -> Mission:
    while mission.status not in ("succeeded", "failed"):
        mission = await client.mission(mission.mission_id)
    return mission


async def _host(daemon: Daemon, client: Client) -> int:
    """Wait for the process that carries a tool out, and return a descriptor of it."""
    assert daemon.process is not None
    children = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")
    while True:
        await client.missions()
        for child in children.read_text().split():
            if b"engine.programs.host" in Path(f"/proc/{child}/cmdline").read_bytes():
                return os.pidfd_open(int(child))
