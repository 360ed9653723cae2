"""Where pieces of work are carried out: in processes of this machine, or on the machines of a Dask cluster.

A piece of work is a function's name, what it takes, and files named by what is in them: so it is the same work anywhere,
and its outcome has the same bytes. `Pool` is the one way, `Cluster` the other; who has work done knows neither.
"""

import ipaddress
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from engine.kernel.errors import Invalid

R = TypeVar("R", bound=Struct)
LOCAL: Final = "local"
SCHEME: Final = "dask"


class Executor(Protocol):
    """Carries work out; what `Pool.run` says of arguments, errors and cancelling holds for each of them."""

    async def run(
        self,
        task: str,
        request: Struct,
        kind: type[R],
        *,
        inputs: Sequence[Path] = (),
        outputs: Sequence[Path] = (),
        report: Callable[[float, float], None] | None = None,
        limit_s: float = 600,
        tenant: str | None = None,
        needs: Sequence[str] = (),
    ) -> R:
        """Have a task done and return its result."""


class ClusterSettings(Struct, frozen=True, kw_only=True):
    """How a cluster is reached.

    `address` is the scheduler's, as Dask has it: `tls://host:8786`, or `tcp://` on this machine. `store` is where files
    lie that all machines see: a folder, or `s3://bucket/prefix`. `tls_*` are PEM files: the cluster's authority, and this
    machine's certificate and key.
    """

    address: str
    store: str
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""


def cluster_settings(
    executor: str, store: str, *, tls_ca: str = "", tls_cert: str = "", tls_key: str = ""
) -> ClusterSettings | None:
    """Return how to reach the cluster that the settings name; None: work is done on this machine.

    Dask's protocol carries code: whoever speaks with a worker may do there what they want. Off this machine it is spoken
    under TLS with certificates on both sides, or not at all.

    Raises:
        Invalid: an executor that is neither `local` nor `dask://HOST:PORT`, one elsewhere without TLS, or no store.
    """
    if executor == LOCAL:
        return None
    parts = urlsplit(executor)
    if parts.scheme != SCHEME or not parts.hostname or parts.path.strip("/") or not _port(executor):
        raise Invalid(
            f"executor is {executor[:80]!r}; {LOCAL!r} or {SCHEME}://HOST:PORT is taken", field="executor"
        )
    files = (tls_ca, tls_cert, tls_key)
    secured = all(files)
    if any(files) and not secured:
        raise Invalid(
            "of TLS all three are needed: cluster_tls_ca, cluster_tls_cert, cluster_tls_key", field="executor"
        )
    if not secured and not is_loopback(parts.hostname):
        raise Invalid(
            f"{parts.hostname} is another machine: Dask's protocol carries code, so it is spoken there under TLS only; "
            "set cluster_tls_ca, cluster_tls_cert and cluster_tls_key",
            field="executor",
        )
    if not store:
        raise Invalid(
            "a cluster needs cluster_store: a folder that all machines see, or s3://BUCKET/PREFIX",
            field="cluster_store",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    address = f"{'tls' if secured else 'tcp'}://{host}:{parts.port}"
    return ClusterSettings(address=address, store=store, tls_ca=tls_ca, tls_cert=tls_cert, tls_key=tls_key)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine and cannot be another; a name but `localhost` could be any."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _port(executor: str) -> int | None:
    try:
        return urlsplit(executor).port
    except ValueError:
        return None
