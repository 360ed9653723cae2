"""The log as the screen shows it: its newest entries, then what comes, across losses of the daemon."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from rich.text import Text

from clients.tui import drawing
from clients.view import rows
from cutroom_sdk.client import Client
from cutroom_sdk.errors import SdkError, Unreachable
from cutroom_sdk.replica import BACKOFF_S

TAIL: Final = 200


async def log_lines(client: Client) -> AsyncIterator[Text]:
    """Yield the last entries as lines, then each as it comes, without an end.

    Raises:
        SdkError: the daemon refuses the log.
    """
    after, failures = -1, 0
    while True:
        try:
            if after < 0:
                after = max(0, (await client.log(limit=1)).position - TAIL)
            async with contextlib.aclosing(client.follow_log(after)) as events:
                async for event in events:
                    after, failures = event.position, 0
                    zone = datetime.fromtimestamp(event.at_ms / 1000).astimezone().tzinfo
                    assert zone is not None
                    yield drawing.log_line(rows.log_row(event, zone))
        except Unreachable:
            pass  # the head of the screen says so
        except SdkError as error:
            if error.code not in ("compacted", "position_ahead"):
                raise
            # The log begins later than its tail reaches back: from there. Another log altogether: its own tail.
            after = int(error.extra.get("oldest", -1))
        failures += 1
        await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S)) - 1])
