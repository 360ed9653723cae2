"""Typed calls to a daemon. Each raises `SdkError` with the daemon's stable code, or `Unreachable`."""

from cutroom_sdk.calls.access import AccessCalls
from cutroom_sdk.calls.log import LogCalls
from cutroom_sdk.calls.media import MediaCalls
from cutroom_sdk.calls.memory import MemoryCalls
from cutroom_sdk.calls.missions import MissionCalls
from cutroom_sdk.calls.outbox import OutboxCalls
from cutroom_sdk.calls.policy import PolicyCalls
from cutroom_sdk.calls.proxies import ProxyCalls
from cutroom_sdk.calls.records import RecordCalls
from cutroom_sdk.calls.rendering import RenderCalls
from cutroom_sdk.calls.routines import RoutineCalls
from cutroom_sdk.calls.secrets import SecretCalls
from cutroom_sdk.calls.status import StatusCalls
from cutroom_sdk.calls.timelines import TimelineCalls


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
    """A daemon as seen over HTTP. Use as `async with Client(...) as client`.

    `locate` gives the address: `lambda: find(state_dir())` of `cutroom_sdk.discovery`, or an `Address` of one's own.
    """
