"""A real Dask cluster on this machine: a scheduler and workers as processes of their own, and a bucket to share files in."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Machines:
    """The processes. `address` is what `--executor` takes."""

    folder: Path
    port: int
    tls: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _drain: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"dask://127.0.0.1:{self.port}"

    def start(self, workers: int) -> None:
        port = ("--port", str(self.port), "--no-dashboard", "--no-show")
        self.scheduler = self._run("scheduler", "--host", "127.0.0.1", *port, *self.tls, piped=True)
        self._until(self.scheduler, b"Scheduler at:")
        for _ in range(workers):
            self.add()

    def add(self) -> None:
        protocol = "tls" if self.tls else "tcp"
        place = f"{protocol}://127.0.0.1:{self.port}"
        alone = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--death-timeout", "60")
        self.workers.append(
            self._run(
                "worker",
                place,
                *alone,
                "--local-directory",
                str(self.folder),
                "--host",
                "127.0.0.1",
                *self.tls,
            )
        )

    def kill(self, worker: int) -> None:
        """Kill a worker as a power cut would; its own processes go with it."""
        self.workers[worker].send_signal(signal.SIGKILL)
        self.workers[worker].wait()

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        if self._drain is not None and self.scheduler is not None and self.scheduler.stderr is not None:
            self._drain.join()
            self.scheduler.stderr.close()

    def log(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.folder.glob("*.log")))

    def _until(self, process: "subprocess.Popen[bytes]", word: bytes) -> None:
        """Wait until a process has said a word; what else it says goes to its log."""
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if word in line:
                break
        else:
            raise AssertionError(f"the scheduler ended: {b''.join(said).decode()}")
        # Nobody reads on: a full pipe would stop it.
        self._drain = threading.Thread(target=process.stderr.read, daemon=True)
        self._drain.start()

    def _run(self, what: str, *arguments: str, piped: bool = False) -> "subprocess.Popen[bytes]":
        number = len(list(self.folder.glob("*.log")))
        with (self.folder / f"{number}-{what}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments],
                stdout=log,
                stderr=subprocess.PIPE if piped else log,
                cwd=ROOT,
                env={
                    **os.environ,
                    "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'clients' / 'sdk'}",
                    **self.environment,
                },
            )


@contextmanager
def machines(
    folder: Path, *, workers: int = 2, tls: Sequence[str] = (), environment: dict[str, str] | None = None
) -> Iterator[Machines]:
    """A cluster for as long as the block lasts."""
    folder.mkdir(exist_ok=True)
    made = Machines(folder=folder, port=free_port(), tls=tls, environment=environment or {})
    try:
        made.start(workers)
        yield made
    finally:
        made.stop()


@contextmanager
def bucket(name: str) -> Iterator[str]:
    """An S3-compatible server of moto's in a process of its own, with an empty bucket; gives its address."""
    port = free_port()
    code = (
        "from moto.server import ThreadedMotoServer as Server\n"
        "import boto3, sys\n"
        f"server = Server(ip_address='127.0.0.1', port={port}, verbose=False)\n"
        "server.start()\n"
        f"boto3.client('s3', endpoint_url='http://127.0.0.1:{port}', region_name='us-east-1').create_bucket(Bucket={name!r})\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        assert b"ready" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def certificates(folder: Path) -> dict[str, str]:
    """Write an authority's certificate and one that it signed for 127.0.0.1, as PEM files; return their paths."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name, of = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("test ca", "127.0.0.1")
    )

    def signed(subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool) -> bytes:
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(key)
            .serial_number(1 if ca else 2)
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=36500))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .sign(authority, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)

    files = {
        "ca": signed(name, authority.public_key(), ca=True),
        "cert": signed(of, own.public_key(), ca=False),
        "key": own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    for word, content in files.items():
        (folder / f"{word}.pem").write_bytes(content)
    return {word: str(folder / f"{word}.pem") for word in files}
