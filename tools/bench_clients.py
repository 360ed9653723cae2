"""The other side of `just bench kernel`: clients on raw sockets, in a process of their own, equally lean for both servers.

python -m tools.bench_clients JOB     one `Job` as JSON; prints one `Outcome` as JSON

Each client has a connection and one request in flight. Watchers do not take what they read apart: they count a mark that
each value carries, so that what is measured is the server. A mark that falls across the border of two HTTP/2 frames is
missed; at most one in several thousand is.
"""

import asyncio
import re
import resource
import statistics
import sys
from pathlib import Path
from typing import Final, cast

import msgspec
import uvloop
from msgspec import Struct

from engine.kernel.clock import monotonic_s
from tools import bench_wire as wire

VALUE_BYTES: Final = 300
WRITERS: Final = 64  # of a fan-out at full speed
PACED_WRITERS: Final = 4
PREFIX: Final = "project/bench"
MARK: Final = b"~~"
_STAMPED: Final = re.compile(rb"~~(\d{12})")
_STAMPED_BYTES: Final = 14
_WARM_S: Final = 0.3
_DRAIN_S: Final = 15.0
_ENOUGH: Final = 0.999
_TICKS: Final = 100  # of /proc/PID/stat, a second: the kernel's USER_HZ, the same on every Linux
_LENGTH: Final = b"content-length: "


class Job(Struct, frozen=True, kw_only=True):
    """What to do to which server, for how long; `rate` is writes a second, 0 for as many as go, `count` ends it as well."""

    peer: str  # ours | etcd
    work: str  # write | read | fan
    port: int
    pid: int
    token: str = ""
    clients: int = 1
    seconds: float = 2.0
    rate: int = 0
    count: int = 0
    tag: str = "w"


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of it. Seconds of processor time are those of the window; `p50_ms`, `p99_ms` of a request or a delivery."""

    operations: int
    seconds: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    server_cpu_s: float
    client_cpu_s: float
    failures: int = 0


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, its threads included."""
    columns = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(columns[11]) + int(columns[12])) / _TICKS


def own_cpu_s() -> float:
    """Return the processor time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def value_at(now_s: float) -> bytes:
    """Return a value of 300 bytes that says when it was sent, in microseconds of this machine's own count."""
    stamp = b"%b%012d" % (MARK, int(now_s * 1e6) % 10**12)
    return b'{"note":"' + stamp + b"x" * (VALUE_BYTES - 11 - len(stamp)) + b'"}'


class Asking(asyncio.Protocol):
    """One connection with one request in flight; `ask` sends the next, `heard` is told of each answer."""

    transport: asyncio.Transport

    def __init__(self, load: "Load", number: int) -> None:
        self.load = load
        self.key = f"{PREFIX}/{load.job.tag}{number}".encode()
        self.revision = 0
        self.sent_s = 0.0
        self.idle = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell of a connection that ended before the run did."""
        self.load.lost()

    def ask(self) -> None:
        """Send one request."""
        self.idle = False
        self.sent_s = now_s = monotonic_s()
        self.transport.write(self.request(now_s))

    def request(self, now_s: float) -> bytes:
        """Return the request to send now."""
        raise NotImplementedError


class HttpAsking(Asking):
    """HTTP/1.1, kept alive."""

    def __init__(self, load: "Load", number: int) -> None:
        super().__init__(load, number)
        job = load.job
        common = b"Host: 127.0.0.1:%d\r\nAuthorization: Bearer %b\r\n" % (job.port, job.token.encode())
        self._got = b"GET /v1/resources/%b/read0 HTTP/1.1\r\n%b\r\n" % (PREFIX.encode(), common)
        self._lead = b"PUT /v1/resources/%b HTTP/1.1\r\n%b" % (self.key, common)
        self._lead += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % (VALUE_BYTES + 10)
        self._reading = job.work == "read"
        self._buffer = b""

    def request(self, now_s: float) -> bytes:
        """Return a GET, or a PUT that insists on the rev seen last."""
        if self._reading:
            return self._got
        guard = b'If-Match: "%d"\r\n' % self.revision if self.revision else b"If-None-Match: *\r\n"
        return self._lead + guard + b'\r\n{"value":' + value_at(now_s) + b"}"

    def data_received(self, data: bytes) -> None:
        """Take an answer when it is whole; its ETag is the next rev."""
        if self._buffer:
            data = self._buffer + data
        end, size = data.find(b"\r\n\r\n"), data.find(_LENGTH)
        if end < 0 or len(data) < end + 4 + int(data[size + 16 : data.index(b"\r", size)]):
            self._buffer = data
            return
        self._buffer = b""
        good = data.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))
        if good and not self._reading:
            at = data.lower().find(b'etag: "', 0, end) + 7
            self.revision = int(data[at : data.index(b'"', at)])
        self.load.answered(self, good)


class GrpcAsking(Asking):
    """gRPC over HTTP/2: a stream a call, a connection a client."""

    def __init__(self, load: "Load", number: int) -> None:
        super().__init__(load, number)
        self._reading = load.job.work == "read"
        self._stream = 1
        self._buffer = b""
        self._told = b""
        path = wire.KV + (b"Range" if self._reading else b"Txn")
        self._block = wire.first_block(path, b"127.0.0.1:%d" % load.job.port)
        self._range = wire.range_of(f"{PREFIX}/read0".encode())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the connection."""
        super().connection_made(transport)
        self.transport.write(wire.opening())

    def request(self, now_s: float) -> bytes:
        """Return a Range, or a Txn that puts when the key is as it was seen last."""
        message = self._range if self._reading else wire.put_if(self.key, value_at(now_s), self.revision)
        sent = wire.call(self._stream, self._block, message)
        self._block = wire.NEXT_BLOCK
        self._stream += 2
        return sent

    def data_received(self, data: bytes) -> None:
        """Take whole frames; a call is over with its trailers."""
        found, self._buffer = wire.frames(self._buffer + data if self._buffer else data)
        for kind, flags, _, payload in found:
            if kind == wire.DATA:
                self._told += payload
            elif kind == wire.HEADERS and flags & wire.END_STREAM:
                told, self._told = self._told[5:], b""
                if not self._reading and told:
                    self.revision = wire.put_revision(told)
                self.load.answered(self, bool(told) and (self._reading or self.revision > 0))
            elif kind == wire.PING and not flags & wire.ACK:
                self.transport.write(wire.frame(wire.PING, wire.ACK, 0, payload))
            elif kind == wire.SETTINGS and not flags & wire.ACK:
                self.transport.write(wire.frame(wire.SETTINGS, wire.ACK, 0))


