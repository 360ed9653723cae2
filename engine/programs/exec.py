"""The process that becomes a command: it fences itself in, then it is the command.

Started as `python -m engine.programs.exec` by `process.carry_out`.
"""

import os
import sys

from cutroom_sdk.wire.codec import decode
from engine.media import sandbox
from engine.programs.process import Setup

NOT_FOUND = 127


class Become(Setup, frozen=True, kw_only=True):
    """What to become."""

    argv: tuple[str, ...]


def main() -> None:
    """Become the command; only what keeps it from that comes back."""
    told = decode(sys.stdin.buffer.readline(), Become)
    sandbox.die_with_parent(told.parent)
    os.close(int(os.environ["CUTROOM_CHANNEL"]))
    own = {name: os.environ[name] for name in ("HOME", "LC_ALL", "PATH", "TMPDIR")}
    if told.fence is not None:
        sandbox.lock_down(memory_bytes=told.memory_bytes, file_bytes=told.file_bytes, fence=told.fence)
    try:
        os.execve(told.argv[0], told.argv, own)
    except OSError as error:
        sys.stdout.write(f"{told.argv[0]} cannot be started: {error.strerror}\n")
        sys.exit(NOT_FOUND)


if __name__ == "__main__":
    main()
