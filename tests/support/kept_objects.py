"""An API server that keeps custom resources: they are made, read by name and deleted over HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


class KeptObjects(ThreadingHTTPServer):
    """Keeps objects by plural and name; `made` is told of each new one and may change it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.held: dict[tuple[str, str], Body] = {}
        self.made: Callable[[str, Body], None] = lambda plural, body: None
        self.refusal: tuple[int, str] | None = None
        """Code and message that everything new is refused with."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def kept_objects() -> Iterator[KeptObjects]:
    """Start one on a free port of loopback."""
    with KeptObjects() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: KeptObjects
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        plural = self._words()[-1]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.refusal:
            self._refuse(*self.server.refusal)
            return
        self.server.held[plural, body["metadata"]["name"]] = body
        self.server.made(plural, body)
        self._answer(201, body)

    def do_GET(self) -> None:
        found = self.server.held.get(self._key())
        if found is None:
            self._refuse(404, "not found")
        else:
            self._answer(200, found)

    def do_DELETE(self) -> None:
        if self.headers.get("Content-Length"):
            self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.held.pop(self._key(), None) is None:
            self._refuse(404, "not found")
        else:
            self._answer(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def _words(self) -> list[str]:
        return self.path.partition("?")[0].strip("/").split("/")

    def _key(self) -> tuple[str, str]:
        *_, plural, name = self._words()
        return plural, name

    def _refuse(self, code: int, message: str) -> None:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
        self._answer(code, status | {"reason": "Refused", "message": message})

    def _answer(self, code: int, document: Body) -> None:
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
