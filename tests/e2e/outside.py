"""A daemon in a process of its own, and what somebody outside can send it."""

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import httpx

from cutroom_sdk.wire.problems import DONE
from tests.daemons import Daemon
from tools import inventory

SERVED: Final = inventory.served()
UNSAFE: Final = [one for one in SERVED if one.method != "GET"]


class Outside:
    """A daemon and what somebody outside can send it."""

    def __init__(self, folder: Path, footage: Path, **environment: str) -> None:
        self.daemon = Daemon(folder, CUTROOM_MEDIA_ROOTS=str(footage), **environment)
        self.footage = footage
        self._http = httpx.Client()
        self.restart()
        self.token = (self.daemon.folder / "operator.token").read_text().strip()

    def asks(
        self, method: str, path: str, *, token: str | None = None, **asked: Any
    ) -> tuple[int, str, httpx.Response]:
        """Return the status, the problem's code (empty for none) and the whole answer."""
        shown = self.token if token is None else token
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        headers |= asked.pop("headers", {})
        answer = self._http.request(method, path, headers=headers, **asked)
        self._http.cookies.clear()  # each request stands for itself
        problem = answer.content and answer.headers.get("content-type") == "application/problem+json"
        return answer.status_code, answer.json()["code"] if problem else "", answer

    def refused(self, method: str, path: str, **asked: Any) -> tuple[int, str]:
        """Return the status and code of an answer."""
        return self.asks(method, path, **asked)[:2]

    def issue(self, **asked: Any) -> str:
        """Return the secret of a token that is good for little."""
        body = {"actor": "ada", "capabilities": ["resources:read"]} | asked
        status, _, answer = self.asks("POST", "/v1/tokens", json=body)
        assert status == 201, answer.text
        return str(answer.json()["token"])

    def restart(self) -> None:
        """Start the daemon, anew after it ended."""
        url = self.daemon.start().split()[-1]
        self.host = url.removeprefix("http://")
        name, _, port = self.host.rpartition(":")
        self.address = (name, int(port))
        self._http.close()
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=20)

    @contextlib.contextmanager
    def streamed(self, path: str, token: str | None = None) -> Iterator[Iterator[str]]:
        """The lines of a stream as they come."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        with self._http.stream("GET", path, headers=headers, timeout=12) as stream:
            yield stream.iter_lines()

    def first(self, prefix: str, *named: str, token: str | None = None) -> Any:
        """Return the first resource under `prefix` that names all of this, once there is one."""
        with self.streamed(f"/v1/resources/events?snapshot=1&prefix={prefix}", token) as lines:
            for line in lines:
                if line.startswith("data: ") and all(one in line for one in named):
                    return json.loads(line.removeprefix("data: "))["value"]
        raise AssertionError("the stream ended")

    @staticmethod
    def now_s() -> int:
        """What time it is, for what must be signed or end at a time."""
        return time.time_ns() // 10**9

    def connect(self) -> socket.socket:
        """A connection, and nothing sent over it yet."""
        return socket.create_connection(self.address, timeout=20)

    def head_of(self, method: str, path: str, *, token: str | None = None, **headers: str) -> bytes:
        """The head of a request as bytes, `_` in a header's name for `-`."""
        shown = self.token if token is None else token
        fields = {"Host": self.host, "Authorization": f"Bearer {shown}"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def answered(self, *parts: bytes) -> tuple[int, bytes]:
        """Send bytes and return the status and all that comes back until the other side closes or has answered."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return read_answer(connection)

    def head(self) -> int:
        """Return the position of the log."""
        return int(self.asks("GET", "/v1/log?limit=1")[2].json()["position"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        assert self.daemon.stop() == DONE


def path_of(one: inventory.Served, id_: str = "x") -> str:
    """A route's path, filled in."""
    key = f"project/{id_}"
    for name, value in (("key", key), ("id", id_), ("render_id", id_), ("name", id_)):
        one = one._replace(path=one.path.replace(f"{{{name}}}", value))
    return one.path


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer; its status (0: the other side closed without one), and all of it."""
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
    except (http.client.BadStatusLine, ConnectionError):
        return 0, b""
    return response.status, str(response.headers).encode() + b"\n" + response.read()


def closed(connection: socket.socket) -> bool:
    """Wait until the other side has closed."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    return True
