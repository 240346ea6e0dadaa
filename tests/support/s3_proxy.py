"""Stands between a client and an S3 server and spoils what passes, as networks do."""

import http.client
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

DROP, UNAVAILABLE, CUT = "drop", "unavailable", "cut"
"""The connection ends without an answer; the answer is 503; the answer ends in its middle."""


class S3Proxy(ThreadingHTTPServer):
    """Hands every request on, with its Host, as the signature covers that."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(endpoint).netloc
        self.spoil: deque[tuple[str, str]] = deque()
        """Method and what is done to the answer of its next request, which was carried out."""
        self.waiting: list[str] = []
        """Requests that are held back."""
        self._held: frozenset[str] = frozenset()
        self._open = threading.Event()
        self.headers: dict[str, str] = {}
        """Headers that are replaced on the way."""
        self.seen: list[str] = []
        """Method and path of every request."""

    def hold(self, *methods: str) -> None:
        """Hold requests of these methods back before they are carried out."""
        self._held = frozenset(methods)
        self._open.clear()

    def let_go(self) -> None:
        """Hold nothing back any more."""
        self._held = frozenset()
        self._open.set()

    def pass_on(self, request: str) -> None:
        """Return when a request may be carried out."""
        if request.partition(" ")[0] in self._held:
            self.waiting.append(request)
            self._open.wait()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def s3_proxy(endpoint: str) -> Iterator[S3Proxy]:
    """Start a proxy before the server at an endpoint."""
    with S3Proxy(endpoint) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.let_go()
            proxy.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: S3Proxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        proxy = self.server
        asked = f"{self.command} {self.path}"
        proxy.seen.append(asked)
        proxy.pass_on(asked)
        status, headers, body = self._handed_on()
        spoilt = ""
        if proxy.spoil and proxy.spoil[0][0] == self.command:
            spoilt = proxy.spoil.popleft()[1]
        if spoilt == DROP:
            self.close_connection = True
            return
        if spoilt == UNAVAILABLE:
            status, headers, body = 503, {}, b"<Error><Code>SlowDown</Code></Error>"
        self._answer(status, headers, body, cut=spoilt == CUT)

    def do_PUT(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def _handed_on(self) -> tuple[int, dict[str, str], bytes]:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        replaced = {name.lower(): value for name, value in self.server.headers.items()}
        headers = {name: replaced.get(name.lower(), value) for name, value in self.headers.items()}
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        try:
            connection.request(self.command, self.path, body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        kept = {"content-type", "content-range", "etag", "last-modified", "date", "content-length"}
        return (
            response.status,
            {name: value for name, value in response.getheaders() if name.lower() in kept},
            answer,
        )

    def _answer(self, status: int, headers: dict[str, str], body: bytes, *, cut: bool) -> None:
        self.send_response_only(status)
        if self.command != "HEAD":
            headers = {n: v for n, v in headers.items() if n.lower() != "content-length"}
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    def log_message(self, *arguments: Any) -> None:
        """Keep quiet."""
