"""A server on loopback that keeps what it is asked, and answers what a test tells it to."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self


class Call(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]  # names in small letters
    body: bytes


class Sink:
    """Answers every path with `answers[path]`: status, headers, body; else 200 with what it was asked, as an echo."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                sink._handle(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def _handle(self, one: BaseHTTPRequestHandler) -> None:
        body = one.rfile.read(int(one.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in one.headers.items()}
        self.calls.append(Call(one.command, one.path, headers, body))
        told = "\n".join(f"{name}: {value}" for name, value in headers.items()).encode()
        status, given, content = self.answers.get(one.path, (200, {}, told + b"\n\n" + body))
        one.send_response(status)
        for name, value in given.items():
            one.send_header(name, value)
        one.send_header("Content-Length", str(len(content)))
        one.end_headers()
        if one.command != "HEAD":
            one.wfile.write(content)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
