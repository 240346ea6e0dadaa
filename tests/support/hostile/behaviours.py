"""What a hostile web does, behaviour by behaviour: the parts of which its table is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

GOOD, PRIVATE, RESETTING, DEAF, SILENT = (f"127.0.0.{last}" for last in range(1, 6))
"""Loopback addresses: the sites; what may not be reached; what resets whoever connects; where
nobody listens; what takes connections and never says a word."""
NO_NAME, NO_ANSWER = "no such name", "no answer"
"""Answers of DNS that are no addresses."""


class End(Enum):
    """What a site does once it has said its piece."""

    CLOSE = auto()
    RESET = auto()
    HANG = auto()
    """Say nothing more, and keep the connection."""


@dataclass(frozen=True)
class Says:
    """Bytes on a connection, whether or not they are HTTP; `{port}` and `{tls}` are filled in."""

    begin: bytes = b""
    endlessly: bytes = b""
    """Said again and again, for as long as anybody listens."""
    pause: float = 0.0
    """Seconds after each of these."""
    end: End = End.CLOSE


@dataclass(frozen=True)
class Behaviour:
    """A site of its own and what is to be recorded of the picture on it."""

    name: str
    expected: str
    """Outcome and reason as they are recorded; status of the stream where it is closed. Several
    with | between them where that is a matter of who is faster."""
    says: Says = field(default_factory=Says)
    picture: Callable[[], bytes] | None = None
    """Answered well, with length and type of a JPEG, instead of `says`."""
    url: str = "http://{host}:{port}/a.jpg"
    names: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """What DNS answers for names, one look-up after the other; the last answer stays. The name of
    the site itself is `site`."""
    paths: Mapping[str, Says] = field(default_factory=dict)
    """What is said for other paths, /robots.txt among them."""
    outlasts: bool = False
    """It goes on until a limit of time ends it: good sites must be answered before that."""

    @property
    def host(self) -> str:
        return f"{self.name}.test"


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole answer with its true length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape") + (
        b"\r\n" + body
    )


def announced(length: int | str, body: bytes) -> bytes:
    """Return an answer that claims a length."""
    return OK + f"Content-Length: {length}\r\n\r\n".encode() + body


def redirect(location: str, *headers: str, status: str = "302 Found") -> Says:
    """Return an answer that leads elsewhere."""
    return Says(answer(b"", f"Location: {location}", *headers, status=status))


def resolving(*answers: tuple[str, ...]) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Return what DNS answers for the site itself, look-up after look-up."""
    return {"site": answers}