class Watching(asyncio.BufferedProtocol):
    """One watcher: reads into one buffer that all share, and looks for marks."""

    def __init__(self, load: "Load", shared: bytearray) -> None:
        self._load = load
        self._shared = shared
        self._view = memoryview(shared)
        self._tail = b""
        self._timed = load.job.rate > 0
        self.begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for what changes under the prefix, from now on."""
        transport, job = cast(asyncio.Transport, transport), self._load.job
        if job.peer == "etcd":
            block = wire.first_block(wire.WATCH, b"127.0.0.1:%d" % job.port)
            message = wire.watch_of(f"{PREFIX}/".encode())
            transport.write(wire.opening() + wire.call(1, block, message, ended=False))
        else:
            lead = b"GET /v1/resources/events?prefix=%b HTTP/1.1\r\n" % PREFIX.encode()
            lead += b"Host: 127.0.0.1:%d\r\nAuthorization: Bearer %b\r\n\r\n" % (job.port, job.token.encode())
            transport.write(lead)

    def get_buffer(self, _hint: int) -> memoryview:
        """Return where to read to."""
        return self._view

    def buffer_updated(self, size: int) -> None:
        """Look for marks in what was read."""
        if not self.begun:
            self._begin(bytes(self._view[:size]))
        elif self._timed:
            # A stamp that two reads tear is put together again: what came last leads the next.
            data = self._tail + self._shared[:size]
            found = _STAMPED.findall(data)
            self._load.delivered_at(found)
            self._tail = bytes(data[-(_STAMPED_BYTES - 1) :])
        else:
            torn = self._tail == b"~" and self._shared[0] == MARK[0]
            self._tail = b"~" if self._shared[size - 1] == MARK[0] and not torn else b""
            self._load.delivered += self._shared.count(MARK, 0, size) + torn

    def _begin(self, data: bytes) -> None:
        # The stream says `ready`; etcd answers the watch with a message that says it was created.
        self._tail += data
        watching = b"event: ready" in self._tail if self._load.job.peer == "ours" else _created(self._tail)
        if watching:
            self.begun, self._tail = True, b""
            self._load.watch_begun()

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell of a stream that ended before the run did."""
        self._load.lost()


def _created(data: bytes) -> bool:
    found, _ = wire.frames(data)
    return any(one.kind == wire.DATA for one in found)


