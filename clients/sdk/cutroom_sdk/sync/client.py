# Made by `just specs` from cutroom_sdk/client.py; change that one.
"""Typed calls to a daemon. Each raises `SdkError` with the daemon's stable code, or `Unreachable`."""

from cutroom_sdk.sync.calls.access import AccessCalls
from cutroom_sdk.sync.calls.log import LogCalls
from cutroom_sdk.sync.calls.media import MediaCalls
from cutroom_sdk.sync.calls.memory import MemoryCalls
from cutroom_sdk.sync.calls.missions import MissionCalls
from cutroom_sdk.sync.calls.outbox import OutboxCalls
from cutroom_sdk.sync.calls.policy import PolicyCalls
from cutroom_sdk.sync.calls.proxies import ProxyCalls
from cutroom_sdk.sync.calls.records import RecordCalls
from cutroom_sdk.sync.calls.rendering import RenderCalls
from cutroom_sdk.sync.calls.routines import RoutineCalls
from cutroom_sdk.sync.calls.secrets import SecretCalls
from cutroom_sdk.sync.calls.status import StatusCalls
from cutroom_sdk.sync.calls.timelines import TimelineCalls


class Client(
    StatusCalls,
    RecordCalls,
    LogCalls,
    OutboxCalls,
    MissionCalls,
    PolicyCalls,
    MediaCalls,
    TimelineCalls,
    RenderCalls,
    ProxyCalls,
    AccessCalls,
    SecretCalls,
    RoutineCalls,
    MemoryCalls,
):
    """A daemon as seen over HTTP. Use as `with Client(...) as client`.

    `locate` gives the address: `lambda: find(state_dir())` of `cutroom_sdk.discovery`, or an `Address` of one's own.
    """
