"""An API server that lists what it is told to, over HTTP, and refuses as Kubernetes does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Body = dict[str, Any]
CATEGORIES, CLASSIFIERS = "artcategories", "artclassifiers"
_KINDS = {CATEGORIES: "ArtCategory", CLASSIFIERS: "ArtClassifier"}
_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 500: "InternalError"}


class PlayedApiServer(ThreadingHTTPServer):
    """Holds objects by plural; tests change them while it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.held: dict[str, list[Body]] = {CATEGORIES: [], CLASSIFIERS: []}
        self.namespaces = {"default"}
        self.refusals: dict[str, int] = {}
        """By plural: the code it is refused with."""
        self.page = ""
        """Where not empty: what everything is answered with, as by a server of another kind."""
        self.asked: list[str] = []
        """Path and query of every request."""
        self.tokens: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def played_api_server() -> Iterator[PlayedApiServer]:
    """Start one on a free port of loopback."""
    with PlayedApiServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def write_kubeconfig(path: Path, server: str, *, namespace: str = "", token: str = "t") -> Path:
    """Write what kubectl would need to call a server."""
    context: Body = {"cluster": "played", "user": "me"}
    if namespace:
        context["namespace"] = namespace
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "played",
        "clusters": [{"name": "played", "cluster": {"server": server}}],
        "contexts": [{"name": "played", "context": context}],
        "users": [{"name": "me", "user": {"token": token}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


class _Handler(BaseHTTPRequestHandler):
    server: PlayedApiServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(self.path)
        server.tokens.add(self.headers.get("Authorization", ""))
        address = urlsplit(self.path)
        words = address.path.strip("/").split("/")
        if server.page:
            self._send(200, server.page.encode(), "text/html")
        elif words[:3] == ["api", "v1", "namespaces"]:
            self._namespace(words[3])
        else:
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            self._list(words[-1], words[4] if "namespaces" in words else "", query)

    def _namespace(self, name: str) -> None:
        refused = self.server.refusals.get("namespaces")
        if refused or name not in self.server.namespaces:
            self._refuse(refused or 404, f'namespaces "{name}"')
            return
        self._answer({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})

    def _list(self, plural: str, namespace: str, query: dict[str, str]) -> None:
        if code := self.server.refusals.get(plural):
            self._refuse(code, f"{plural}.artgrab.dev")
            return
        held = self.server.held[plural]
        found = [one for one in held if namespace in ("", one["metadata"]["namespace"])]
        start, limit = int(query.get("continue", 0)), int(query.get("limit", len(found) or 1))
        more = str(start + limit) if start + limit < len(found) else ""
        self._answer(
            {
                "kind": f"{_KINDS[plural]}List",
                "apiVersion": "artgrab.dev/v1alpha1",
                "metadata": {"resourceVersion": "7", "continue": more},
                "items": found[start : start + limit],
            }
        )

    def _refuse(self, code: int, what: str) -> None:
        message = f'{what} is {_REASONS[code].lower()}: User "me" cannot list it'
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
        self._answer(status | {"reason": _REASONS[code], "message": message}, code=code)

    def _answer(self, document: Body, *, code: int = 200) -> None:
        self._send(code, json.dumps(document).encode(), "application/json")

    def _send(self, code: int, body: bytes, media_type: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def condition(kind: str, status: str, reason: str, message: str = "") -> Body:
    """Return a condition as the operator writes it."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-11-02T12:00:00Z",
    }


def category(name: str, *conditions: Body, namespace: str = "default", **status: Any) -> Body:
    """Return an ArtCategory as an API server holds it."""
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": "2026-11-02T09:00:00Z"}
    body: Body = {"apiVersion": "artgrab.dev/v1alpha1", "kind": "ArtCategory"}
    body |= {"metadata": metadata, "spec": {"targetImages": 100}}
    told = {"conditions": list(conditions)} if conditions else {}
    return body | ({"status": told | status} if told or status else {})


def counts(stored: int) -> Body:
    """Return the counts of a category."""
    return {"candidates": stored, "stored": stored, "rejected": 0, "failed": 0}


SHA256 = "0123456789abcdef" * 4
SERVING = {
    "key": "0" * 32,
    "contentSha256": SHA256,
    "model": SHA256[:12],
    "accuracyPermille": 934,
    "since": "2026-11-02T11:00:00Z",
    "endpoint": "art-or-not-serving.default.svc:8500",
    "readyReplicas": 2,
}
DATASET = {
    "key": "1" * 32,
    "uri": "s3://bucket/art/default/datasets/1",
    "contentSha256": SHA256,
    "images": 812,
    "stored": 900,
    "inputs": "2" * 32,
    "builtAt": "2026-11-02T10:00:00Z",
}


def classifier(name: str, *conditions: Body, namespace: str = "default", **status: Any) -> Body:
    """Return an ArtClassifier as an API server holds it."""
    body = category(name, *conditions, namespace=namespace, **status)
    return body | {"kind": "ArtClassifier", "spec": {"classes": []}}