class Load:
    """One job under way."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.latencies: list[float] = []
        self.failures = 0
        self.answers = 0
        self.watching = 0
        self.delivered = 0
        self.going = False
        self._over = False
        self._full = asyncio.Event()
        self._all_watch = asyncio.Event()
        self._idle = asyncio.Event()
        self._connections: list[Asking] = []

    async def run(self) -> Outcome:
        """Do the job."""
        if self.job.work == "fan":
            return await self._fan()
        await self._connect(self.job.clients)
        self.going = True
        for one in self._connections:
            one.ask()
        if not self.job.count:
            await asyncio.sleep(_WARM_S)
        return await self._window()

    async def _connect(self, number: int) -> None:
        kind = GrpcAsking if self.job.peer == "etcd" else HttpAsking
        loop = asyncio.get_running_loop()
        for at in range(number):
            _, one = await loop.create_connection(lambda at=at: kind(self, at), "127.0.0.1", self.job.port)  # type: ignore[misc]
            self._connections.append(one)

    async def _window(self) -> Outcome:
        self.latencies.clear()
        before, own_before, begun_s = cpu_s(self.job.pid), own_cpu_s(), monotonic_s()
        if self.job.count:
            await self._full.wait()
        else:
            await asyncio.sleep(self.job.seconds)
        taken_s, latencies = monotonic_s() - begun_s, list(self.latencies)
        spent, own = cpu_s(self.job.pid) - before, own_cpu_s() - own_before
        self._over, self.going = True, False
        return _outcome(len(latencies), taken_s, latencies, spent, own, self.failures)

    async def _fan(self) -> Outcome:
        loop, shared = asyncio.get_running_loop(), bytearray(1 << 18)
        for _ in range(self.job.clients):
            await loop.create_connection(lambda: Watching(self, shared), "127.0.0.1", self.job.port)
        await self._all_watch.wait()
        await self._connect(PACED_WRITERS if self.job.rate else WRITERS)
        before, own_before, begun_s = cpu_s(self.job.pid), own_cpu_s(), monotonic_s()
        self.going = not self.job.rate
        await (self._paced(begun_s) if self.job.rate else self._full_speed())
        self.going = False
        wanted = 0.0
        while monotonic_s() < begun_s + self.job.seconds + _DRAIN_S:
            wanted = self.answers * self.job.clients * _ENOUGH
            if all(one.idle for one in self._connections) and self.delivered >= wanted:
                break
            await asyncio.sleep(0.002)
        taken_s = monotonic_s() - begun_s
        spent, own = cpu_s(self.job.pid) - before, own_cpu_s() - own_before
        self._over = True
        missing = max(0, round(wanted) - self.delivered)
        return _outcome(self.delivered, taken_s, self.latencies, spent, own, self.failures + missing)

    async def _full_speed(self) -> None:
        for one in self._connections:
            one.ask()
        await asyncio.sleep(self.job.seconds)

    async def _paced(self, begun_s: float) -> None:
        for turn in range(round(self.job.seconds * self.job.rate)):
            await asyncio.sleep(max(0.0, begun_s + turn / self.job.rate - monotonic_s()))
            one = self._connections[turn % len(self._connections)]
            while not one.idle:
                self._idle.clear()
                await self._idle.wait()
            one.ask()

    def answered(self, one: Asking, good: bool) -> None:
        """Count an answer, and send the next request while the run goes on."""
        one.idle = True
        self._idle.set()
        if good:
            self.answers += 1
        else:
            self.failures += 1
        if self.job.work != "fan":
            self.latencies.append(monotonic_s() - one.sent_s)
            if self.job.count and self.answers >= self.job.count:
                self.going = False
                self._full.set()
        if self.going:
            one.ask()

    def watch_begun(self) -> None:
        """Count a watcher that is told of everything from now on."""
        self.watching += 1
        if self.watching == self.job.clients:
            self._all_watch.set()

    def delivered_at(self, stamps: list[bytes]) -> None:
        """Count deliveries and note how long each was under way."""
        now_us = int(monotonic_s() * 1e6) % 10**12
        self.delivered += len(stamps)
        self.latencies.extend([(now_us - int(stamp)) / 1e6 for stamp in stamps])

    def lost(self) -> None:
        """A server that hangs up while it is measured has failed."""
        if not self._over:
            sys.exit(f"{self.job.peer} closed a connection in the midst of {self.job.work}")


def _outcome(
    operations: int, seconds: float, latencies: list[float], server: float, client: float, failures: int
) -> Outcome:
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    return Outcome(
        operations=operations,
        seconds=seconds,
        p50_ms=cuts[49] * 1000,
        p99_ms=cuts[98] * 1000,
        worst_ms=max(latencies, default=0.0) * 1000,
        server_cpu_s=server,
        client_cpu_s=client,
        failures=failures,
    )


def main() -> None:
    """Do the job that the command line names."""
    job = msgspec.json.decode(sys.argv[1], type=Job)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(Load(job).run())
    print(msgspec.json.encode(outcome).decode())


if __name__ == "__main__":
    main()
