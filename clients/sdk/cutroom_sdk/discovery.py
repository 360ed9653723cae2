"""Where a daemon is: the state directory, what lies in it, and the address and token to use."""

import os
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from cutroom_sdk.wire.codec import Wire, decode
from cutroom_sdk.wire.status import Endpoint

ENDPOINT_FILE: Final = "endpoint.json"
TOKEN_FILE: Final = "operator.token"


class Address(Wire, frozen=True, kw_only=True):
    """Where to go and what to show at the door."""

    url: str
    token: str


def state_dir(given: str | Path | None = None) -> Path:
    """Return the state directory: as given, else `CUTROOM_HOME`, else the platform's folder for user data."""
    chosen = given or os.environ.get("CUTROOM_HOME")
    folder = Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_path("cutroom"))
    return folder.absolute()


def read_endpoint(folder: Path) -> Endpoint | None:
    """Return what the daemon of this state directory wrote, or None when there is none.

    A daemon that was killed leaves its file behind, and then the process that it names is gone: None too.
    """
    try:
        endpoint = decode((folder / ENDPOINT_FILE).read_bytes(), Endpoint)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None
    return endpoint if _alive(endpoint.pid) else None


def read_token(folder: Path) -> str | None:
    """Return `CUTROOM_TOKEN`, else the operator's token, or None when neither is there."""
    from_environment = os.environ.get("CUTROOM_TOKEN", "").strip()
    if from_environment:
        return from_environment
    try:
        return (folder / TOKEN_FILE).read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


def find(folder: Path, *, url: str | None = None) -> Address | None:
    """Return the address of the daemon at `url` (or `CUTROOM_URL`), else of the state directory's; None without one."""
    chosen = url or os.environ.get("CUTROOM_URL")
    token = read_token(folder)
    if chosen:
        return Address(url=chosen.rstrip("/"), token=token or "")
    endpoint = read_endpoint(folder)
    if endpoint is None or token is None:
        return None
    return Address(url=endpoint.url, token=token)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
