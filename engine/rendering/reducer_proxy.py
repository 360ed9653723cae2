"""Proxies: jobs that make a smaller copy of an asset's pictures, and what they have made.

    proxy/{proxy_id}   (none) --queued--> queued --started--> running --completed--> ready
                          ^                 |  ^                | | '----failed----> failed
                          |                 |  '----queued------|-|------------------'  |
                          |                 '------canceled-----'-'-> canceled --queued-'
                          '-----removed----- (any of them)

The file itself is kept among the segments: when it has to make room for others, the proxy is removed in the same commit.
"""

from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.proxies import Proxy
from cutroom_sdk.wire.renders import RenderError
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

PROXY_KIND: Final = "proxy"
ALIVE: Final = ("queued", "running")
PROXY_OVER: Final = "proxy_over"  # what a proxy refuses with that nobody is making


class ProxyJob(Struct, frozen=True, kw_only=True):
    """State of the stream `proxy/{proxy_id}`; `proxy` None: there is none. `tries` counts how often it was asked for."""

    proxy_id: str
    proxy: Proxy | None = None
    tries: int = 0


# Proposals.
class QueueProxy(Struct, frozen=True, kw_only=True, tag="queue_proxy"):
    """Have it made, unless it is there or on its way.

    `again`: also when it was canceled or had failed, for somebody asks for it by name. `lost`: also when it is ready, for its
    file is gone.
    """

    proxy: Proxy
    again: bool = False
    lost: bool = False


class StartProxy(Struct, frozen=True, kw_only=True, tag="start_proxy"):
    """Work begins, or begins again after a crash."""

    tries: int


class CompleteProxy(Struct, frozen=True, kw_only=True, tag="complete_proxy"):
    """The file is there, and its frames are the source's."""

    tries: int
    bytes: int
    sha256: str


class FailProxy(Struct, frozen=True, kw_only=True, tag="fail_proxy"):
    """It cannot be made."""

    tries: int
    error: RenderError


class CancelProxy(Struct, frozen=True, kw_only=True, tag="cancel_proxy"):
    """Somebody no longer wants it to be made."""


class RemoveProxy(Struct, frozen=True, kw_only=True, tag="remove_proxy"):
    """It is to go. `evicted`: its file had to make room for others; one that is not ready has none."""

    evicted: bool = False


# Events.
class ProxyQueued(Struct, frozen=True, kw_only=True, tag="proxy.queued"):
    proxy: Proxy


class ProxyStarted(Struct, frozen=True, kw_only=True, tag="proxy.started"):
    pass


class ProxyCompleted(Struct, frozen=True, kw_only=True, tag="proxy.completed"):
    bytes: int
    sha256: str


class ProxyFailed(Struct, frozen=True, kw_only=True, tag="proxy.failed"):
    error: RenderError


class ProxyCanceled(Struct, frozen=True, kw_only=True, tag="proxy.canceled"):
    pass


class ProxyRemoved(Struct, frozen=True, kw_only=True, tag="proxy.removed"):
    pass


# Commands.
class MakeProxy(Struct, frozen=True, kw_only=True, tag="make_proxy"):
    """Make a proxy that was asked for the `tries`-th time."""

    proxy_id: str
    tries: int


class StopProxy(Struct, frozen=True, kw_only=True, tag="stop_proxy"):
    """End the work on a proxy that was canceled or removed."""

    proxy_id: str
    tries: int


Proposal = QueueProxy | StartProxy | CompleteProxy | FailProxy | CancelProxy | RemoveProxy
Event = ProxyQueued | ProxyStarted | ProxyCompleted | ProxyFailed | ProxyCanceled | ProxyRemoved
Command = MakeProxy | StopProxy


def init_proxy(proxy_id: str) -> ProxyJob:
    return ProxyJob(proxy_id=proxy_id)


def decide_proxy(job: ProxyJob, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal.

    Raises:
        Rejected: `proxy_over`: its state does not allow it.
    """
    state = "none" if job.proxy is None else job.proxy.state
    match proposal:
        case QueueProxy(proxy=proxy, again=again, lost=lost):
            assert proxy.proxy_id == job.proxy_id, "a proxy is asked for under its own id"
            outdated = job.proxy is not None and job.proxy.key != proxy.key
            wanted = (
                job.proxy is None
                or outdated
                or (again and state in ("failed", "canceled"))
                or (lost and state == "ready")
            )
            return (ProxyQueued(proxy=replace(proxy, state="queued")),) if wanted else ()
        case StartProxy(tries=tries):
            _demand(job, state in ALIVE and job.tries == tries, "not waiting for this")
            return () if state == "running" else (ProxyStarted(),)
        case CompleteProxy(tries=tries, bytes=size, sha256=sha256):
            _demand(job, state == "running" and job.tries == tries, "not being made")
            return (ProxyCompleted(bytes=size, sha256=sha256),)
        case FailProxy(tries=tries, error=error):
            _demand(job, state in ALIVE and job.tries == tries, "not being made")
            return (ProxyFailed(error=error),)
        case CancelProxy():
            _demand(job, state in (*ALIVE, "canceled"), "not being made")
            return () if state == "canceled" else (ProxyCanceled(),)
        case RemoveProxy(evicted=evicted):
            stays = state != "ready" if evicted else job.proxy is None
            return () if stays else (ProxyRemoved(),)
        case _:
            assert_never(proposal)


def on_proxy(job: ProxyJob, event: Event, _envelope: Envelope) -> Step[ProxyJob, Command]:
    """Fold one accepted event."""
    if isinstance(event, ProxyQueued):
        tries = job.tries + 1
        return Step(
            replace(job, proxy=event.proxy, tries=tries), (MakeProxy(proxy_id=job.proxy_id, tries=tries),)
        )
    proxy = job.proxy
    assert proxy is not None, "only what was asked for goes on"
    stop = (StopProxy(proxy_id=job.proxy_id, tries=job.tries),) if proxy.state in ALIVE else ()
    match event:
        case ProxyStarted():
            return Step(replace(job, proxy=replace(proxy, state="running")))
        case ProxyCompleted(bytes=size, sha256=sha256):
            return Step(replace(job, proxy=replace(proxy, state="ready", bytes=size, sha256=sha256)))
        case ProxyFailed(error=error):
            return Step(replace(job, proxy=replace(proxy, state="failed", error=error)))
        case ProxyCanceled():
            return Step(replace(job, proxy=replace(proxy, state="canceled")), stop)
        case ProxyRemoved():
            return Step(replace(job, proxy=None), stop)
        case _:
            assert_never(event)


def proxy_resources(proxy_id: str, job: ProxyJob) -> Mapping[str, Struct | None]:
    """Publish `proxy/{proxy_id}` for as long as there is one."""
    return {f"{PROXY_KIND}/{proxy_id}": job.proxy}


def _demand(job: ProxyJob, holds: bool, what: str) -> None:
    if not holds:
        state = "not there" if job.proxy is None else job.proxy.state
        raise Rejected(PROXY_OVER, f"the proxy {job.proxy_id} is {state}: it is {what}", state=state)


PROXY: Final = Aggregate(
    kind=PROXY_KIND,
    init=init_proxy,
    decide=decide_proxy,
    on_event=on_proxy,
    event=Event,
    state=ProxyJob,
    resources=proxy_resources,
)
