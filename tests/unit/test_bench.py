"""The clients of `just bench kernel` speak what they are to speak, and do their work with a daemon."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from cutroom_sdk.discovery import find
from tests.daemons import Daemon
from tools import bench_wire as wire
from tools.bench_clients import VALUE_BYTES, Job, Load, Outcome, value_at
from tools.bench_kernel import WORKS, table_of


def test_frames_are_taken_apart_wherever_the_bytes_are_cut() -> None:
    sent = [
        (wire.DATA, wire.END_STREAM, 1, b"x" * 70_000),
        (wire.PING, 0, 0, b"12345678"),
        (wire.HEADERS, 5, 3, b""),
    ]
    whole = b"".join(wire.frame(*one) for one in sent)
    for cut in (0, 5, 9, 100, 70_009, 70_020, len(whole)):
        first, rest = wire.frames(whole[:cut])
        second, left = wire.frames(rest + whole[cut:])
        assert [tuple(one) for one in first + second] == sent
        assert left == b""


def test_a_frame_is_that_of_the_standard() -> None:
    # RFC 9113, 4.1: length (24), type (8), flags (8), reserved and stream (32), payload.
    assert wire.frame(wire.PING, wire.ACK, 0, b"12345678") == b"\0\0\x08\x06\x01\0\0\0\x0012345678"


def test_a_header_block_is_that_of_the_standard() -> None:
    # RFC 7541: 2 and 3 of the static table's :method and :scheme, then literals with incremental indexing (6.2.1).
    block = wire.first_block(b"/p", b"host")
    assert block == (
        b"\x83\x86"
        + b"\x44\x02/p"
        + b"\x41\x04host"
        + b"\x5f\x10application/grpc"
        + b"\x40\x02te\x08trailers"
    )
    # The newest entry of the dynamic table is 62 (2.3.3): te, content-type, :authority, :path from there.
    assert wire.NEXT_BLOCK == bytes((0x83, 0x86, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62))


def test_a_call_is_a_header_block_and_one_message() -> None:
    (headers, data), left = wire.frames(wire.call(7, b"block", b"message"))
    assert (headers.kind, headers.flags, headers.stream, headers.payload) == (
        1,
        wire.END_HEADERS,
        7,
        b"block",
    )
    assert (data.kind, data.flags, data.payload, left) == (0, wire.END_STREAM, b"\0\0\0\0\x07message", b"")


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**31, 2**63 - 1])
def test_whole_numbers_and_texts_come_back(number: int) -> None:
    message = wire.number(3, number) + wire.text(200, b"abc" * 100)
    assert list(wire.fields(message)) == [(3, number), (200, b"abc" * 100)]


def test_a_write_says_what_it_insists_on() -> None:
    (compare, then) = (inner for _, inner in wire.fields(wire.put_if(b"key", b"value", 7)))
    assert isinstance(compare, bytes)
    assert dict(wire.fields(compare)) == {2: 2, 3: b"key", 6: 7}  # MOD, and EQUAL is 0 and left out
    assert then == wire.text(2, wire.text(1, b"key") + wire.text(2, b"value"))


def test_the_answer_to_a_write_tells_its_revision_only_when_it_was_done() -> None:
    header = wire.text(1, wire.number(1, 5) + wire.number(3, 42))
    assert wire.put_revision(header + wire.number(2, 1) + wire.text(3, b"")) == 42
    assert wire.put_revision(header) == 0


def test_values_are_of_one_size_and_json() -> None:
    value = value_at(1234.5)
    assert len(value) == VALUE_BYTES
    assert msgspec.json.decode(value)["note"].startswith("~~001234500000x")


async def test_the_clients_do_their_work_with_a_daemon(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "state") as daemon:
        found = find(tmp_path / "state")
        assert daemon.process is not None
        assert found is not None
        port, pid = int(found.url.rpartition(":")[2]), daemon.process.pid

        async def run(work: str, *, clients: int, rate: int = 0, count: int = 0, tag: str = "w") -> Outcome:
            job = Job(
                peer="ours",
                work=work,
                port=port,
                pid=pid,
                token=found.token,
                clients=clients,
                seconds=0.2,
                rate=rate,
                count=count,
                tag=tag,
            )
            return await asyncio.wait_for(Load(job).run(), 30)

        written = await run("write", clients=2, count=20)
        assert (written.operations >= 20, written.failures) == (True, 0)
        await run("write", clients=1, count=1, tag="read")
        read = await run("read", clients=2)
        assert (read.operations > 0, read.failures) == (True, 0)
        told = await run("fan", clients=3, rate=50, tag="p")
        assert (told.operations, told.failures) == (30, 0)
        assert 0 < told.p50_ms <= told.worst_ms
        assert (await run("fan", clients=2, tag="f")).failures == 0


def test_a_row_shows_the_median_of_both_sides() -> None:
    def outcome(operations: int) -> Outcome:
        return Outcome(
            operations=operations,
            seconds=2.0,
            p50_ms=1.0,
            p99_ms=2.0,
            worst_ms=3.0,
            server_cpu_s=0.001 * operations,
            client_cpu_s=0.0,
        )

    work = WORKS[1]
    rows = table_of(
        [work],
        {
            (work.name, "ours"): [outcome(100), outcome(400), outcome(300)],
            (work.name, "etcd"): [outcome(100)] * 3,
        },
    )
    assert f"| {work.name} | 150 | 50 | 3.00x |" in rows
