"""The composition root: settings, kernel, the features, one server, one lifetime.

python -m engine.daemon serve [--state-dir D] [--host H] [--port N] [--idle-exit-s N]
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import logging.handlers
import os
import platform
import resource
import signal
import socket
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import av
import uvicorn
from starlette.applications import Starlette

from cutroom_sdk.discovery import state_dir
from cutroom_sdk.wire.problems import DONE, FAILED
from cutroom_sdk.wire.status import Endpoint, Health, Ready
from engine import __version__
from engine.access.audit import Auditor
from engine.access.tokens import Tokens
from engine.config import Settings, load
from engine.features import AGGREGATES, ROUTES, Features
from engine.http.app import build_app
from engine.http.connection import Limits, protocol
from engine.http.short import ShortWay
from engine.kernel import failpoints
from engine.kernel.clock import SystemClock, monotonic_s
from engine.kernel.context import Context
from engine.kernel.errors import Conflict, StudioError
from engine.kernel.kernel import Kernel
from engine.kernel.vault import Vault
from engine.state import held, published

CLOSE_S: Final = 2
GARBAGE: Final = (20_000, 20, 50)  # objects made since the last look, and looks at the young before the old
OPEN_FILES_MAX: Final = 65_536
_log = logging.getLogger("cutroom")
reach = failpoints.points(
    "daemon",
    "locked",
    "kernel_open",
    "running",
    "before_ready",
    "listening",
    "stopping",
    "served",
    "ended",
)


class _Server(uvicorn.Server):
    """uvicorn, with signals that end it in peace and streams that are told to end before it waits for connections."""

    def __init__(
        self, config: uvicorn.Config, closing: asyncio.Event, url: str, drain: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._closing = closing
        self._url = url
        self._drain = drain

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT end the server; unlike uvicorn's own way, what comes after it still runs."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so in one line."""
        await super().startup(sockets)
        reach("listening")
        print(f"cutroom is ready at {self._url}", flush=True)  # noqa: T201

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the server; at the same time what is being carried out comes to its end."""
        reach("stopping")
        self._closing.set()
        await asyncio.gather(super().shutdown(sockets), self._drain())


class _Activity:
    """When somebody last asked for something; an open stream counts as asking."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._open = 0
        self.last_s = monotonic_s()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Note the request and pass it on."""
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self.last_s = monotonic_s()

    def touch(self) -> None:
        """Note a request that was answered on the short way."""
        self.last_s = monotonic_s()

    def idle_s(self) -> float:
        """Seconds since the last request ended; 0 while one is open. The server's own lifespan is one of them."""
        return monotonic_s() - self.last_s if self._open <= 1 else 0.0


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"port {settings.port} is taken; name another with --port, or 0 for any",
            expected=0,
            actual=settings.port,
            code="daemon_running",
        ) from error
    return listener


def _hosts(settings: Settings, port: int) -> frozenset[str]:
    names = {settings.host, "127.0.0.1", "localhost", "[::1]"} - {"::1"}
    return frozenset(f"{name}:{port}" for name in names)


def _health() -> Health:
    ffmpeg = ".".join(str(part) for part in av.library_versions["libavcodec"])
    versions = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "pyav": av.__version__,
        "libavcodec": ffmpeg,
    }
    return Health(status="ok", version=__version__, pid=os.getpid(), versions=versions)


@contextlib.contextmanager
def _private() -> Iterator[None]:
    """Keep what is made in this block from everybody but its owner.

    Not for good: a finished film is delivered among the user's own files, and is to be as readable as those.
    """
    usual = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(usual)


