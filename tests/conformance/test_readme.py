"""The examples of the Python SDK's front page run as programs of their own, against a daemon."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.daemons import Daemon

EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "clients/sdk/README.md").read_text(), re.DOTALL)
PRINTED = [
    ["{'text': 'hello'}", "revision_conflict 1"],
    ["{'text': 'hello'}", "resources.changed True"],
]


@pytest.fixture
async def daemon(state_dir: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir) as running:
        yield running


async def test_the_examples_of_the_front_page_run(daemon: Daemon) -> None:
    assert len(EXAMPLES) == len(PRINTED)
    for example, lines in zip(EXAMPLES, PRINTED, strict=True):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", example, env=daemon.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            printed, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()
        assert printed.decode().splitlines() == lines
