"""What is said of the log as a whole."""

from cutroom_sdk.wire.codec import Wire


class Anchor(Wire, frozen=True, kw_only=True):
    """How far a log had come: the hash, in hex, of the event at `position`; 0 and zeros for an empty one."""

    position: int
    hash: str