async def serve(folder: Path, settings: Settings) -> int:
    """Serve until SIGTERM, SIGINT, idleness or a broken log; return the exit code."""
    with held(folder), _listen(settings) as listener:
        reach("locked")
        port = listener.getsockname()[1]
        with _private():
            kernel = await Kernel.open(folder, AGGREGATES, SystemClock())
            _Screened.vault = kernel.vault
            features = Features(kernel, settings, folder)
        reach("kernel_open")
        tokens, auditor = Tokens.open(folder, kernel.clock), Auditor(kernel.dispatch, kernel.clock)
        await tokens.load(kernel.resources)
        kernel.dispatch.listen(tokens.heard)
        hosts = _hosts(settings, port)

        def check(token: str) -> Context | None:
            return tokens.check(token) or features.memory.capabilities.check(token, tokens.holder)

        app = build_app(
            kernel,
            features=ROUTES,
            check_token=check,
            hosts=lambda: hosts,
            health=_health,
            readiness=lambda: Ready(features=features.readiness()),
            note=auditor.note,
            still_valid=tokens.valid,
        )
        features.attach(app)
        app.state.tokens = tokens
        activity = _Activity(app)
        async with features.running(), kernel.running(), auditor.running(), features.firing():
            reach("running")
            await features.clear()
            url = f"http://{'[::1]' if settings.host == '::1' else settings.host}:{port}"
            limits = Limits(
                connections=settings.connections,
                request_s=settings.request_s,
                streams=lambda: app.state.streams,
                cut_short=app.state.cut_short,
            )
            short = ShortWay(kernel, check, lambda: hosts, activity.touch, app.state.requests)
            server = _Server(_uvicorn(activity, limits, short), app.state.closing, url, kernel.outbox.drain)
            endpoint = Endpoint(
                url=url, pid=os.getpid(), started_at_ms=kernel.clock.now_ms(), version=__version__
            )
            with published(folder, endpoint):
                reach("before_ready")
                watchers = [
                    asyncio.create_task(_end_when_broken(server, kernel)),
                    asyncio.create_task(_end_when_idle(server, activity, features, settings.idle_exit_s)),
                ]
                _settle_memory()
                await server.serve(sockets=[listener])
                reach("served")
                for watcher in watchers:
                    watcher.cancel()
                await asyncio.gather(*watchers, return_exceptions=True)
        reach("ended")
        return FAILED if kernel.database.broken.is_set() else DONE


def _uvicorn(app: Any, limits: Limits, short: ShortWay) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol(limits, short),
        log_level="warning",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=CLOSE_S,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
    )


async def _end_when_broken(server: uvicorn.Server, kernel: Kernel) -> None:
    await kernel.database.broken.wait()
    _log.error("the log cannot be written; the daemon ends, the next start reads what is really there")
    server.should_exit = True


async def _end_when_idle(
    server: uvicorn.Server, activity: _Activity, features: Features, limit_s: int
) -> None:
    while limit_s:
        await asyncio.sleep(min(limit_s / 4, 15))
        if features.busy():
            activity.last_s = monotonic_s()
        elif activity.idle_s() > limit_s:
            _log.info("nobody asked for anything in %s s; the daemon ends", limit_s)
            server.should_exit = True


class _Screened(logging.Formatter):
    """Writes lines without secrets, from when `vault` is known."""

    vault: Vault | None = None

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, with the trace that may follow it."""
        line = super().format(record)
        return self.vault.redacted_text(line) if self.vault else line


def _log_to(folder: Path, level: str) -> None:
    logs = folder / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(logs / "daemon.log", maxBytes=4 << 20, backupCount=3)
    handler.setFormatter(_Screened())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("libav").setLevel(logging.CRITICAL)


def _allow_open_files() -> None:
    """Raise the limit of open files as far as this process may: each connection and stream is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, OPEN_FILES_MAX), most))


def _settle_memory() -> None:
    """Leave what is there for good out of the search for garbage, and search less often.

    Nearly everything that a request makes goes without a search; with Python's own numbers a tenth of the time of a write
    went into looking through modules and kept events for the little that does not.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.daemon", description="The Cutroom daemon.")
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--state-dir")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument(
        "--idle-exit-s", type=int, help="end after so many seconds without a request; 0 is never"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; return the exit code."""
    asked = _arguments(sys.argv[1:] if arguments is None else arguments)
    folder = state_dir(asked.state_dir)
    flags = {"host": asked.host, "port": asked.port, "idle_exit_s": asked.idle_exit_s}
    try:
        settings = load(folder, os.environ, flags)
        with _private():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _log_to(folder, settings.log_level)
        failpoints.arm(os.environ)
        _allow_open_files()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(serve(folder, settings))
    except StudioError as error:
        print(f"cutroom: {error.detail}", file=sys.stderr)  # noqa: T201
        return error.meaning.exit


def _loop_factory() -> Any:
    import uvloop

    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())
