"""What the daemon measures of itself: requests counted at the border, the rest read from where it is."""

import os
import platform
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.outbox import UNFINISHED, OutboxCommand
from engine import __version__
from engine.http.exposition import Family
from engine.kernel import commands
from engine.kernel.kernel import Kernel

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STATM: Final = Path("/proc/self/statm")


class Requests:
    """ASGI middleware, the outermost: counts answers by method and status in `app.state.requests` when they begin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A method is whatever a client writes there: those that mean nothing are one.
                method = scope["method"] if scope["method"] in METHODS else "other"
                scope["app"].state.requests[method, message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counted)


async def families(app: Starlette) -> list[Family]:
    """Return all figures as they are now; counters begin with the daemon's start."""
    kernel: Kernel = app.state.kernel
    counts = await _outbox(kernel)
    requests: Counter[tuple[str, int]] = app.state.requests
    return [
        _gauge("cutroom_info", "Which version this is; the value means nothing.", 1, version=__version__),
        _gauge("cutroom_log_head_position", "The position of the newest event.", kernel.dispatch.head),
        *_writing(kernel),
        _gauge("cutroom_streams_open", "Event streams that somebody reads.", app.state.streams),
        Family(
            "cutroom_outbox_commands",
            "gauge",
            "Commands that are not done, by state.",
            [({"state": state}, counts[state]) for state in UNFINISHED],
        ),
        Family(
            "cutroom_http_requests_total",
            "counter",
            "Requests whose head came whole and that were answered, by method and status.",
            [
                ({"method": method, "status": str(status)}, count)
                for (method, status), count in sorted(requests.items())
            ],
        ),
        Family(
            "cutroom_http_cut_short_total",
            "counter",
            "Answers to what came too slowly, too large, as no HTTP, or over one connection too many, by status.",
            [({"status": str(status)}, count) for status, count in sorted(app.state.cut_short.items())],
        ),
        *_files(kernel),
        *_process(),
    ]


def _gauge(name: str, told: str, value: float, **labels: str) -> Family:
    return Family(name, "gauge", told, [(labels, value)])


def _writing(kernel: Kernel) -> Iterator[Family]:
    measured = kernel.dispatch.measures
    yield Family("cutroom_events_total", "counter", "Events accepted.", [({}, measured.events)])
    told = "Seconds from taking a batch of requests up until it is durable."
    yield Family("cutroom_commit_seconds", "histogram", told, measured.commit_s)
    yield Family(
        "cutroom_commit_requests", "histogram", "Requests that one commit held.", measured.commit_requests
    )


async def _outbox(kernel: Kernel) -> Counter[str]:
    records = await kernel.resources.everything(commands.KIND)
    return Counter(decode(record.value, OutboxCommand).state for _, record in records)


def _files(kernel: Kernel) -> Iterator[Family]:
    path = kernel.database.path
    yield _gauge("cutroom_database_bytes", "Size of the database's file.", _size(path))
    ahead = path.with_name(path.name + "-wal")
    yield _gauge(
        "cutroom_wal_bytes", "Size of the write-ahead log that is not folded into it yet.", _size(ahead)
    )


def _size(path: Path) -> int:
    # By `stat` alone: to open one of the database's files would drop SQLite's locks on it.
    return path.stat().st_size if path.exists() else 0


def _process() -> Iterator[Family]:
    if platform.system() == "Linux":
        pages = int(_STATM.read_text().split()[1])
        resident = pages * os.sysconf("SC_PAGE_SIZE")
        yield _gauge("process_resident_memory_bytes", "Memory that the daemon occupies.", resident)
