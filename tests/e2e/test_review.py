"""The plan's review at a real terminal, and footage that the daemon may not read where it lies."""

import asyncio
import os
import pty
import signal
import sys
from pathlib import Path
from typing import Self

from clients.view import find
from cutroom_sdk.replica import Replica
from cutroom_sdk.uploads import find_known, upload
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.problems import CANCELED
from demo.footage import Script
from tests.clips import make_clip
from tests.daemons import Daemon

PATIENCE_S = 60


class Terminal:
    """`cutroom ...` with a terminal as its standard input and error; standard output is caught apart."""

    def __init__(self, daemon: Daemon, *arguments: str | Path, editor: str = "") -> None:
        self._arguments = [str(argument) for argument in arguments]
        self._environment = {**daemon.environment, "TERM": "dumb", "COLUMNS": "120", "EDITOR": editor}
        self.screen = ""

    async def __aenter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "clients.cli.main",
            *self._arguments,
            env=self._environment,
            stdin=theirs,
            stderr=theirs,
            stdout=asyncio.subprocess.PIPE,
        )
        os.close(theirs)
        self._came = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)

    def _read(self) -> None:
        try:
            chunk = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._ours)
        self.screen += chunk.decode(errors="replace")
        self._came.set()

    async def shows(self, text: str, *, times: int = 1) -> None:
        """Return when the text has been shown so many times."""
        async with asyncio.timeout(PATIENCE_S):
            while self.screen.count(text) < times:
                self._came.clear()
                await self._came.wait()

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._ours, text.encode() + b"\n")

    async def ends(self) -> tuple[int, str]:
        """Return the exit code and what was printed as the result."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            printed = await self.process.stdout.read()
            return await self.process.wait(), printed.decode()


def _asking(footage: Path, output: Path) -> tuple[str | Path, ...]:
    return ("edit", footage, "--goal", "8 second highlight", "--profile", "square", "-o", output)


async def test_a_plan_is_turned_down_edited_and_taken_and_ctrl_c_cancels_the_rest(
    state_dir: Path, tmp_path: Path, talk: tuple[Path, Script]
) -> None:
    footage, output = talk[0], tmp_path / "cut.mp4"
    editor = f"{sys.executable} -c \"import sys; open(sys.argv[1], 'w').write('A 2 - 4.5')\""
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(footage.parent)) as daemon:
        async with Terminal(daemon, *_asking(footage, output), editor=editor) as terminal:
            await terminal.shows("Take this plan?")
            terminal.type("n")
            await terminal.shows("What is wrong with it?")
            terminal.type("another beginning")
            await terminal.shows("Take this plan?", times=2)
            terminal.type("e")
            await terminal.shows("kept by the reviewer")
            await terminal.shows("Take this plan?", times=3)
            terminal.type("y")
            async with daemon.client() as client:
                replica = Replica(client.resource_stream)
                async with replica.following():
                    await replica.until(lambda: _renders(replica))
                    terminal.process.send_signal(signal.SIGINT)
                    assert (await terminal.ends())[0] == CANCELED
                    (mission,) = find.missions(replica.shelf)
                    decided = replica.shelf.values("approval", Approval)
    assert mission.status == "canceled"
    assert not output.exists()
    denied = sorted((one for one in decided if one.state == "denied"), key=lambda one: one.requested_at_ms)
    assert denied[0].reason == "another beginning"
    assert denied[1].amend["keep"][0]["start"] == "2"


def _renders(replica: Replica) -> bool | None:
    (mission,) = find.missions(replica.shelf)
    return mission.work_items[3].status == "in_progress" or None


async def test_footage_outside_the_roots_is_uploaded_in_chunks(state_dir: Path, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=10)
    (tmp_path / "roots").mkdir()
    sent: list[tuple[int, int]] = []
    async with (
        Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(tmp_path / "roots")) as daemon,
        daemon.client() as client,
    ):
        assert await find_known(client, clip.path) is None
        asset = await upload(client, clip.path, report=lambda done, total: sent.append((done, total)))
        assert await find_known(client, clip.path) == asset, "what is there need not be sent again"
    size = clip.path.stat().st_size
    assert sent[-1] == (size, size)
    assert (asset.name, asset.bytes, asset.path) == ("clip.mp4", size, None)
    assert asset.blob == asset.sha256
